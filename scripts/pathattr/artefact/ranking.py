"""Scores of many methods: one below the other, against one another, against their cost, and ranks under several metrics."""

from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..errors import InputError
from ..judging import AGAINST, FOR, OPEN, side, simultaneous
from ..plot import style
from ..plot.names import place, score_label, told_apart
from ..ranks import spearman
from ..registry import Forms, Images, Method, Methods, Metric, MetricScores, Model, Models, Score, Scores, artefact
from ..scores import counts_in, intervals, resampled, summarise

ZERO = 0.3  # where 0 stands on a logarithmic axis

TOOK = {  # what goes with a method: column -> of which column of the scores, how
    "gradients": ("gradients", "mean"),
    "forwards": ("forwards", "mean"),
    "baseline_gradients": ("baseline_gradients", "mean"),
    "flat_maps": ("flat", "sum"),
    "met_share": ("met", "mean"),
    "rank_agreement": ("rank_agreement", "mean"),  # of |map| with float32, where the run's precision is another
}
SIDES = {FOR: "better", AGAINST: "worse", OPEN: "undecided"}
COLOURS = {"better": style._BLIND[0], "worse": style._BLIND[3], "undecided": "0.55", "": "0.15"}


@artefact("ranking", needs=("scores", "accuracy"))
def ranking(found, *, model: Model, forms: Forms, images: Images, scores: MetricScores, against: Method | None = None):
    """{scores}, of every method on the same {images} test images, {models}. Dots: means. Thin lines: their own 95 % bootstrap
    intervals over images. Thick lines: paired differences to {against}, drawn from its mean (dashed); the intervals of all
    differences in all panels hold together at 95 % (max-t). Diamonds: re-calibrated variants, and forms as released or as printed.
    Sorted by rank, 1 the best; of several scores by the mean of the ranks, which stands beside the name. Right: gradients an image,
    those for baselines included, and forward passes without a gradient, both measured.
    """
    table = _read(found, forms, scores, against)
    rows, parts, draws = pd.DataFrame(forms), [], []
    rows.insert(0, "label", found.labels(forms))
    for by, score in [(by, name) for by, names in scores.items() for name in names]:
        one = table[(table["by"] == by) & (table["metric"] == score)]
        wide = one.pivot(index="image_id", columns=["method", "variant"], values="value").dropna()  # where all have a value
        if wide.empty:
            raise InputError(f"ranking: no image has a {score} of every method; accepted: scores that all images have")
        values, direction = wide[list(zip(rows["entry"], rows["variant"], strict=True))].to_numpy(), found.direction(by, score)
        part = rows.assign(by=by, metric=score, direction=direction, mean=values.mean(0))
        part["low"], part["high"] = intervals(values, found.seed)
        part = part.assign(n=len(wide), rank=part["mean"].rank(ascending=direction == "lower"))
        if against:
            apart = values - wide[(against, "vanilla")].to_numpy()[:, None]
            part["difference"] = apart.mean(0)
            draws.append(resampled(apart, found.seed))
        parts.append(part)
    data = pd.concat(parts, ignore_index=True)
    data["mean_rank"] = data.groupby(["entry", "variant"])["rank"].transform("mean")
    if against:
        data["difference_low"], data["difference_high"] = simultaneous(data["difference"].to_numpy(), np.hstack(draws))
        data["compared"] = [_compared(row, against) for row in data.itertuples()]
    data = data.merge(
        _costs_of(table.rename(columns={"method": "entry"}), ["entry", "variant"]), on=["entry", "variant"], how="left"
    )
    data = data.sort_values(["mean_rank", "entry", "variant"], kind="stable", ignore_index=True)
    return _scoreboard(data, found, model, against), data.assign(test_accuracy=found.accuracy(model))


def _read(found, forms: list[dict], scores: dict, against: str | None) -> pd.DataFrame:
    """All scores of the forms, and of the method that they are compared with; `by`: the metric's entry that gave them."""
    asked = dict.fromkeys([(one["variant"], one["entry"]) for one in forms] + [("vanilla", against)] * bool(against))
    parts = []
    for by, names in scores.items():
        for variant in dict.fromkeys(variant for variant, _ in asked):
            methods = [entry for of, entry in asked if of == variant]
            parts.append(found.scores(names, [variant], methods=methods, by=by).assign(by=by))
    return pd.concat(parts, ignore_index=True)


def _compared(row, against: str) -> str:
    """Whether a method is better or worse than another, by the interval of their difference; "" for that one itself."""
    if (row.entry, row.variant) == (against, "vanilla"):
        return ""
    ends = (row.difference_low, row.difference_high) if row.direction == "higher" else (-row.difference_high, -row.difference_low)
    return SIDES[side(*ends)]


def _costs_of(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """What the maps took and what is to be known of them, the columns of `TOOK` that there are, and `cost`, all gradients."""
    told = {name: how for name, how in TOOK.items() if how[0] in table}
    took = table.drop_duplicates([*keys, "image_id"]).groupby(keys).agg(**told).reset_index()
    more = took["baseline_gradients"].fillna(0) if "baseline_gradients" in took else 0
    return took.assign(cost=took["gradients"] + more)


def _scoreboard(data: pd.DataFrame, found, model: str, against: str | None):
    """A row a method, the best on top; a panel a score, and one of what the maps took."""
    rows = data.drop_duplicates(["entry", "variant"]).reset_index(drop=True)
    scores = list(dict.fromkeys(zip(data["by"], data["metric"], strict=True)))
    figure, axes = plt.subplots(
        1, len(scores) + 1, figsize=(style.PAGE, 0.142 * len(rows) + 1.25), sharey=True, width_ratios=[*[1] * len(scores), 0.62]
    )
    plain = ((rows["variant"] == "vanilla") & (rows["form"] == "")).to_numpy()
    for axis, (by, score) in zip(axes, scores, strict=False):
        part = data[(data["by"] == by) & (data["metric"] == score)].reset_index(drop=True)
        colours = np.array([COLOURS[one] for one in part["compared"]] if against else [COLOURS["better"]] * len(part), object)
        axis.hlines(part.index, part["low"], part["high"], color=list(colours), lw=0.7)
        if against:
            line = (part["mean"] - part["difference"]).iloc[0]
            axis.axvline(line, color="0.3", lw=0.7, ls="--", zorder=1)
            far = part["compared"] != ""
            ends = (line + part.loc[far, f"difference_{end}"] for end in ("low", "high"))
            axis.hlines(part.index[far], *ends, color=list(colours[far]), lw=3.2, alpha=0.4)
        for marker, size, mine in (("o", 13, plain), ("D", 11, ~plain)):
            axis.scatter(part["mean"][mine], part.index[mine], s=size, marker=marker, c=list(colours[mine]), lw=0, zorder=3)
        better = "\N{RIGHTWARDS ARROW}" if part["direction"].iloc[0] == "higher" else "\N{LEFTWARDS ARROW}"
        words = fill(score_label(score), 22 if len(scores) > 2 else 40)
        twice = f" ({by})" * ([one for _, one in scores].count(score) > 1)
        axis.set_title(f"{words}{twice}\nbetter {better}", fontsize=7)
        axis.xaxis.set_major_locator(plt.MaxNLocator(4))
    _costs(axes[-1], rows)
    ranked = [f"{row.label}  {row.mean_rank:.1f}" for row in rows.itertuples()]
    axes[0].set(yticks=rows.index, ylim=(len(rows) - 0.4, -0.6))
    axes[0].set_yticklabels(ranked, fontsize=6)
    axes[0].annotate(
        "mean rank" if len(scores) > 1 else "rank", (0, 1), (-4, 3), "axes fraction", "offset points", ha="right", fontsize=6
    )
    for axis in axes:
        axis.grid(axis="y", color="0.93", lw=0.5)
        axis.set_axisbelow(True)
        axis.tick_params(axis="x", labelsize=6)
        axis.tick_params(axis="y", length=0)
    looks = [plt.Line2D([], [], marker=marker, ls="none", color="0.3", ms=3.4) for marker in "oD"]
    looks.append(plt.Line2D([], [], color="0.3", lw=0.7))
    words, more = ["method", "variant or other form", "interval of the mean"], ""
    if against:
        looks += [plt.Line2D([], [], color=COLOURS[one], lw=3.2, alpha=0.6) for one in SIDES.values()]
        reference = found.label(against)
        words += [one if one == "undecided" else f"{one} than {reference}" for one in SIDES.values()]
        more = f"; thick: differences to {reference}, together at 95 %"
    figure.legend(looks, words, loc="outside lower center", ncols=len(words), handlelength=1.5, columnspacing=1.2)
    n = " or ".join(map(str, sorted(data["n"].unique())))
    figure.suptitle(f"{place(found.models[model])}: means of {n} images, 95 % intervals{more}", fontsize=8)
    return figure


def _costs(axis, rows: pd.DataFrame):
    """Gradients and forward passes of each row, on one logarithmic axis on which 0 stands apart."""
    gradients = rows["cost"]
    forwards = rows["forwards"] if "forwards" in rows else pd.Series(np.nan, rows.index)
    some = forwards > 0
    axis.scatter(forwards[some], rows.index[some], s=13, marker="s", c="white", edgecolors="0.35", linewidths=0.8, zorder=3)
    axis.scatter(gradients.clip(lower=ZERO), rows.index, s=11, c="0.35", lw=0, zorder=4)
    most = max(gradients.max(), forwards.max() if some.any() else 1)
    _from_zero(axis, ZERO, most, (1, 10, 100) if most < 1000 else (1, 100, 10000, 1000000))
    axis.set_title("an image:\n\N{BLACK CIRCLE} gradients\n\N{WHITE SQUARE} forwards", fontsize=6)


def _from_zero(axis, least: float, most: float, ticks):
    """A logarithmic axis of counts on which 0 stands, too, where `least` is below 1."""
    axis.set(xscale="log", xlim=(0.8 * ZERO if least < 1 else 0.8, 1.6 * most))
    there = [tick for tick in (ZERO, *ticks) if tick <= 1.6 * most]
    axis.set_xticks(there, ["0" if tick == ZERO else f"{tick // 1000}k" if tick >= 1000 else str(tick) for tick in there])
    axis.set_xticks([], minor=True)


# --- each method once, against its cost ---------------------------------------------------------------------------------


@artefact("scatter", needs=("scores",))
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
    plain = [one for one in forms if one["variant"] == "vanilla" and not one["form"]]
    entries = [one["entry"] for one in plain]
    wanted = (insertion, deletion, score)
    table = found.scores(wanted, methods=entries)
    means = summarise(table, ["method", "metric"], found.seed).set_index(["method", "metric"])
    took = _costs_of(table, ["method"]).set_index("method")
    rows = []
    for one, label in zip(plain, found.labels(plain), strict=True):
        entry = one["entry"]
        row = {"label": label, "entry": entry, "method": one["method"], "n": int(means.loc[(entry, score), "n"])}
        for name in wanted:
            row |= {name: means.loc[(entry, name), "mean"]}
            row |= {f"{name}_{end}": means.loc[(entry, name), end] for end in ("low", "high")}
        rows.append(row | took.loc[entry].to_dict())
    data = pd.DataFrame(rows)
    n = " or ".join(map(str, sorted(data["n"].unique())))
    figure, (above, below) = plt.subplots(2, 1, figsize=(style.PAGE, 7.4))
    figure.suptitle(f"{place(found.models[model])}: means of {n} images, 95 % intervals", fontsize=8)
    shown = data.assign(shown=data["cost"].clip(lower=ZERO))  # 0 has no place on a logarithmic axis
    _points(above, shown, deletion, insertion)
    above.set(xlabel=f"{score_label(deletion)} ({found.direction(metric, deletion)} is better)")
    above.set(ylabel=f"{score_label(insertion)} ({found.direction(metric, insertion)} is better)")
    above.set_title("(a)", loc="left")
    _points(below, shown, "shown", score)
    most = shown["shown"].max()
    _from_zero(below, shown["shown"].min(), most, (1, 3, 10, 30, 100, 300, 1000, 3000, 10000))
    below.set(xlabel="gradients an image, those for baselines included")
    below.set(ylabel=f"{score_label(score)} ({found.direction(metric, score)} is better)")
    below.set_title("(b)", loc="left")
    figure.draw_without_rendering()  # the layout is fixed before labels take their places in it
    _label(above, shown[deletion], shown[insertion], shown["label"])
    _label(below, shown["shown"], shown[score], shown["label"])
    return figure, data


def _points(axis, table: pd.DataFrame, x: str, y: str):
    """A marker a method in its look, with the intervals that the table has."""
    for number, (_, row) in enumerate(table.iterrows()):
        _, colour, _, marker = style.method_style(row["method"], number)
        for one, other, draw in ((x, y, axis.hlines), (y, x, axis.vlines)):
            if f"{one}_low" in row:
                draw(row[other], row[f"{one}_low"], row[f"{one}_high"], color=colour, lw=0.6, alpha=0.35, zorder=1)
        axis.plot(row[x], row[y], marker=marker or ".", color=colour, ms=5, ls="none", zorder=3)


def _label(axis, x, y, texts, size: float = 6.5):
    """Names beside points, each at the nearest place where it covers no point and no name or line put before, with a line to its
    point where that is not beside it. The figure must have been laid out."""
    figure = axis.figure
    renderer, dot = figure.canvas.get_renderer(), figure.dpi / 72
    spots = axis.transData.transform(np.column_stack([x, y]).astype(float))
    inside = axis.get_window_extent(renderer)
    dots = [(*(spot - 3 * dot), *(spot + 3 * dot)) for spot in spots]
    boxes, lines = [], []  # of names and lines to them, as they are put
    beside = [0, 180, 90, 270]
    aslant = [30, 150, 210, 330, 60, 120, 240, 300, 45, 135, 225, 315, 15, 165, 195, 345, 75, 105, 255, 285]
    named = list(zip(x, y, texts, strict=True))
    for number in np.lexsort((spots[:, 0], -spots[:, 1])):
        spot, (*at, text) = spots[number], named[number]
        name = axis.annotate(text, at, (0, 0), textcoords="offset points", ha="center", va="center", fontsize=size, color="0.15")
        name.set_in_layout(False)
        box = name.get_window_extent(renderer)
        half = np.array([box.width, box.height]) / 2
        tried = []
        for reach in (5, 9, 14, 20, 28, 38, 50, 65, 80):
            for angle in np.deg2rad(beside + aslant if reach == 5 else aslant + beside):  # intervals are no slanting lines
                way = np.array([np.cos(angle), np.sin(angle)])
                middle = spot + way * (reach * dot + half * np.abs(way))
                corners = (*(middle - half), *(middle + half))
                line = np.linspace(spot, np.clip(spot, corners[:2], corners[2:]), 20 if reach > 5 else 1)
                out = max(0, inside.x0 - corners[0], corners[2] - inside.x1, inside.y0 - corners[1], corners[3] - inside.y1)
                crossed = sum(_within(line, one) for one in boxes + dots[:number] + dots[number + 1 :])
                crossed += sum(_within(one, corners) + _meet(line, one, dot) for one in lines)
                covered = sum(_covered(corners, one) for one in dots) + 5 * sum(_covered(corners, one) for one in boxes)
                tried.append((covered + 100 * (out + crossed), len(tried), middle, corners, line))
                if tried[-1][0] == 0:
                    break
            if tried[-1][0] == 0:
                break
        _, _, middle, corners, line = min(tried, key=lambda one: one[:2])
        name.set_position((middle - spot) / dot)
        boxes.append(corners)
        if len(line) > 1:
            lines.append(line)
            drawn = axis.plot(*axis.transData.inverted().transform(line[[0, -1]]).T, color="0.15", lw=0.5, zorder=2)
            drawn[0].set_in_layout(False)


def _within(points, box: tuple) -> int:
    """How many of the points (N, 2) lie in a box (x0, y0, x1, y1)."""
    return int(((points >= box[:2]) & (points <= box[2:])).all(1).sum())


def _meet(one, other, near: float) -> int:
    """How many pairs of points of two lines (N, 2), (M, 2) lie that near."""
    return int((np.abs(one[:, None] - other) < near).all(-1).sum())


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
            _slopes(axis, part, protocols, {method: found.label(method) for method in methods})
            axis.set_xticks(range(len(protocols)), [names[one] for one in protocols])
            means = part.pivot(index="method", columns="protocol", values="mean")
            alike = ", ".join(f"{spearman(means[metric], means[one]):.2f}" for one in protocols[1:]).replace("-", "\N{MINUS SIGN}")
            title = f"{place(found.models[model])}\n{score_label(score)}, {found.direction(metric, score)} is better"
            axis.set_title(f"{title}; rank correlation {alike}", fontsize=7)
    n = " or ".join(map(str, sorted(data["n"].unique())))
    figure.suptitle(f"Ranks by means of {n} images, 95 % intervals", fontsize=8)
    columns = ["model", "protocol", "ranked", "metric", "method", "mean", "low", "high", "n", "rank", "rank_low", "rank_high"]
    return figure, data[[*columns, *counts_in(data)]].reset_index(drop=True)


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


def _slopes(axis, table: pd.DataFrame, protocols, methods: dict[str, str]):
    """A line a method through its ranks, its name at both ends."""
    for number, (method, name) in enumerate(methods.items()):
        own = table[table["method"] == method].set_index("protocol").loc[list(protocols)]
        _, colour, line, marker = style.method_style(method, number)
        x = np.arange(len(protocols)) + 0.2 * (number / max(len(methods) - 1, 1) - 0.5)  # so that bars stand beside one another
        axis.plot(x, own["rank"], color=colour, ls=line, marker=marker or ".", ms=4, lw=1.0, zorder=3)
        axis.vlines(x, own["rank_low"], own["rank_high"], color=colour, lw=0.8, alpha=0.5, zorder=2)
        for at, rank, align in ((-0.13, own["rank"].iloc[0], "right"), (len(protocols) - 0.87, own["rank"].iloc[-1], "left")):
            axis.annotate(name, (at, rank), ha=align, va="center", fontsize=6.5, annotation_clip=False)
    axis.set(ylim=(len(methods) + 0.6, 0.4), xlim=(-0.12, len(protocols) - 0.88), yticks=[])
    axis.tick_params(axis="x", length=0)
    for spine in axis.spines.values():
        spine.set_visible(False)
