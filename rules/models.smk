rule train_model:
    input:
        train=lambda wildcards: plan.split(wildcards.dataset, "train"),
        test=lambda wildcards: plan.split(wildcards.dataset, "test"),
    output:
        weights="results/models/{dataset}/{model}.safetensors",
        about="results/models/{dataset}/{model}.json",
    log:
        "results/logs/train_model/{dataset}/{model}.log",
    benchmark:
        "results/benchmarks/train_model/{dataset}/{model}.tsv"
    wildcard_constraints:
        model="|".join([name for name in config["models"] if plan.is_trained(name)] or ["none_trained"]),
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]["train"]
    resources:
        mem_mb=4000,
        runtime=30,
        gpu=gpu,
    params:
        digest=lambda wildcards: plan.weights(wildcards.model).digest,
        inputs=lambda wildcards: digests(plan.split(wildcards.dataset, "train") + plan.split(wildcards.dataset, "test")),
        dataset=lambda wildcards: config["datasets"][wildcards.dataset],
        entry=lambda wildcards: config["models"][wildcards.model],
        seed=config["seed"],
        train_threads=config["threads"]["train"],
    script:
        "../scripts/train_model.py"


rule fetch_model:
    input:
        file=lambda wildcards: plan.weights_file(wildcards.model),
        train=lambda wildcards: plan.split(wildcards.dataset, "train"),
        test=lambda wildcards: plan.split(wildcards.dataset, "test"),
    output:
        weights="results/models/{dataset}/{model}.safetensors",
        about="results/models/{dataset}/{model}.json",
    log:
        "results/logs/fetch_model/{dataset}/{model}.log",
    benchmark:
        "results/benchmarks/fetch_model/{dataset}/{model}.tsv"
    wildcard_constraints:
        model="|".join([name for name in config["models"] if not plan.is_trained(name)] or ["none_fetched"]),
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]["compute"]
    resources:
        mem_mb=16000,
        runtime=120,
        gpu=gpu,
    params:
        digest=lambda wildcards: plan.weights(wildcards.model).digest,
        inputs=lambda wildcards: digests(plan.split(wildcards.dataset, "train") + plan.split(wildcards.dataset, "test")),
        dataset=lambda wildcards: config["datasets"][wildcards.dataset],
        entry=lambda wildcards: config["models"][wildcards.model],
        seed=config["seed"],
    script:
        "../scripts/fetch_model.py"
