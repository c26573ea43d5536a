rule make_dataset:
    output:
        train="results/data/{dataset}/train.parquet",
        train_pixels="results/data/{dataset}/train.arrow",
        test="results/data/{dataset}/test.parquet",
        test_pixels="results/data/{dataset}/test.arrow",
    log:
        "results/logs/make_dataset/{dataset}.log",
    benchmark:
        "results/benchmarks/make_dataset/{dataset}.tsv"
    wildcard_constraints:
        dataset="|".join([name for name in config["datasets"] if plan.is_made(name)] or ["none_made"]),
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        digest=lambda wildcards: plan.index(wildcards.dataset, "train").digest,
        entry=lambda wildcards: config["datasets"][wildcards.dataset],
        seed=config["seed"],
    script:
        "../scripts/make_dataset.py"


rule index_dataset:
    output:
        "results/data/{dataset}/{split}.parquet",
    log:
        "results/logs/index_dataset/{dataset}/{split}.log",
    benchmark:
        "results/benchmarks/index_dataset/{dataset}/{split}.tsv"
    wildcard_constraints:
        dataset="|".join([name for name in config["datasets"] if not plan.is_made(name)] or ["none_external"]),
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        digest=lambda wildcards: plan.index(wildcards.dataset, wildcards.split).digest,
        entry=lambda wildcards: config["datasets"][wildcards.dataset],
        seed=config["seed"],
    script:
        "../scripts/index_dataset.py"
