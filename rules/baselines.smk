rule baselines:
    input:
        images=lambda wildcards: plan.split(wildcards.dataset, "test"),
        weights=lambda wildcards: plan.weights(wildcards.model),
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
        mem_mb=8000,
        runtime=60,
        gpu=gpu,
    params:
        digest=lambda wildcards: plan.baselines(wildcards.model, wildcards.method, wildcards.shard).digest,
        inputs=lambda wildcards: digests([*plan.split(wildcards.dataset, "test"), plan.weights(wildcards.model)]),
        settings=lambda wildcards: study.baseline(wildcards.method, wildcards.model),
        dataset=lambda wildcards: config["datasets"][wildcards.dataset],
        entry=lambda wildcards: config["models"][wildcards.model],
        seed=config["seed"],
    script:
        "../scripts/baselines.py"
