"""DiffID of every method and variant on the same test images, and what each cost."""

from pathattr.job import job

with job(snakemake):
    import pandas as pd

    from pathattr.plot import ranking, style
    from pathattr.scores import collect, summarise
    from pathattr.store import write_csv

    style.use()
    params = snakemake.params
    wanted = [f"{game}_{outcome}_auc" for game in ("diffid", "insertion", "deletion") for outcome in ("probability", "accuracy")]
    parts = []
    for variant in dict.fromkeys(variant for _, _, variant, _ in params.shown):
        entries = [entry for entry, _, other, _ in params.shown if other == variant]
        files = [file for file in snakemake.input if any(f"/{entry}/" in file for entry in entries)]
        scores = collect(files, params.inputs, wanted, variant)
        areas = summarise(scores, ["method", "metric"], params.seed)
        gradients = scores.groupby("method")["gradients"].mean().rename("gradients").reset_index()
        parts.append(areas.merge(gradients, on="method").assign(variant=variant))
    table = pd.concat(parts).rename(columns={"method": "entry"})
    names = pd.DataFrame(params.shown, columns=["entry", "method", "variant", "as_released"])
    names["label"] = [style.entry_label(*row) for row in names[["method", "variant", "as_released"]].itertuples(index=False)]
    table = names.merge(table, on=["entry", "variant"], validate="one_to_many")
    drawn = table[table["metric"] == "diffid_probability_auc"].sort_values("mean", ascending=False, kind="stable")
    drawn = drawn.assign(plain=(drawn["variant"] == "vanilla") & ~drawn["as_released"])
    figure = ranking.dots(drawn, f"AUC of DiffID, probability ({int(drawn['n'].iloc[0])} images)")
    style.save(figure, snakemake.output.pdf, snakemake.output.png)
    columns = ["label", "entry", "method", "variant", "as_released", "metric", "mean", "low", "high", "n", "gradients"]
    write_csv(snakemake.output.table, table[columns])
