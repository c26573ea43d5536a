"""LPI, table 1: areas of the insertion and deletion games, as reported and as measured."""

from pathattr.job import job

with job(snakemake):
    import pandas as pd

    from pathattr.plot import style, tables
    from pathattr.scores import collect, reported, summarise
    from pathattr.store import write_csv

    params = snakemake.params
    shown = [f"{game}_{outcome}_auc" for game in ("insertion", "deletion") for outcome in ("output", "probability")]
    scores = collect(snakemake.input.scores, params.inputs, shown)
    areas = summarise(scores, ["model", "method", "metric"], params.seed).set_index(["model", "method", "metric"])
    printed = reported(snakemake.input.reported, "table1").set_index(["model", "method", "metric"])["value"]
    rows = []
    for paper_model, model in params.models.items():
        for method in params.methods:
            row = {"model": paper_model, "measured_on": f"{model}, {params.dataset}", "method": method}
            for game in ("insertion", "deletion"):
                row[f"{game}_auc_reported"] = printed.get((paper_model, method, f"{game}_auc"), float("nan"))
                for outcome in ("output", "probability"):
                    area = areas.loc[(model, method, f"{game}_{outcome}_auc")]
                    row |= {f"{game}_{outcome}_auc": area["mean"], f"{game}_{outcome}_low": area["low"]}
                    row |= {f"{game}_{outcome}_high": area["high"]}
            rows.append(row | {"n": int(areas.loc[(model, method), "n"].iloc[0])})
    table = pd.DataFrame(rows)
    write_csv(snakemake.output.table, table)

    def cell(row, score):
        return f"{row[f'{score}_auc']:.3f} [{row[f'{score}_low']:.3f}, {row[f'{score}_high']:.3f}]"

    shown = pd.DataFrame(
        {
            "in place of": table["model"],
            "measured on": table["measured_on"],
            "method": table["method"].map(style.label),
            **{
                f"{game} {what}": table[f"{game}_auc_reported"]
                if what == "reported"
                else table.apply(cell, axis=1, score=f"{game}_{score}")
                for game in ("insertion", "deletion")
                for what, score in (("reported", None), ("measured", "output"), ("in probability", "probability"))
            },
            "n": table["n"],
        }
    )
    caption = "Areas under the insertion (higher is better) and deletion (lower is better) curves. Measured: mean ratio of logits, "
    caption += "and mean probability, with 95 % bootstrap intervals over images; trapezoidal rule over 0..1, both ends included."
    tables.write_html(snakemake.output.html, shown, caption)
