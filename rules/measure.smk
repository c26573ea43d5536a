rule measure:
    input:
        images=lambda wildcards: plan.split(wildcards.dataset, "test"),
        weights=lambda wildcards: plan.weights(wildcards.model),
        maps=lambda wildcards: plan.maps(wildcards.model, wildcards.method, wildcards.shard),
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
        digest=lambda wildcards: plan.scores(
            wildcards.model, wildcards.method, wildcards.metric, wildcards.shard
        ).digest,
        inputs=lambda wildcards: digests(
            [
                *plan.split(wildcards.dataset, "test"),
                plan.weights(wildcards.model),
                plan.maps(wildcards.model, wildcards.method, wildcards.shard),
            ]
        ),
        settings=lambda wildcards: study.metric(wildcards.metric),
        dataset=lambda wildcards: config["datasets"][wildcards.dataset],
        entry=lambda wildcards: config["models"][wildcards.model],
        seed=config["seed"],
    script:
        "../scripts/measure.py"
