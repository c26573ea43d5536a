rule training_logits:
    input:
        images=lambda wildcards: plan.split(wildcards.dataset, "train"),
        weights=lambda wildcards: plan.weights(wildcards.model),
    output:
        "results/logits/{dataset}/{model}/{part}.arrow",
    log:
        "results/logs/training_logits/{dataset}/{model}/{part}.log",
    benchmark:
        "results/benchmarks/training_logits/{dataset}/{model}/{part}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]["compute"]
    resources:
        mem_mb=8000,
        runtime=60,
        gpu=gpu,
    params:
        digest=lambda wildcards: plan.logits(wildcards.model, wildcards.part).digest,
        inputs=lambda wildcards: digests([*plan.split(wildcards.dataset, "train"), plan.weights(wildcards.model)]),
        dataset=lambda wildcards: config["datasets"][wildcards.dataset],
        entry=lambda wildcards: config["models"][wildcards.model],
        seed=config["seed"],
    script:
        "../scripts/training_logits.py"


rule neighbourhoods:
    input:
        lambda wildcards: plan.training_logits(wildcards.model),
    output:
        "results/neighbourhoods/{dataset}/{model}/{method}.safetensors",
    log:
        "results/logs/neighbourhoods/{dataset}/{model}/{method}.log",
    benchmark:
        "results/benchmarks/neighbourhoods/{dataset}/{model}/{method}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=16000,
        runtime=120,
    params:
        digest=lambda wildcards: plan.neighbourhoods(wildcards.model, wildcards.method).digest,
        inputs=lambda wildcards: digests(plan.training_logits(wildcards.model)),
        settings=lambda wildcards: study.method(wildcards.method, wildcards.model),
        seed=config["seed"],
    script:
        "../scripts/neighbourhoods.py"
