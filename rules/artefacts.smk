rule figure:
    input:
        unpack(plan.inputs("figure")),
    output:
        table="results/tables/{paper}/{artefact}.csv",
        html="results/tables/{paper}/{artefact}.html",
        pdf="results/figures/{paper}/{artefact}.pdf",
        png=report(
            "results/figures/{paper}/{artefact}.png",
            caption="../report/artefact.rst",
            category=plan.chapter,
            labels=plan.labels,
        ),
    log:
        "results/logs/figure/{paper}/{artefact}.log",
    benchmark:
        "results/benchmarks/figure/{paper}/{artefact}.tsv"
    wildcard_constraints:
        artefact=one_of(plan.places(table=False)),
    conda:
        "../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory("figure"),
        runtime=needs.minutes("figure"),
    params:
        job=plan.params("figure"),
    script:
        "../scripts/figure.py"


rule table:
    input:
        unpack(plan.inputs("table")),
    output:
        table=report(
            "results/tables/{paper}/{artefact}.csv",
            caption="../report/artefact.rst",
            category=plan.chapter,
            labels=plan.data_labels,
        ),
        html=report(
            "results/tables/{paper}/{artefact}.html",
            caption="../report/artefact.rst",
            category=plan.chapter,
            labels=plan.labels,
        ),
    log:
        "results/logs/table/{paper}/{artefact}.log",
    benchmark:
        "results/benchmarks/table/{paper}/{artefact}.tsv"
    wildcard_constraints:
        artefact=one_of(plan.places(table=True)),
    conda:
        "../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory("table"),
        runtime=needs.minutes("table"),
    params:
        job=plan.params("table"),
    script:
        "../scripts/table.py"


rule summary:
    input:
        unpack(plan.inputs("summary")),
    output:
        models="results/summary/{paper}.csv",
        missing="results/summary/{paper}.missing.csv",
        html=report(
            "results/summary/{paper}.html",
            caption="../report/summary.rst",
            category=plan.chapter,
            labels={"artefact": "Models, and what is left out"},
        ),
    log:
        "results/logs/summary/{paper}.log",
    benchmark:
        "results/benchmarks/summary/{paper}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory("summary"),
        runtime=needs.minutes("summary"),
    params:
        job=plan.params("summary"),
    script:
        "../scripts/summary.py"


for paper in config["papers"]:

    rule:
        name:
            paper
        input:
            plan.targets(paper),
