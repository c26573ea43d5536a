# Every method of the configuration, once, on the same images of one model. A new method's config line puts it here.
overview = config["overview"]
overview_dataset = config["models"][overview["model"]]["dataset"]
overview_shown = [
    (name, study.method(name, overview["model"])["method"], variant, released)
    for name, variant, released in shown(config)
]
overview_names = list(dict.fromkeys(name for name, *_ in overview_shown))
overview_maps = plan.all_maps(overview["model"], overview_names, overview["images"], overview["gallery_images"])
overview_scores = plan.all_scores(overview["model"], overview_names, overview["metric"], overview["images"])
overview_test = plan.split(overview_dataset, "test")


rule overview:
    input:
        expand("results/figures/methods/{figure}.{ending}", figure=["gallery", "scores"], ending=["pdf", "png"]),
        overview_scores,
        [plan.maps_of(file) for file in overview_scores],


rule overview_gallery:
    input:
        test=overview_test,
        maps=overview_maps,
    output:
        pdf="results/figures/methods/gallery.pdf",
        png=report(
            "results/figures/methods/gallery.png",
            caption="../report/overview_gallery.rst",
            category="All methods",
            labels={"artefact": "Gallery"},
        ),
        table="results/tables/methods/gallery.csv",
    log:
        "results/logs/overview_gallery.log",
    benchmark:
        "results/benchmarks/overview_gallery.tsv"
    conda:
        "../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=30,
    params:
        digest=plan.artefact("overview_gallery", overview_maps, shown=overview_shown, images=overview["gallery_images"]),
        inputs=digests([*overview_test, *overview_maps]),
        dataset=config["datasets"][overview_dataset],
        shown=overview_shown,
        images=overview["gallery_images"],
        seed=config["seed"],
    script:
        "../scripts/overview_gallery.py"


rule overview_scores:
    input:
        overview_scores,
    output:
        pdf="results/figures/methods/scores.pdf",
        png=report(
            "results/figures/methods/scores.png",
            caption="../report/overview_scores.rst",
            category="All methods",
            labels={"artefact": "Scores"},
        ),
        table="results/tables/methods/scores.csv",
    log:
        "results/logs/overview_scores.log",
    benchmark:
        "results/benchmarks/overview_scores.tsv"
    conda:
        "../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=30,
    params:
        digest=plan.artefact("overview_scores", overview_scores, shown=overview_shown),
        inputs=digests(overview_scores),
        shown=overview_shown,
        model=overview["model"],
        seed=config["seed"],
    script:
        "../scripts/overview_scores.py"
