"""Scores against something: curves over fractions, and sweeps of a parameter."""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns

from ..plot import style
from ..plot.names import place as place_of
from ..plot.names import score_label
from ..registry import Images, Method, Methods, Metric, Model, Models, Scores, Sweep, Variants, artefact
from ..scores import counts_in, summarise

FAR = 4  # times the largest mean: where a band counts as reaching far beyond the curves
DASHES = {"vanilla": "-", "absolute": ":", "valid_interpolations": "--", "valid_references": "-"}


@artefact("removal_curves", needs=("scores",))
def removal_curves(
    found,
    *,
    model: Model,
    methods: Methods,
    metric: Metric,
    images: Images,
    scores: Scores = ("diffid_output", "diffid_probability", "diffid_accuracy"),
    variants: Variants = ("vanilla",),
):
    """{scores}; {models}; as the fraction :math:`\\delta` of removed pixels grows. DiffID is the insertion game minus the deletion
    game. *Output* is the change that the papers define, the mean over {images} images of the ratio of the class's raw logits; an
    image whose own logit is near zero has a ratio without bound, so intervals can be wide, and the axis is then logarithmic beyond
    the curves. *Probability* is the same without that pole; *accuracy* is the difference of the shares of correct predictions.
    Bands are 95 % bootstrap intervals over images. The area under each curve (trapezoidal rule, both ends included) stands in the
    legend, a panel each; higher is better.
    """
    table = found.scores([f"{name}{suffix}" for name in scores for suffix in ("", "_auc")], variants)
    by = ["method", "variant"]
    curves = summarise(table[table["metric"].isin(scores)], [*by, "metric", "x"], found.seed)
    areas = summarise(table[~table["metric"].isin(scores)], [*by, "metric"], found.seed)
    areas["metric"] = areas["metric"].str.removesuffix("_auc")
    known = areas.set_index([*by, "metric"])["mean"]
    lines = [(method, variant) for method in methods for variant in variants]
    figure, axes = plt.subplots(1, len(scores), figsize=(style.PAGE, 2.6 + 0.14 * -(-len(lines) // 2)), squeeze=False)
    for position, (method, variant) in enumerate(lines):
        _, colour, line, marker = style.method_style(method, position // len(variants))
        line = DASHES[variant] if len(variants) > 1 else line
        numbers = ", ".join(_number(known[(method, variant, score)]) for score in scores)
        look = {"color": colour, "ls": line, "marker": marker, "label": f"{found.label(method, variant)} ({numbers})"}
        for axis, score in zip(axes[0], scores, strict=True):
            curve = curves[(curves["method"] == method) & (curves["variant"] == variant) & (curves["metric"] == score)]
            curve = curve.sort_values("x")
            axis.plot(curve["x"], curve["mean"], **look)
            axis.fill_between(curve["x"], curve["low"], curve["high"], color=colour, alpha=0.12, lw=0)
    for axis, score in zip(axes[0], scores, strict=True):
        part = curves[curves["metric"] == score]
        axis.set(xlabel=r"fraction of pixels removed, $\delta$", ylabel=score_label(score).replace(", ", ",\n"), xlim=(0, 1))
        _limit(axis, part)
        axis.axhline(0, color="0.8", lw=0.6, zorder=0)
    title = "method (AUC)" if len(scores) == 1 else "method (AUC, of the panels from left to right)"
    style_of = {"ncols": 2, "title": title, "title_fontsize": 7, "handlelength": 3, "columnspacing": 2}
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", **style_of)
    n = int(curves["n"].iloc[0])
    figure.suptitle(f"{place_of(found.models[model])}: mean of {n} images, 95 % intervals", fontsize=8)
    data = curves.rename(columns={"x": "delta"}).merge(
        areas[[*by, "metric", "mean"]].rename(columns={"mean": "auc"}), on=[*by, "metric"]
    )
    return figure, data if len(variants) > 1 else data.drop(columns="variant")


def _limit(axis, curves: pd.DataFrame):
    """Limits within which curves and their bands lie; where bands reach far beyond the curves, the axis is logarithmic there."""
    low, high, reach = curves["low"].min(), curves["high"].max(), curves["mean"].abs().max()
    if max(-low, high) > FAR * reach > 0:
        axis.set_yscale("symlog", linthresh=reach, linscale=2)
        near = plt.MaxNLocator(4).tick_values(-reach, reach)
        far = [sign * 10.0**power for power in range(-6, 9) for sign in (-1, 1) if 1.5 * reach < 10.0**power]
        axis.set_yticks([one for one in (*near, *far) if low <= one <= high and (abs(one) <= reach or one in far)])
        axis.set_yticks([], minor=True)
        axis.yaxis.set_major_formatter("{x:g}")
        axis.set_ylabel(f"{axis.get_ylabel()}\n(logarithmic beyond {reach:.2g})")
        axis.set_ylim(min(1.3 * low, -0.1 * reach), max(1.3 * high, 0.1 * reach))
    else:
        margin = 0.04 * (high - low) or 1
        axis.set_ylim(low - margin, high + margin)


def _number(value: float) -> str:
    """To three decimals, and no zero below zero."""
    return f"{round(value, 3) + 0:.3f}".replace("-", "\N{MINUS SIGN}")


@artefact("budget_curves", needs=("scores",))
def budget_curves(
    found,
    *,
    model: Model,
    sweep: Sweep,
    metric: Metric,
    images: Images,
    scores: Scores = ("diffid_output_auc", "diffid_probability_auc"),
):
    """{scores}, against the number of gradients that a method took, on {models}: means over {images} images, with 95 %
    bootstrap intervals. AGI stops an attack that has reached its class, so its numbers of gradients are measured, not set.
    """
    points = _points(found, sweep, scores, model)
    series = _looks(found, points)
    xlabel = f"gradients an image (mean of {int(points['n'].iloc[0])} images)"
    panel, ticks = (place_of(found.models[model]), points, series, None), [1, 2, 5, 10, 20, 50, 100]
    figure = _sweep([panel], scores, "gradients", xlabel, ticks)
    points["parameters"] = points["values"].map(lambda values: ", ".join(f"{key} {value}" for key, value in values.items()))
    return figure, points[["series", "parameters", "metric", "gradients", "mean", "low", "high", "n", *counts_in(points)]]


@artefact(
    "sweep_curves",
    needs=("scores",),
    holds={"x in swept and (by is None or by in swept)": "numbers that every point of the sweep has"},
)
def sweep_curves(
    found,
    *,
    models: Models,
    sweep: Sweep,
    x: str,
    by: str | None = None,
    metric: Metric,
    images: Images,
    line: Method | None = None,
    line_at: int = 1,
    log: bool = False,
    scores: Scores = ("diffid_output_auc", "diffid_probability_auc"),
):
    """{scores}, against {x}, on {models}, a row of panels each: means over {images} images, with 95 % bootstrap intervals. Lines:
    values of another parameter ({by}), or else methods. The horizontal line is another method's, which has no such parameter
    ({line}).
    """
    panels, tables = [], []
    for model in models:
        points = _points(found, sweep, scores, model)
        points["method"] = points["series"]
        for name in (x, by) if by else (x,):
            points[name] = points["values"].map(lambda values, name=name: values[name])
        looks = _looks(found, points)
        if by:
            points["series"] = points[by]
            named, counts = looks[points["method"].iloc[0]][0], sorted(points[by].unique())
            colours = sns.color_palette("crest", len(counts))
            looks = {
                count: (f"{named}, {by} {count}", colours[place], ["-", "--", "-.", ":"][place % 4], "oDs^"[place % 4])
                for place, count in enumerate(counts)
            }
        beside = None
        if line:
            rows = summarise(found.scores(scores, models=[model], methods=[line]), ["metric"], found.seed).astype({"n": int})
            rows["method"], rows[x], named = line, line_at, found.label(line)
            if by:
                rows[by] = found.setting(model, line, by)
                named += f", {by} {rows[by].iloc[0]}"
            beside = named, line, rows
            points = pd.concat([points, rows])
        panels.append((f"{place_of(found.models[model])},\n{found.models[model].dataset}", points, looks, beside))
        tables.append(points.assign(model=model, dataset=found.models[model].dataset))
    ticks = sorted(points[x].unique()) if log else ()
    figure = _sweep(panels, scores, x, f"{x.replace('_', ' ')} (mean of {int(tables[0]['n'].iloc[0])} images)", ticks)
    columns = ["model", "dataset", "method", *([by] if by else []), x, "metric", "mean", "low", "high", "n", "gradients"]
    data = pd.concat(tables)
    return figure, data[[*columns, *counts_in(data)]]


def _points(found, sweep: list[dict], scores, model: str) -> pd.DataFrame:
    """A sweep's points with their scores, one row a point and score: series (method), values, metric, gradients an image
    (measured), mean, low, high, n."""
    table = found.scores(scores, models=[model], methods=[point["name"] for point in sweep])
    areas = summarise(table, ["method", "metric"], found.seed).set_index(["method", "metric"])
    gradients = table.groupby("method")["gradients"].mean()
    rows = [
        {
            "series": point["series"],
            "values": point["values"],
            "metric": score,
            "gradients": gradients[point["name"]],
            "name": point["name"],
            **areas.loc[(point["name"], score)],
        }
        for point in sweep
        for score in scores
    ]
    return pd.DataFrame(rows).astype({"n": int})


def _looks(found, points: pd.DataFrame) -> dict[str, tuple]:
    """Series of points -> label, colour, line and marker; a dagger where it is any point's."""
    looks = {}
    for place, (series, part) in enumerate(points.groupby("series", sort=False)):
        text = found.label(series, also=[(name, "vanilla") for name in part["name"].unique()])
        looks[series] = text, *style.method_style(series, place)[1:]
    return looks


def _sweep(panels: list[tuple], scores, x: str, xlabel: str, ticks=()):
    """Means with 95 % intervals against a parameter, a column a score, a row a model. `ticks`: of a logarithmic axis.

    `panels`, one a model: its title; points (`series`, `metric`, the column `x`, mean, low, high); series name -> (label,
    colour, line, marker); and label, method and a row (metric, mean, low, high) a score of what has no x, or None.
    """
    figure, axes = plt.subplots(
        len(panels), len(scores), figsize=(style.PAGE, 0.5 + 2.2 * len(panels)), squeeze=False, sharex=True, sharey="col"
    )
    for (title, points, series, line), row in zip(panels, axes, strict=True):
        for axis, score in zip(row, scores, strict=True):
            if line is not None:
                label, method, rows = line
                _, colour, dashes, _ = style.method_style(method)
                there = rows[rows["metric"] == score].iloc[0]
                axis.axhline(there["mean"], color=colour, ls=dashes, label=label)
                axis.axhspan(there["low"], there["high"], color=colour, alpha=0.12, lw=0)
            for name, (label, colour, dashes, marker) in series.items():
                part = points[(points["series"] == name) & (points["metric"] == score)].sort_values(x)
                error = [part["mean"] - part["low"], part["high"] - part["mean"]]
                look = {"color": colour, "ls": dashes, "marker": marker, "label": label}
                axis.errorbar(part[x], part["mean"], error, **look, capsize=2, elinewidth=0.7)
            if len(ticks):
                axis.set_xscale("log")
                axis.xaxis.set_major_formatter("{x:g}")
                axis.set_xticks(ticks)
                axis.set_xticks([], minor=True)
                axis.set_xlim(points[x].min() * 0.8, points[x].max() * 1.25)
            else:
                axis.set_xticks(sorted(points[x].dropna().unique()))
            axis.set_ylabel(score_label(score).replace(", ", ",\n"))
            axis.set_title(title)
    for axis in axes[-1]:
        axis.set_xlabel(xlabel)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), columnspacing=1.5, handlelength=3)
    return figure
