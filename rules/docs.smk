from pathattr import cost


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
        mem_mb=needs.memory(),
        runtime=needs.minutes(),
    params:
        digest=plan.documentation("document_methods"),
    script:
        "../scripts/document_methods.py"


rule document_cost:
    output:
        "docs/full-scale.md",
    log:
        "results/logs/document_cost.log",
    benchmark:
        "results/benchmarks/document_cost.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(),
        runtime=needs.minutes(),
    params:
        page=lambda wildcards: cost.page([ROOT / "config" / "imagenet.yaml"]),
    script:
        "../scripts/document_cost.py"
