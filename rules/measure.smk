rule measure:
    input:
        unpack(plan.inputs("measure")),
    output:
        "results/scores/{dataset}/{model}/{method}/{metric}/{shard}.parquet",
    log:
        "results/logs/measure/{dataset}/{model}/{method}/{metric}/{shard}.log",
    benchmark:
        "results/benchmarks/measure/{dataset}/{model}/{method}/{metric}/{shard}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]["compute"]
    resources:
        mem_mb=8000,
        runtime=60,
        gpu=gpu,
    params:
        job=plan.params("measure"),
    script:
        "../scripts/measure.py"
