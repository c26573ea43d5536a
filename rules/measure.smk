rule probe:
    input:
        unpack(plan.inputs("probe")),
    output:
        "results/probes/{dataset}/{model}/{metric}/{shard}.arrow",
    log:
        "results/logs/probe/{dataset}/{model}/{metric}/{shard}.log",
    benchmark:
        "results/benchmarks/probe/{dataset}/{model}/{metric}/{shard}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]["compute"]
    resources:
        mem_mb=needs.memory("probe"),
        runtime=needs.minutes("probe"),
        gpu=gpu,
    params:
        job=plan.params("probe"),
    script:
        "../scripts/probe.py"


rule measure:
    input:
        unpack(plan.inputs("measure")),
    output:
        "results/scores/{dataset}/{model}/{method}/{metric}/{shard}.parquet",
    log:
        "results/logs/measure/{dataset}/{model}/{method}/{metric}/{shard}.log",
    benchmark:
        "results/benchmarks/measure/{dataset}/{model}/{method}/{metric}/{shard}.tsv"
    wildcard_constraints:
        metric=one_of(name for name in config["metrics"] if not study.retrains(name)),
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]["compute"]
    resources:
        mem_mb=needs.memory("measure"),
        runtime=needs.minutes("measure"),
        gpu=gpu,
    params:
        job=plan.params("measure"),
    script:
        "../scripts/measure.py"


rule retrain:
    input:
        unpack(plan.inputs("retrain")),
    output:
        "results/scores/{dataset}/{model}/{method}/{metric}/{shard}.parquet",
    log:
        "results/logs/retrain/{dataset}/{model}/{method}/{metric}/{shard}.log",
    benchmark:
        "results/benchmarks/retrain/{dataset}/{model}/{method}/{metric}/{shard}.tsv"
    wildcard_constraints:
        metric=one_of(name for name in config["metrics"] if study.retrains(name)),
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]["compute"]
    resources:
        mem_mb=needs.memory("retrain"),
        runtime=needs.minutes("retrain"),
        gpu=gpu,
    params:
        job=plan.params("retrain"),
    script:
        "../scripts/retrain.py"
