"""LPI, figure 6 right: DiffID against the number of neighbourhoods, for several numbers of references."""

from pathattr.job import job

with job(snakemake):
    import seaborn as sns

    from pathattr.plot import curves, style
    from pathattr.scores import collect, summarise
    from pathattr.store import write_csv

    style.use()
    params = snakemake.params
    scores = collect(snakemake.input, params.inputs)
    scores = scores[(scores["variant"] == "vanilla") & (scores["metric"] == "diffid_output_auc")]
    areas = summarise(scores, ["method"], params.seed).set_index("method")
    points = areas.loc[[name for name, _, _ in params.points]].reset_index(names="point")
    points["series"] = [values["references"] for _, _, values in params.points]
    points["neighbourhoods"] = [values["neighbourhoods"] for _, _, values in params.points]
    colours = sns.color_palette("crest", points["series"].nunique())
    series = {
        m: (f"LPI, m = {m}", colours[place], ["-", "--", "-."][place % 3], "oDs^"[place % 4])
        for place, m in enumerate(sorted(points["series"].unique()))
    }
    eg = areas.loc["eg"]
    line = ("EG", eg["mean"], eg["low"], eg["high"], style.method_style("eg"))
    n = int(points["n"].iloc[0])
    figure = curves.sweep(
        points, series, "neighbourhoods", f"neighbourhoods (mean of {n} images)", "AUC of DiffID,\noutput change", line=line
    )
    style.save(figure, snakemake.output.pdf, snakemake.output.png)
    points.loc[len(points)] = {"series": "eg", "neighbourhoods": 1, **eg}
    table = points.rename(columns={"series": "references"})
    write_csv(snakemake.output.table, table[["references", "neighbourhoods", "mean", "low", "high", "n"]])
