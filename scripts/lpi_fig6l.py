"""LPI, figure 6 left: DiffID against the number of gradients."""

from pathattr.job import job

with job(snakemake):
    from pathattr.plot import curves, style
    from pathattr.scores import collect, summarise
    from pathattr.store import write_csv

    style.use()
    params = snakemake.params
    scores = collect(snakemake.input, params.inputs)
    scores = scores[(scores["variant"] == "vanilla") & (scores["metric"] == "diffid_output_auc")]
    areas = summarise(scores, ["method"], params.seed).set_index("method")
    areas["gradients"] = scores.groupby("method")["gradients"].mean()
    points = areas.loc[[name for name, _, _ in params.points]].reset_index(names="point")
    points["series"] = [method for _, method, _ in params.points]
    points["parameters"] = [", ".join(f"{key} {value}" for key, value in values.items()) for _, _, values in params.points]
    series = {name: style.method_style(name, place) for place, name in enumerate(dict.fromkeys(points["series"]))}
    n = int(points["n"].iloc[0])
    figure = curves.sweep(
        points, series, "gradients", f"gradients an image (mean of {n} images)", "AUC of DiffID,\noutput change", log=True
    )
    style.save(figure, snakemake.output.pdf, snakemake.output.png)
    write_csv(snakemake.output.table, points[["series", "parameters", "gradients", "mean", "low", "high", "n"]])
