"""Scores of many methods: one below the other, against one another, against their cost, and ranks under several metrics."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..errors import InputError
from ..plot import style
from ..plot.names import entry_label, place, score_label, told_apart
from ..ranks import spearman
from ..registry import Forms, Images, Methods, Metric, Model, Models, Score, Scores, artefact
from ..scores import resampled, summarise
from .gains import computed, of_baselines

TOOK = ("gradients", "rank_agreement")  # of an image; the latter, of |map| with float32, where the run's precision is another


@artefact("ranking", needs=("scores", "accuracy"))
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
        took = scores.groupby("method")[[name for name in TOOK if name in scores]].mean().reset_index()
        parts.append(areas.merge(took, on="method").assign(variant=variant))
    data = pd.concat(parts).rename(columns={"method": "entry"})
    data = names.merge(data, on=["entry", "variant"], validate="one_to_many")
    drawn = data[data["metric"] == score].sort_values("mean", ascending=False, kind="stable")
    drawn = drawn.assign(plain=(drawn["variant"] == "vanilla") & (drawn["form"] == ""))
    columns = ["label", "entry", "method", "variant", "form", "metric", "mean", "low", "high", "n"]
    columns += [name for name in TOOK if name in data]
    data["test_accuracy"] = found.accuracy(model)
    columns.append("test_accuracy")
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


# --- each method once, against its cost ---------------------------------------------------------------------------------


@artefact("scatter", needs=("scores", "baselines"))
def scatter(
    found,
    *,
    model: Model,
    forms: Forms,
    metric: Metric,
    images: Images,
    insertion: Score = "insertion_probability_auc",
    deletion: Score = "deletion_probability_auc",
    score: Score = "diffid_probability_auc",
):
    """Every method once, in its plain form, on the same {images} test images, {models}: (a) {insertion} against {deletion}, the
    best on the upper left; (b) {score} against gradients an image, measured, those for baselines included; at 0 are methods that
    take none, some of which take forward passes. Lines: 95 % bootstrap intervals of the means.
    """
    plain = {}
    for one in forms:
        if one["variant"] == "vanilla" and not one["form"]:
            plain.setdefault(one["method"], one["entry"])
    entries = list(plain.values())
    table, own, wanted = found.scores([insertion, deletion, score], methods=entries), computed(found), (insertion, deletion, score)
    means = summarise(table, ["method", "metric"], found.seed).set_index(["method", "metric"])
    rows = []
    for method, entry in plain.items():
        mine = table[table["method"] == entry]
        row = {"label": entry_label(method), "entry": entry, "method": method, "n": mine["image_id"].nunique()}
        for name in wanted:
            row |= {name: means.loc[(entry, name), "mean"]}
            row |= {f"{name}_{end}": means.loc[(entry, name), end] for end in ("low", "high")}
        row["gradients"] = mine["gradients"].mean()
        row["baseline_gradients"] = of_baselines(own, model, entry, mine["image_id"].unique())["baseline_gradients"]
        rows.append(row)
    data = pd.DataFrame(rows)
    data.insert(4, "cost", data["gradients"] + data["baseline_gradients"].fillna(0))
    n = " or ".join(map(str, sorted(data["n"].unique())))
    figure, (above, below) = plt.subplots(2, 1, figsize=(style.PAGE, 7.4))
    figure.suptitle(f"{place(found.models[model])}: means of {n} images, 95 % intervals", fontsize=8)
    shown = data.assign(shown=data["cost"].clip(lower=0.5))  # 0 has no place on a logarithmic axis
    _points(above, shown, deletion, insertion)
    above.set(xlabel=f"{score_label(deletion)} ({found.direction(metric, deletion)} is better)")
    above.set(ylabel=f"{score_label(insertion)} ({found.direction(metric, insertion)} is better)")
    above.set_title("(a)", loc="left")
    _points(below, shown, "shown", score)
    most = shown["shown"].max()
    below.set(xscale="log", xlim=(0.4 if shown["shown"].min() < 1 else 0.8, 1.6 * most))
    ticks = [tick for tick in (0.5, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000) if tick <= 1.6 * most]
    below.set_xticks(ticks, ["0" if tick == 0.5 else f"{tick:g}" for tick in ticks])
    below.set_xticks([], minor=True)
    below.set(xlabel="gradients an image, those for baselines included")
    below.set(ylabel=f"{score_label(score)} ({found.direction(metric, score)} is better)")
    below.set_title("(b)", loc="left")
    figure.draw_without_rendering()  # the layout is fixed before labels take their places in it
    _label(above, shown[deletion], shown[insertion], shown["label"], shown["colour"])
    _label(below, shown["shown"], shown[score], shown["label"], shown["colour"])
    return figure, data


def _points(axis, table: pd.DataFrame, x: str, y: str):
    """A marker a method in its look, with the intervals that the table has. Adds the column `colour`."""
    colours = []
    for number, (_, row) in enumerate(table.iterrows()):
        _, colour, _, marker = style.method_style(row["method"], number)
        for one, other, draw in ((x, y, axis.hlines), (y, x, axis.vlines)):
            if f"{one}_low" in row:
                draw(row[other], row[f"{one}_low"], row[f"{one}_high"], color=colour, lw=0.6, alpha=0.35, zorder=1)
        axis.plot(row[x], row[y], marker=marker or ".", color=colour, ms=5, ls="none", zorder=3)
        colours.append(colour)
    table["colour"] = colours


def _label(axis, x, y, texts, colours, size: float = 6.5):
    """Names beside points, each at the nearest place where it covers no point and no name put before, with a line to its point
    where that is not beside it. The figure must have been laid out."""
    figure = axis.figure
    renderer, dot = figure.canvas.get_renderer(), figure.dpi / 72
    spots = axis.transData.transform(np.column_stack([x, y]).astype(float))
    inside = axis.get_window_extent(renderer)
    taken = [(*(spot - 3 * dot), *(spot + 3 * dot)) for spot in spots]
    angles = np.deg2rad([0, 180, 90, 270, 30, 150, 210, 330, 60, 120, 240, 300])
    named = list(zip(x, y, texts, colours, strict=True))
    for number in np.lexsort((spots[:, 0], -spots[:, 1])):
        spot, (*at, text, colour) = spots[number], named[number]
        name = axis.annotate(text, at, (0, 0), textcoords="offset points", ha="center", va="center", fontsize=size, color="0.15")
        name.set_in_layout(False)
        box = name.get_window_extent(renderer)
        half = np.array([box.width, box.height]) / 2
        tried = []
        for reach in (5, 9, 14, 20, 28, 38, 50):
            for angle in angles:
                way = np.array([np.cos(angle), np.sin(angle)])
                middle = spot + way * (reach * dot + half * np.abs(way))
                corners = (*(middle - half), *(middle + half))
                out = max(0, inside.x0 - corners[0], corners[2] - inside.x1, inside.y0 - corners[1], corners[3] - inside.y1)
                tried.append((sum(_covered(corners, one) for one in taken) + 100 * out, len(tried), reach, middle, corners))
                if tried[-1][0] == 0:
                    break
            if tried[-1][0] == 0:
                break
        _, _, reach, middle, corners = min(tried, key=lambda one: one[:2])
        name.set_position((middle - spot) / dot)
        taken.append(corners)
        if reach > 5:
            end = axis.transData.inverted().transform(np.clip(spot, corners[:2], corners[2:]))
            line = axis.plot([at[0], end[0]], [at[1], end[1]], color=colour, lw=0.4, zorder=2)
            line[0].set_in_layout(False)


def _covered(one: tuple, other: tuple) -> float:
    """Area that two boxes (x0, y0, x1, y1) share."""
    wide, tall = (min(one[k + 2], other[k + 2]) - max(one[k], other[k]) for k in (0, 1))
    return max(wide, 0) * max(tall, 0)


# --- ranks --------------------------------------------------------------------------------------------------------------


@artefact("rank_slopes", needs=("scores",))
def rank_slopes(
    found,
    *,
    models: Models,
    methods: Methods,
    metric: Metric,
    second: Metric,
    third: Metric | None = None,
    images: Images,
    scores: Scores = ("la_insertion_auc", "la_deletion_auc"),
):
    """Ranks of the methods by their mean scores over the same {images} test images under each protocol, the best on top: {scores};
    {models}. Bars: 95 % bootstrap intervals of the ranks, all methods resampled together. Above each panel: Spearman's correlation
    of the methods' mean scores under the first protocol with those under each other one. Mean scores are in the data.
    """
    protocols = [one for one in (metric, second, third) if one]
    names = told_apart({one: found.params["metrics"][one] for one in protocols})
    data = pd.concat(_ranks(found, models, methods, one, scores).assign(protocol=one) for one in protocols)
    data.insert(2, "ranked", data["protocol"].map(names))
    height = 0.145 * len(methods) + 0.75
    figure, axes = plt.subplots(len(models), len(scores), figsize=(style.PAGE, height * len(models) + 0.4), squeeze=False)
    for row, model in zip(axes, models, strict=True):
        for axis, score in zip(row, scores, strict=True):
            part = data[(data["model"] == model) & (data["metric"] == score)]
            _slopes(axis, part, protocols, methods)
            axis.set_xticks(range(len(protocols)), [names[one] for one in protocols])
            means = part.pivot(index="method", columns="protocol", values="mean")
            alike = ", ".join(f"{spearman(means[metric], means[one]):.2f}" for one in protocols[1:]).replace("-", "\N{MINUS SIGN}")
            title = f"{place(found.models[model])}\n{score_label(score)}, {found.direction(metric, score)} is better"
            axis.set_title(f"{title}; rank correlation {alike}", fontsize=7)
    n = " or ".join(map(str, sorted(data["n"].unique())))
    figure.suptitle(f"Ranks by means of {n} images, 95 % intervals", fontsize=8)
    columns = ["model", "protocol", "ranked", "metric", "method", "mean", "low", "high", "n", "rank", "rank_low", "rank_high"]
    return figure, data[columns].reset_index(drop=True)


def _ranks(found, models, methods, metric: str, scores) -> pd.DataFrame:
    """Mean scores by one metric, and their ranks, 1 the best, with 95 % intervals over the same resamples of images."""
    table = found.scores(scores, by=metric)
    means = summarise(table, ["model", "metric", "method"], found.seed).set_index(["model", "metric", "method"])
    rows = []
    for model in models:
        for score in scores:
            own = table[(table["model"] == model) & (table["metric"] == score)]
            values = own.pivot(index="image_id", columns="method", values="value")
            missing = [method for method in methods if method not in values]
            if missing:
                raise InputError(f"rank_slopes: no scores of {missing[0]} on {model} by {metric}; accepted: methods that have")
            values, up = values[list(methods)].to_numpy(), found.direction(metric, score) == "higher"
            draws = pd.DataFrame(resampled(values, found.seed)).rank(axis=1, ascending=not up)
            ranks = pd.Series(values.mean(0)).rank(ascending=not up)
            low, high = np.quantile(draws, [0.025, 0.975], axis=0)
            for number, method in enumerate(methods):
                row = {"model": model, "metric": score, "method": method, **means.loc[(model, score, method)]}
                rows.append(row | {"rank": ranks[number], "rank_low": low[number], "rank_high": high[number]})
    return pd.DataFrame(rows).astype({"n": int})


def _slopes(axis, table: pd.DataFrame, protocols, methods):
    """A line a method through its ranks, its name at both ends."""
    for number, method in enumerate(methods):
        own = table[table["method"] == method].set_index("protocol").loc[list(protocols)]
        name, colour, line, marker = style.method_style(method, number)
        x = np.arange(len(protocols)) + 0.2 * (number / max(len(methods) - 1, 1) - 0.5)  # so that bars stand beside one another
        axis.plot(x, own["rank"], color=colour, ls=line, marker=marker or ".", ms=4, lw=1.0, zorder=3)
        axis.vlines(x, own["rank_low"], own["rank_high"], color=colour, lw=0.8, alpha=0.5, zorder=2)
        for at, rank, side in ((-0.13, own["rank"].iloc[0], "right"), (len(protocols) - 0.87, own["rank"].iloc[-1], "left")):
            axis.annotate(name, (at, rank), ha=side, va="center", fontsize=6.5, annotation_clip=False)
    axis.set(ylim=(len(methods) + 0.6, 0.4), xlim=(-0.12, len(protocols) - 0.88), yticks=[])
    axis.tick_params(axis="x", length=0)
    for spine in axis.spines.values():
        spine.set_visible(False)
