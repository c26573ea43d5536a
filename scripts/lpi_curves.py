"""LPI, figures 3 and 4: DiffID curves of one model, in output, in probability and in accuracy."""

from pathattr.job import job

with job(snakemake):
    from pathattr.plot import curves, style
    from pathattr.scores import collect, summarise
    from pathattr.store import write_csv

    style.use()
    params = snakemake.params
    panels = {
        "diffid_output": "DiffID, output change\n(ratio of logits)",
        "diffid_probability": "DiffID, change of\nprobability",
        "diffid_accuracy": "DiffID, change of\naccuracy",
    }
    scores = collect(snakemake.input, params.inputs, [f"{name}{suffix}" for name in panels for suffix in ("", "_auc")])
    summary = summarise(scores[scores["metric"].isin(panels)], ["method", "metric", "x"], params.seed)
    areas = summarise(scores[~scores["metric"].isin(panels)], ["method", "metric"], params.seed)
    figure = curves.removal_curves(summary, areas, params.methods, panels)
    n = int(summary["n"].iloc[0])
    figure.suptitle(f"{params.model} in place of {params.paper_model}: mean of {n} images, 95 % intervals", fontsize=8)
    style.save(figure, snakemake.output.pdf, snakemake.output.png)
    table = summary.rename(columns={"x": "delta"})
    areas["metric"] = areas["metric"].str.removesuffix("_auc")
    table = table.merge(areas[["method", "metric", "mean"]].rename(columns={"mean": "auc"}), on=["method", "metric"])
    write_csv(snakemake.output.table, table)
