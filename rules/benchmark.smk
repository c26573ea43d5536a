rule benchmark:
    output:
        "results/benchmark.csv",
    log:
        "results/logs/benchmark.log",
    conda:
        "../envs/torch.yaml"
    threads: workflow.cores
    resources:
        mem_mb=growing("mem_mb"),
        runtime=growing("runtime"),
        gpu=gpu,
    script:
        "../scripts/benchmark.py"
