rule benchmark:
    output:
        "results/benchmark.csv",
    log:
        "results/logs/benchmark.log",
    conda:
        "../envs/torch.yaml"
    threads: workflow.cores
    resources:
        mem_mb=needs.memory(),
        runtime=needs.minutes(),
        gpu=gpu,
    script:
        "../scripts/benchmark.py"
