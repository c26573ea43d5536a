rule train_model:
    input:
        unpack(plan.inputs("train_model")),
    output:
        weights="results/models/{dataset}/{model}.safetensors",
        about="results/models/{dataset}/{model}.json",
    log:
        "results/logs/train_model/{dataset}/{model}.log",
    benchmark:
        "results/benchmarks/train_model/{dataset}/{model}.tsv"
    wildcard_constraints:
        model=one_of(plan.trainings("train_model")),
    priority: 1
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]["train"]
    resources:
        mem_mb=needs.memory("train_model"),
        runtime=needs.minutes("train_model"),
        gpu=gpu,
    params:
        job=plan.params("train_model"),
    script:
        "../scripts/train_model.py"


rule fetch_model:
    input:
        unpack(plan.inputs("fetch_model")),
    output:
        weights="results/models/{dataset}/{model}.safetensors",
        about="results/models/{dataset}/{model}.json",
    log:
        "results/logs/fetch_model/{dataset}/{model}.log",
    benchmark:
        "results/benchmarks/fetch_model/{dataset}/{model}.tsv"
    wildcard_constraints:
        model=one_of(plan.trainings("fetch_model")),
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]["compute"]
    resources:
        mem_mb=needs.memory("fetch_model"),
        runtime=needs.minutes("fetch_model"),
        gpu=gpu,
    params:
        job=plan.params("fetch_model"),
    script:
        "../scripts/fetch_model.py"


rule randomise_model:
    input:
        unpack(plan.inputs("randomise_model")),
    output:
        weights="results/models/{dataset}/{model}.safetensors",
        about="results/models/{dataset}/{model}.json",
    log:
        "results/logs/randomise_model/{dataset}/{model}.log",
    benchmark:
        "results/benchmarks/randomise_model/{dataset}/{model}.tsv"
    wildcard_constraints:
        model=one_of(plan.trainings("randomise_model")),
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]["compute"]
    resources:
        mem_mb=needs.memory("randomise_model"),
        runtime=needs.minutes("randomise_model"),
        gpu=gpu,
    params:
        job=plan.params("randomise_model"),
    script:
        "../scripts/randomise_model.py"


rule logits:
    input:
        unpack(plan.inputs("logits")),
    output:
        "results/logits/{dataset}/{model}/{split}/{part}.arrow",
    log:
        "results/logs/logits/{dataset}/{model}/{split}/{part}.log",
    benchmark:
        "results/benchmarks/logits/{dataset}/{model}/{split}/{part}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]["compute"]
    resources:
        mem_mb=needs.memory("logits"),
        runtime=needs.minutes("logits"),
        gpu=gpu,
    params:
        job=plan.params("logits"),
    script:
        "../scripts/logits.py"
