"""LPI, figure 6 left: DiffID against the number of gradients."""

from pathattr.job import job

with job(snakemake):
    from pathattr.plot import curves, style
    from pathattr.scores import sweep_points
    from pathattr.store import write_csv

    style.use()
    params = snakemake.params
    panels = {"diffid_output_auc": "AUC of DiffID, output change", "diffid_probability_auc": "AUC of DiffID, probability"}
    points, _ = sweep_points(snakemake.input, params.inputs, params.points, list(panels), params.seed)
    series = {name: style.method_style(name, place) for place, name in enumerate(dict.fromkeys(points["series"]))}
    xlabel = f"gradients an image (mean of {int(points['n'].iloc[0])} images)"
    figure = curves.sweep(points, series, panels, "gradients", xlabel, log=True)
    style.save(figure, snakemake.output.pdf, snakemake.output.png)
    points["parameters"] = points["values"].map(lambda values: ", ".join(f"{key} {value}" for key, value in values.items()))
    write_csv(snakemake.output.table, points[["series", "parameters", "metric", "gradients", "mean", "low", "high", "n"]])
