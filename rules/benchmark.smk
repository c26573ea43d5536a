rule benchmark:
    output:
        "results/benchmark.csv",
    log:
        "results/logs/benchmark.log",
    conda:
        "../envs/torch.yaml"
    threads: workflow.cores
    resources:
        mem_mb=8000,
        runtime=60,
        gpu=gpu,
    script:
        "../scripts/benchmark.py"
