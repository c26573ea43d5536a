"""Scores of many methods, one below the other."""

import matplotlib.pyplot as plt
import pandas as pd

from ..plot import style
from ..plot.names import entry_label, score_label
from ..registry import Forms, Images, Metric, Model, Score, Scores, artefact
from ..scores import summarise


@artefact("ranking", needs=("scores",))
def ranking(
    found,
    *,
    model: Model,
    forms: Forms,
    metric: Metric,
    images: Images,
    score: Score = "diffid_probability_auc",
    besides: Scores | None = None,
):
    """{score}, of every method on the same {images} test images, {models}: mean and 95 % bootstrap interval over images. Open
    circles: re-calibrated variants and forms as released or as printed. Right: gradients an image, measured.
    """
    names = pd.DataFrame(forms)
    names["label"] = [entry_label(one["method"], one["variant"], one["form"]) for one in forms]
    parts = []
    for variant, entries in names.groupby("variant", sort=False)["entry"]:
        scores = found.scores([score, *(besides or ())], [variant], methods=list(entries))
        areas = summarise(scores, ["method", "metric"], found.seed)
        gradients = scores.groupby("method")["gradients"].mean().rename("gradients").reset_index()
        parts.append(areas.merge(gradients, on="method").assign(variant=variant))
    data = pd.concat(parts).rename(columns={"method": "entry"})
    data = names.merge(data, on=["entry", "variant"], validate="one_to_many")
    drawn = data[data["metric"] == score].sort_values("mean", ascending=False, kind="stable")
    drawn = drawn.assign(plain=(drawn["variant"] == "vanilla") & (drawn["form"] == ""))
    columns = ["label", "entry", "method", "variant", "form", "metric", "mean", "low", "high", "n", "gradients"]
    return _dots(drawn, f"{score_label(score)} ({int(drawn['n'].iloc[0])} images)"), data[columns]


def _dots(table: pd.DataFrame, axis_label: str):
    """Means with 95 % intervals, the best on top, and beside them what each took.

    `table`: `label`, `mean`, `low`, `high`, `gradients`, `plain` (False: a variant, or another form), in the order drawn.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(style.PAGE, 0.148 * len(table) + 0.6), sharey=True, width_ratios=[2.2, 1])
    places = range(len(table))
    blue = style.method_style("ig")[1]
    left.hlines(places, table["low"], table["high"], color=blue, lw=0.9)
    faces = [blue if plain else "white" for plain in table["plain"]]
    left.scatter(table["mean"], places, s=14, c=faces, edgecolors=[blue], linewidths=0.9, zorder=3)
    left.axvline(0, color="0.8", lw=0.6, zorder=0)
    left.set(yticks=list(places), xlabel=axis_label, ylim=(len(table) - 0.4, -0.6))
    left.set_yticklabels(table["label"], fontsize=6)
    left.grid(axis="y", color="0.93", lw=0.5)
    right.grid(axis="y", color="0.93", lw=0.5)
    taken = table["gradients"].clip(lower=0.5)
    right.scatter(
        taken, places, s=12, c=["0.35" if count else "white" for count in table["gradients"]], edgecolors="0.35", zorder=3
    )
    right.set(xscale="log", xlabel="gradients an image (open: none)")
    right.tick_params(axis="y", length=0)
    for axis in (left, right):
        axis.set_axisbelow(True)
    return figure
