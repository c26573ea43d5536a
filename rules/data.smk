rule make_dataset:
    output:
        index="results/data/{dataset}/{split}.parquet",
        pixels="results/data/{dataset}/{split}.arrow",
    log:
        "results/logs/make_dataset/{dataset}/{split}.log",
    benchmark:
        "results/benchmarks/make_dataset/{dataset}/{split}.tsv"
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
