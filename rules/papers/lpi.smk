# Yang, Akhtar, Wen, Mian: Local Path Integration for Attribution. AAAI 2023.

lpi = config["papers"]["lpi"]
lpi_model = lpi["models"][lpi["sweep_model"]]
lpi_gradients = study.points(lpi["sweeps"]["gradients"], lpi_model)
lpi_hoods = study.points(lpi["sweeps"]["neighbourhoods"], lpi_model)
lpi_path_methods = [name for name in ("ig", "eg", "lpi") if name in lpi["methods"]]
lpi_train = plan.split(lpi["dataset"], "train")
lpi_test = plan.split(lpi["dataset"], "test")
lpi_scores = {
    "fig3": plan.all_scores(lpi["models"]["vgg16"], lpi["methods"], lpi["metric"], lpi["images"]),
    "fig4": plan.all_scores(lpi["models"]["resnet34"], lpi["methods"], lpi["metric"], lpi["images"]),
    "table1": [
        file
        for model in lpi["models"].values()
        for file in plan.all_scores(model, lpi["methods"] + lpi["table_methods"], lpi["metric"], lpi["images"])
    ],
    "fig6l": plan.all_scores(
        lpi_model, dict.fromkeys(point[0] for point in lpi_gradients), lpi["metric"], lpi["images"]
    ),
    "fig6r": plan.all_scores(
        lpi_model, dict.fromkeys([*(point[0] for point in lpi_hoods), "eg"]), lpi["metric"], lpi["images"]
    ),
}
lpi_maps = {
    "fig1": plan.all_maps(lpi_model, lpi_path_methods, lpi["images"], lpi["dark_image_among"]),
    "fig5": plan.all_maps(lpi_model, lpi["methods"], lpi["images"], lpi["gallery_images"]),
}
# Named as targets, so that a shard that is removed is made again even where the figures are still there.
lpi_kept = sorted(
    {file for files in lpi_scores.values() for file in files}
    | {plan.maps_of(file) for files in lpi_scores.values() for file in files}
)


rule lpi:
    input:
        expand(
            "results/figures/lpi/{figure}.{ending}",
            figure=["fig1", "fig2", "fig3", "fig4", "fig5", "fig6l", "fig6r", "examples"],
            ending=["pdf", "png"],
        ),
        expand("results/tables/lpi/{table}.html", table=["table1", "examples"]),
        lpi_kept,


rule lpi_fig1:
    input:
        test=lpi_test,
        train=lpi_train,
        neighbourhoods=plan.neighbourhoods(lpi_model, "lpi"),
        logits=plan.training_logits(lpi_model),
        weights=plan.weights(lpi_model),
        maps=lpi_maps["fig1"],
    output:
        pdf="results/figures/lpi/fig1.pdf",
        png=report(
            "results/figures/lpi/fig1.png",
            caption="../../report/lpi_fig1.rst",
            category="LPI (AAAI 2023)",
            labels={"artefact": "Fig. 1"},
        ),
        table="results/tables/lpi/fig1.csv",
    log:
        "results/logs/lpi_fig1.log",
    benchmark:
        "results/benchmarks/lpi_fig1.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=30,
    params:
        digest=plan.artefact("lpi_fig1", [*lpi_maps["fig1"], plan.neighbourhoods(lpi_model, "lpi")]),
        inputs=digests(
            [
                *lpi_test,
                *lpi_train,
                plan.neighbourhoods(lpi_model, "lpi"),
                plan.weights(lpi_model),
                *lpi_maps["fig1"],
            ]
        ),
        dataset=config["datasets"][lpi["dataset"]],
        entry=config["models"][lpi_model],
        methods=lpi_path_methods,
        eg=study.method("eg", lpi_model),
        background_images=config["background_images"],
        images=lpi["dark_image_among"],
        seed=config["seed"],
    script:
        "../../scripts/lpi_fig1.py"


rule lpi_fig2:
    input:
        train=lpi_train,
        logits=plan.training_logits(lpi_model),
        neighbourhoods=plan.neighbourhoods(lpi_model, "lpi"),
    output:
        pdf="results/figures/lpi/fig2.pdf",
        png=report(
            "results/figures/lpi/fig2.png",
            caption="../../report/lpi_fig2.rst",
            category="LPI (AAAI 2023)",
            labels={"artefact": "Fig. 2"},
        ),
        table="results/tables/lpi/fig2.csv",
    log:
        "results/logs/lpi_fig2.log",
    benchmark:
        "results/benchmarks/lpi_fig2.tsv"
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=16000,
        runtime=60,
    params:
        digest=plan.artefact(
            "lpi_fig2",
            [*plan.training_logits(lpi_model), plan.neighbourhoods(lpi_model, "lpi")],
            images=lpi["umap_images"],
        ),
        inputs=digests([*lpi_train, *plan.training_logits(lpi_model), plan.neighbourhoods(lpi_model, "lpi")]),
        dataset=config["datasets"][lpi["dataset"]],
        images=lpi["umap_images"],
        seed=config["seed"],
    script:
        "../../scripts/lpi_fig2.py"


rule lpi_curves:
    input:
        lambda wildcards: lpi_scores[wildcards.figure],
    output:
        pdf="results/figures/lpi/{figure}.pdf",
        png=report(
            "results/figures/lpi/{figure}.png",
            caption="../../report/lpi_curves.rst",
            category="LPI (AAAI 2023)",
            labels=lambda wildcards: {"artefact": f"Fig. {wildcards.figure[3:]}"},
        ),
        table="results/tables/lpi/{figure}.csv",
    log:
        "results/logs/lpi_curves/{figure}.log",
    benchmark:
        "results/benchmarks/lpi_curves/{figure}.tsv"
    wildcard_constraints:
        figure="fig3|fig4",
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=16000,
        runtime=30,
    params:
        digest=lambda wildcards: plan.artefact("lpi_curves", lpi_scores[wildcards.figure], methods=lpi["methods"]),
        inputs=lambda wildcards: digests(lpi_scores[wildcards.figure]),
        methods=lpi["methods"],
        seed=config["seed"],
        model=lambda wildcards: lpi["models"]["vgg16" if wildcards.figure == "fig3" else "resnet34"],
        paper_model=lambda wildcards: "VGG-16" if wildcards.figure == "fig3" else "ResNet-34",
    script:
        "../../scripts/lpi_curves.py"


rule lpi_table1:
    input:
        scores=lpi_scores["table1"],
        reported=beside_snakefile("resources/reported/lpi-aaai2023.csv"),
    output:
        table=report(
            "results/tables/lpi/table1.csv",
            caption="../../report/lpi_table1.rst",
            category="LPI (AAAI 2023)",
            labels={"artefact": "Table 1, data"},
        ),
        html=report(
            "results/tables/lpi/table1.html",
            caption="../../report/lpi_table1.rst",
            category="LPI (AAAI 2023)",
            labels={"artefact": "Table 1"},
        ),
    log:
        "results/logs/lpi_table1.log",
    benchmark:
        "results/benchmarks/lpi_table1.tsv"
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=16000,
        runtime=30,
    params:
        digest=plan.artefact(
            "lpi_table1", lpi_scores["table1"], methods=lpi["methods"] + lpi["table_methods"], models=lpi["models"]
        ),
        inputs=digests(lpi_scores["table1"]),
        methods=lpi["methods"] + lpi["table_methods"],
        models=lpi["models"],
        dataset=lpi["dataset"],
        seed=config["seed"],
    script:
        "../../scripts/lpi_table1.py"


rule lpi_fig5:
    input:
        test=lpi_test,
        maps=lpi_maps["fig5"],
    output:
        pdf="results/figures/lpi/fig5.pdf",
        png=report(
            "results/figures/lpi/fig5.png",
            caption="../../report/lpi_fig5.rst",
            category="LPI (AAAI 2023)",
            labels={"artefact": "Fig. 5"},
        ),
        table="results/tables/lpi/fig5.csv",
    log:
        "results/logs/lpi_fig5.log",
    benchmark:
        "results/benchmarks/lpi_fig5.tsv"
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=30,
    params:
        digest=plan.artefact("lpi_fig5", lpi_maps["fig5"], methods=lpi["methods"], images=lpi["gallery_images"]),
        inputs=digests([*lpi_test, *lpi_maps["fig5"]]),
        dataset=config["datasets"][lpi["dataset"]],
        methods=lpi["methods"],
        images=lpi["gallery_images"],
        seed=config["seed"],
    script:
        "../../scripts/lpi_fig5.py"


rule lpi_fig6l:
    input:
        lpi_scores["fig6l"],
    output:
        pdf="results/figures/lpi/fig6l.pdf",
        png=report(
            "results/figures/lpi/fig6l.png",
            caption="../../report/lpi_fig6l.rst",
            category="LPI (AAAI 2023)",
            labels={"artefact": "Fig. 6 left"},
        ),
        table="results/tables/lpi/fig6l.csv",
    log:
        "results/logs/lpi_fig6l.log",
    benchmark:
        "results/benchmarks/lpi_fig6l.tsv"
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=16000,
        runtime=30,
    params:
        digest=plan.artefact("lpi_fig6l", lpi_scores["fig6l"], points=lpi_gradients),
        inputs=digests(lpi_scores["fig6l"]),
        points=lpi_gradients,
        seed=config["seed"],
    script:
        "../../scripts/lpi_fig6l.py"


rule lpi_fig6r:
    input:
        lpi_scores["fig6r"],
    output:
        pdf="results/figures/lpi/fig6r.pdf",
        png=report(
            "results/figures/lpi/fig6r.png",
            caption="../../report/lpi_fig6r.rst",
            category="LPI (AAAI 2023)",
            labels={"artefact": "Fig. 6 right"},
        ),
        table="results/tables/lpi/fig6r.csv",
    log:
        "results/logs/lpi_fig6r.log",
    benchmark:
        "results/benchmarks/lpi_fig6r.tsv"
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=16000,
        runtime=30,
    params:
        digest=plan.artefact("lpi_fig6r", lpi_scores["fig6r"], points=lpi_hoods),
        inputs=digests(lpi_scores["fig6r"]),
        points=lpi_hoods,
        eg_references=study.method("eg", lpi_model)["references"],
        seed=config["seed"],
    script:
        "../../scripts/lpi_fig6r.py"


rule lpi_examples:
    output:
        pdf="results/figures/lpi/examples.pdf",
        png=report(
            "results/figures/lpi/examples.png",
            caption="../../report/lpi_examples.rst",
            category="LPI (AAAI 2023)",
            labels={"artefact": "Examples 1 and 2"},
        ),
        table="results/tables/lpi/examples.csv",
        html=report(
            "results/tables/lpi/examples.html",
            caption="../../report/lpi_examples.rst",
            category="LPI (AAAI 2023)",
            labels={"artefact": "Examples 1 and 2, numbers"},
        ),
    log:
        "results/logs/lpi_examples.log",
    benchmark:
        "results/benchmarks/lpi_examples.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        digest=plan.artefact("lpi_examples", []),
    script:
        "../../scripts/lpi_examples.py"
