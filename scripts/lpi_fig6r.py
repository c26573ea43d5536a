"""LPI, figure 6 right: DiffID against the number of neighbourhoods, for several numbers of references."""

from pathattr.job import job

with job(snakemake):
    import pandas as pd
    import seaborn as sns

    from pathattr.plot import curves, style
    from pathattr.scores import sweep_points
    from pathattr.store import write_csv

    style.use()
    params = snakemake.params
    panels = {"diffid_output_auc": "AUC of DiffID, output change", "diffid_probability_auc": "AUC of DiffID, probability"}
    points, areas = sweep_points(snakemake.input, params.inputs, params.points, list(panels), params.seed)
    points["series"] = points["values"].map(lambda values: values["references"])
    points["neighbourhoods"] = points["values"].map(lambda values: values["neighbourhoods"])
    counts = sorted(points["series"].unique())
    colours = sns.color_palette("crest", len(counts))
    series = {
        m: (f"LPI, m = {m}", colours[place], ["-", "--", "-.", ":"][place % 4], "oDs^"[place % 4]) for place, m in enumerate(counts)
    }
    eg = areas.loc["eg"]
    lines = (f"EG, {params.eg_references} references", style.method_style("eg"), eg)
    xlabel = f"neighbourhoods (mean of {int(points['n'].iloc[0])} images)"
    figure = curves.sweep(points, series, panels, "neighbourhoods", xlabel, lines=lines)
    style.save(figure, snakemake.output.pdf, snakemake.output.png)
    lpi = points.assign(method="lpi").rename(columns={"series": "references"})
    rival = eg.reset_index().assign(method="eg", references=params.eg_references, neighbourhoods=1)
    columns = ["method", "references", "neighbourhoods", "metric", "mean", "low", "high", "n"]
    write_csv(snakemake.output.table, pd.concat([lpi, rival])[columns])
