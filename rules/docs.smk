rule document_methods:
    output:
        "docs/methods.md",
    log:
        "results/logs/document_methods.log",
    benchmark:
        "results/benchmarks/document_methods.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        digest=plan.documentation("document_methods"),
    script:
        "../scripts/document_methods.py"
