"""Tables: printed numbers beside measured ones."""

import pandas as pd

from ..plot.names import label
from ..registry import Images, Methods, Metric, Models, Reported, artefact
from ..scores import summarise


@artefact("removal_table", needs=("scores", "reported"), table=True)
def removal_table(found, *, models: Models, methods: Methods, metric: Metric, images: Images, reported: Reported):
    """Areas under the insertion (higher is better) and deletion (lower is better) curves, as reported in the paper and as measured
    here over {images} images on the stand-ins named in the table. Measured: mean ratio of logits, and mean probability, which has
    no pole where the clean logit is near zero, with 95 % bootstrap intervals over images; trapezoidal rule over 0..1, both ends
    included. "As released" is what the published code computes, where that differs.
    """
    games, outcomes = ("insertion", "deletion"), ("output", "probability")
    scores = found.scores([f"{game}_{outcome}_auc" for game in games for outcome in outcomes])
    areas = summarise(scores, ["model", "method", "metric"], found.seed).set_index(["model", "method", "metric"])
    printed = found.reported(reported).set_index(["model", "method", "metric"])["value"]
    rows = []
    for key in models:
        on = found.models[key]
        for method in methods:
            row = {"model": key, "measured_on": f"{on.model}, {on.dataset}", "method": method}
            for game in games:
                row[f"{game}_auc_reported"] = printed.get((key, method, f"{game}_auc"), float("nan"))
                for outcome in outcomes:
                    area = areas.loc[(key, method, f"{game}_{outcome}_auc")]
                    row |= {
                        f"{game}_{outcome}_{name}": area[was] for name, was in (("auc", "mean"), ("low", "low"), ("high", "high"))
                    }
            rows.append(row | {"n": int(areas.loc[(key, method), "n"].iloc[0])})
    data = pd.DataFrame(rows)

    def cell(row, score):
        return f"{row[f'{score}_auc']:.3f} [{row[f'{score}_low']:.3f}, {row[f'{score}_high']:.3f}]"

    shown = {"in place of": data["model"], "measured on": data["measured_on"], "method": data["method"].map(label)}
    for game in games:
        shown[f"{game} reported"] = data[f"{game}_auc_reported"]
        shown[f"{game} measured"] = data.apply(cell, axis=1, score=f"{game}_output")
        shown[f"{game} in probability"] = data.apply(cell, axis=1, score=f"{game}_probability")
    return data, pd.DataFrame({**shown, "n": data["n"]})
