rule attribute:
    input:
        unpack(lambda wildcards: plan.map_inputs(wildcards.model, wildcards.method, wildcards.shard)),
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
        mem_mb=8000,
        runtime=60,
        gpu=gpu,
    params:
        digest=lambda wildcards: plan.maps(wildcards.model, wildcards.method, wildcards.shard).digest,
        inputs=lambda wildcards: digests(
            sum(plan.map_inputs(wildcards.model, wildcards.method, wildcards.shard).values(), [])
        ),
        settings=lambda wildcards: study.method(wildcards.method, wildcards.model),
        dataset=lambda wildcards: config["datasets"][wildcards.dataset],
        entry=lambda wildcards: config["models"][wildcards.model],
        seed=config["seed"],
        dtype=config["maps_dtype"],
        background_images=lambda wildcards: plan.background_images(wildcards.model, wildcards.method),
    script:
        "../scripts/attribute.py"
