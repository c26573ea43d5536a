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
        dataset=one_of(name for name in config["datasets"] if plan.is_made(name)),
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory("make_dataset"),
        runtime=needs.minutes("make_dataset"),
    params:
        job=plan.params("make_dataset"),
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
        dataset=one_of(name for name in config["datasets"] if not plan.is_made(name)),
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory("index_dataset"),
        runtime=needs.minutes("index_dataset"),
    params:
        job=plan.params("index_dataset"),
    script:
        "../scripts/index_dataset.py"
