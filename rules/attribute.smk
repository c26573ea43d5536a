rule neighbourhoods:
    input:
        unpack(plan.inputs("neighbourhoods")),
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
        mem_mb=needs.memory("neighbourhoods"),
        runtime=needs.minutes("neighbourhoods"),
    params:
        job=plan.params("neighbourhoods"),
    script:
        "../scripts/neighbourhoods.py"


rule baselines:
    input:
        unpack(plan.inputs("baselines")),
    output:
        "results/baselines/{dataset}/{model}/{method}/{shard}.arrow",
    log:
        "results/logs/baselines/{dataset}/{model}/{method}/{shard}.log",
    benchmark:
        "results/benchmarks/baselines/{dataset}/{model}/{method}/{shard}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]["compute"]
    resources:
        mem_mb=needs.memory("baselines"),
        runtime=needs.minutes("baselines"),
        gpu=gpu,
    params:
        job=plan.params("baselines"),
    script:
        "../scripts/baselines.py"


rule attribute:
    input:
        unpack(plan.inputs("attribute")),
    output:
        "results/maps/{dataset}/{model}/{method}/{shard}.arrow",
    log:
        "results/logs/attribute/{dataset}/{model}/{method}/{shard}.log",
    benchmark:
        "results/benchmarks/attribute/{dataset}/{model}/{method}/{shard}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]["compute"]
    resources:
        mem_mb=needs.memory("attribute"),
        runtime=needs.minutes("attribute"),
        gpu=gpu,
    params:
        job=plan.params("attribute"),
    script:
        "../scripts/attribute.py"
