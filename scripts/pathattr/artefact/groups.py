"""Forms of methods beside one another, a group a model."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..plot import style
from ..plot.names import label, score_label, told_apart
from ..registry import Images, Methods, Metric, Models, Scores, artefact
from ..scores import intervals, summarise

HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\")


@artefact("grouped_bars", needs=("scores",))
def grouped_bars(
    found,
    *,
    models: Models,
    methods: Methods,
    metric: Metric,
    images: Images,
    scores: Scores = ("la_insertion_auc", "la_deletion_auc"),
    labels: dict | None = None,
):
    """{scores} of forms that differ in what the legend names, a group of bars a network, {models}: means over the first {images}
    test images. Lines: 95 % bootstrap intervals of the means. The paper prints its bars without numbers or intervals; paired
    differences to the first form, with theirs, are in the data.
    """
    table = found.scores(scores)
    means = summarise(table, ["model", "method", "metric"], found.seed).set_index(["model", "method", "metric"])
    gradients = table.groupby(["model", "method"])["gradients"].mean()
    rows = []
    for model in models:
        for score in scores:
            own = table[(table["model"] == model) & (table["metric"] == score)]
            values = own.pivot(index="image_id", columns="method", values="value")[list(methods)]
            apart = values.sub(values[methods[0]], axis=0).to_numpy()
            low, high = intervals(apart, found.seed)
            for place, method in enumerate(methods):
                row = {"model": model, "method": method, "metric": score, **means.loc[(model, method, score)]}
                row |= {"difference": apart[:, place].mean(), "difference_low": low[place], "difference_high": high[place]}
                rows.append(row | {"gradients": gradients[model, method]})
    data = pd.DataFrame(rows).astype({"n": int})
    names = _names(found, models[0], methods, labels or {})
    data.insert(2, "form", data["method"].map(names))
    return _drawn(data, found, models, methods, metric, scores, names), data


def _names(found, model: str, methods, labels: dict) -> dict:
    """What to call forms: as told, by what their settings differ in, or by the methods' names where these differ."""
    settings = {method: found.params["settings"][f"{model}/{method}"] for method in methods}
    one = len({own["method"] for own in settings.values()}) == 1
    apart = told_apart(settings) if one else {}
    return {method: found.label(method, text=labels.get(method) or apart.get(method) or "") for method in methods}


def _drawn(data, found, models, methods, metric: str, scores, names: dict):
    """A panel a score, beside one another."""
    figure, axes = plt.subplots(1, len(scores), figsize=(style.PAGE, 2.6), squeeze=False)
    width = 0.8 / len(methods)
    for axis, score in zip(axes[0], scores, strict=True):
        for place, method in enumerate(methods):
            part = data[(data["metric"] == score) & (data["method"] == method)].set_index("model").loc[list(models)]
            x = np.arange(len(models)) + (place - (len(methods) - 1) / 2) * width
            colour, hatch = style.method_style("", place)[1], HATCHES[place % len(HATCHES)]
            axis.bar(x, part["mean"], width * 0.92, color=colour, hatch=hatch, edgecolor="white", lw=0.5, label=names[method])
            axis.vlines(x, part["low"], part["high"], color="0.15", lw=1.0)
        axis.set_xticks(range(len(models)), [found.models[one].stands_for or found.models[one].model for one in models])
        axis.set(ylabel=f"{score_label(score)}\n({found.direction(metric, score)} is better)", xlim=(-0.6, len(models) - 0.4))
        axis.axhline(0, color="0.3", lw=0.6)
        axis.tick_params(axis="x", length=0)
    handles, texts = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=len(texts))
    called = label(methods[0].partition("-")[0])
    figure.suptitle(f"{called}: means of {_counts(data)} images, 95 % intervals; networks in place of those named", fontsize=8)
    return figure


def _counts(data: pd.DataFrame) -> str:
    return " or ".join(map(str, sorted(data["n"].unique())))
