rule judge:
    input:
        unpack(plan.inputs("judge")),
    output:
        "results/claims/{paper}.{claim}.json",
    log:
        "results/logs/judge/{paper}.{claim}.log",
    benchmark:
        "results/benchmarks/judge/{paper}.{claim}.tsv"
    conda:
        "../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory("judge"),
        runtime=needs.minutes("judge"),
    params:
        job=plan.params("judge"),
    script:
        "../scripts/judge.py"


rule paper_claims:
    input:
        unpack(plan.inputs("paper_claims")),
    output:
        "results/claims/{paper}.csv",
    log:
        "results/logs/paper_claims/{paper}.log",
    benchmark:
        "results/benchmarks/paper_claims/{paper}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory("paper_claims"),
        runtime=needs.minutes("paper_claims"),
    params:
        job=plan.params("paper_claims"),
    script:
        "../scripts/paper_claims.py"


rule claims:
    input:
        unpack(plan.inputs("claims")),
    output:
        table="results/claims.csv",
        json="results/claims.json",
        html=report(
            "results/claims.html",
            caption="../report/claims.rst",
            category="Claims",
            labels={"artefact": "Verdicts"},
        ),
        counts="results/claims/counts.txt",
    log:
        "results/logs/claims.log",
    benchmark:
        "results/benchmarks/claims.tsv"
    conda:
        "../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory("claims"),
        runtime=needs.minutes("claims"),
    params:
        job=plan.params("claims"),
    script:
        "../scripts/claims.py"
