"""Gains of methods over another one, beside the printed ones and against the confidence of the model."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..errors import InputError
from ..plot import style
from ..plot.names import score_label
from ..registry import Images, Method, Methods, Metric, Models, Reported, Score, artefact
from ..scores import orders, resampled, summarise
from ..store import read_arrays

LINEAR = 200  # percent, above which gains are drawn on a logarithmic scale


@artefact("gain_table", needs=("scores", "baselines", "test_logits", "reported", "labels"), table=True)
def gain_table(
    found,
    *,
    models: Models,
    methods: Methods,
    metric: Metric,
    images: Images,
    score: Score = "rise_auc",
    besides: tuple[str, ...] | None = None,
    over: Method | None = None,
    reported: Reported | None = None,
    reported_score: str = "insertion_minus_deletion_auc",
    reported_gain: str = "gain_over_ig_percent",
    confidences: Reported | None = None,
    printed_as: dict | None = None,
):
    """{score}: mean over the first {images} test images, with a 95 % bootstrap interval, and the gain over {over}, a ratio of
    means whose interval resamples both together; {models}. *Printed*: the paper's numbers. Mean confidence: probability of the
    predicted class, on the same images (the paper does not say on which). Gradients an image: measured, after the + those for
    baselines; *within tolerance*: the share of a method's own baselines that met their goal. Maps explain the label, the score
    follows the predicted class. AGI: the PGD variant, without thresholds, as section 7 has it.
    """
    every = [score, *(besides or [])]
    table = found.scores(every)
    for other in every:
        if other not in set(table["metric"]):
            raise InputError(f"gain_table: {metric} gives no score {other!r}; accepted: those of the metric")
    means = summarise(table, ["model", "method", "metric"], found.seed).set_index(["model", "method", "metric"])
    printed = _printed(found, [reported, confidences])
    own = computed(found)
    rows = []
    for model in models:
        mine = table[table["model"] == model]
        values = mine[mine["metric"] == score].pivot(index="image_id", columns="method", values="value")
        confidence, accuracy = _certainty(found, model, mine)
        about = {"model": model, "stands_for": found.models[model].stands_for, "measured_on": measured_on(found, model)}
        about |= {"confidence": confidence, "accuracy": accuracy, "confidence_reported": printed(model, "", "mean_confidence")}
        for method in methods:
            row = {**about, "method": method, **means.loc[(model, method, score)]}
            if over:
                row |= dict(zip(("gain", "gain_low", "gain_high"), gain(values[method], values[over], found.seed), strict=True))
            name = (printed_as or {}).get(method, method)
            row |= {"reported": printed(model, name, reported_score), "gain_reported": printed(model, name, reported_gain)}
            row["gradients"] = mine.loc[mine["method"] == method, "gradients"].mean()
            row |= of_baselines(own, model, method, values.index)
            for other in besides or []:
                row |= {other: means.loc[(model, method, other), "mean"]}
                row |= {f"{other}_{end}": means.loc[(model, method, other), end] for end in ("low", "high")}
            rows.append(row)
    data = pd.DataFrame(rows).astype({"n": int})
    return data, _side_by_side(data, found, models, methods, over, besides or [])


def gain(values, reference, seed: int) -> tuple[float, float, float]:
    """Gain of the mean of `values` over that of `reference` (N,), paired, in percent of the latter's size, with a 95 % interval."""
    draws = resampled(np.stack([values, reference], 1), seed)
    draws = np.concatenate([[[np.mean(values), np.mean(reference)]], draws])
    with np.errstate(divide="ignore", invalid="ignore"):
        gains = 100 * (draws[:, 0] - draws[:, 1]) / np.abs(draws[:, 1])
    return float(gains[0]), *(float(one) for one in np.quantile(gains[1:], [0.025, 0.975]))


def _printed(found, tables):
    """A function: (our key of a model, printed method or "", metric) -> printed number of the tables, nan where there is none.

    A key is the paper's name of the model, or ends in it: cifar_resnet50.
    """
    parts = [found.reported(table) for table in dict.fromkeys(tables) if table]
    numbers = pd.concat(parts).fillna({"method": ""}) if parts else pd.DataFrame(columns=["model", "method", "metric", "value"])

    def look_up(model: str, method: str, metric: str) -> float:
        same = numbers[(numbers["method"] == method) & (numbers["metric"] == metric)]
        same = same[[f"_{model}".endswith(f"_{name}") for name in same["model"]]]
        return float(same["value"].iloc[0]) if len(same) else float("nan")

    return look_up


def _certainty(found, model: str, scores: pd.DataFrame) -> tuple[float, float]:
    """Mean confidence and accuracy of a model on the images of a table of scores."""
    images = scores[["training", "image_id"]].drop_duplicates()
    table = found.predictions(model).merge(images, on=["training", "image_id"], validate="one_to_one")
    return float(table["confidence"].mean()), float((table["predicted"] == table["label"]).mean())


def measured_on(found, model: str) -> str:
    return f"{found.models[model].model}, {found.models[model].dataset}"


def computed(found) -> pd.DataFrame:
    """The baselines of methods that compute their own, a row each: model, method, image_id, number, met, distance, gradients."""
    parts = []
    for file in found.files("baselines"):
        columns, metadata = read_arrays(file)
        table = pd.DataFrame({name: columns[name] for name in ("image_id", "number", "met", "distance", "gradients")})
        if metadata["baseline"] != "compute_baseline":  # has no tolerance of the logits, and another distance
            table[["met", "distance"]] = np.nan
        parts.append(table.assign(model=file.about["model"], method=file.about["method"]))
    names = ["model", "method", "image_id", "number", "met", "distance", "gradients"]
    return pd.concat(parts)[names] if parts else pd.DataFrame(columns=names)


def of_baselines(table: pd.DataFrame, model: str, method: str, images) -> dict:
    """Share of a method's baselines within their tolerance, mean distance of the logits, gradients an image; nan without any."""
    mine = table[(table["model"] == model) & (table["method"] == method) & table["image_id"].isin(images)]
    if mine.empty:
        return dict.fromkeys(("met_share", "logit_distance", "baseline_gradients"), float("nan"))
    gradients = mine.groupby("image_id")["gradients"].sum().mean()
    return {
        "met_share": float(mine["met"].mean()),
        "logit_distance": float(mine["distance"].mean()),
        "baseline_gradients": float(gradients),
    }


def _side_by_side(data: pd.DataFrame, found, models, methods, over, besides) -> pd.DataFrame:
    """The table as the paper has it: a row a method, two columns a model, measured and printed."""

    def number(value: float, digits: int = 3) -> str:
        return "" if np.isnan(value) else f"{value:.{digits}f}"

    def interval(row, name: str = "", mean: str = "mean") -> str:
        return f"{row[mean]:.3f} [{row[f'{name}low']:.3f}, {row[f'{name}high']:.3f}]"

    def measured(row) -> str:
        if not over or row["method"] == over:
            return interval(row)
        change = f"{row['gain']:+.0f} %"
        if row["model"] in vague:
            return f"{interval(row)} ({change}, of a mean that may be 0)"
        return f"{interval(row)} ({change} [{row['gain_low']:+.0f}, {row['gain_high']:+.0f}])"

    def printed(row) -> str:
        value, more = row["reported"], row["gain_reported"]
        return number(value, 4) + ("" if np.isnan(more) else f" ({more:+.1f} %)")

    reference = data[data["method"] == over]
    vague = set(reference.loc[(reference["low"] <= 0) & (reference["high"] >= 0), "model"])  # a ratio without bound
    heads = ["mean confidence", "accuracy"]
    more = [f"{found.label(method)}, {score_label(other)}" for other in besides for method in methods]
    shown = {"method": [*heads, *map(found.label, methods), *more]}
    for model in models:
        mine = data[data["model"] == model].set_index("method", drop=False).loc[methods]
        first, blank = mine.iloc[0], [""] * len(more)
        name = f"{found.models[model].stands_for or model} ({measured_on(found, model)})"
        others = [interval(row, f"{other}_", other) for other in besides for _, row in mine.iterrows()]
        shown[name] = [number(first["confidence"], 2), number(first["accuracy"], 2), *mine.apply(measured, axis=1), *others]
        if data[["reported", "confidence_reported"]].notna().any(axis=None):
            shown[f"{name}, printed"] = [number(first["confidence_reported"], 2), "", *mine.apply(printed, axis=1), *blank]
    spent = data.groupby("method")[["gradients", "baseline_gradients", "met_share"]].mean().loc[methods]
    counted = [f"{row['gradients']:.0f}" + _plus(row["baseline_gradients"]) for _, row in spent.iterrows()]
    shown["gradients an image"] = ["", "", *counted, *[""] * len(more)]
    if spent["met_share"].notna().any():
        shown["within tolerance"] = [
            "",
            "",
            *(f"{100 * one:.0f} %" if one == one else "" for one in spent["met_share"]),
            *[""] * len(more),
        ]
    return pd.DataFrame(shown)


def _plus(count: float) -> str:
    return "" if np.isnan(count) else f" + {count:.0f}"


@artefact("confidence", needs=("scores", "test_logits", "reported", "labels"))
def confidence(
    found,
    *,
    models: Models,
    method: Method,
    over: Method,
    metric: Metric,
    images: Images,
    score: Score = "rise_auc",
    reported: tuple[str, ...] | None = None,
    reported_gain: str = "gain_over_ig_percent",
    printed_as: dict | None = None,
):
    """Gain of {method} over {over} in {score} against the mean confidence of the model. Filled: measured on the first {images}
    test images of each ({models}), with 95 % intervals that resample both methods together and may leave the panel. Hollow:
    printed in the paper ({reported}). Section 7 says that the gain is larger on less confident models: a falling trend. Above:
    Spearman's rank correlations, with two-sided p over all permutations; those of each printed table are in the data.
    """
    table, rows = found.scores([score]), []
    for model in models:
        mine = table[table["model"] == model]
        values = mine.pivot(index="image_id", columns="method", values="value")
        change, low, high = gain(values[method], values[over], found.seed)
        about = {"source": "measured", "table": "", "dataset": found.models[model].dataset, "model": model}
        sure, _ = _certainty(found, model, mine)
        rows.append({**about, "confidence": sure, "gain": change, "gain_low": low, "gain_high": high, "n": len(values)})
    rows += _printed_points(found, reported, (printed_as or {}).get(method, method), reported_gain)
    data = pd.DataFrame(rows)
    data["spearman"], data["p"] = np.nan, np.nan
    for source, part in data.drop_duplicates(["source", "dataset", "model"]).groupby("source"):
        data.loc[data["source"] == source, ["spearman", "p"]] = spearman(part["confidence"], part["gain"], found.seed)
    for number in ("spearman", "p"):
        data[f"{number}_in_table"] = np.nan
    for name, part in data[data["source"] == "printed"].groupby("table"):
        data.loc[data["table"] == name, ["spearman_in_table", "p_in_table"]] = spearman(
            part["confidence"], part["gain"], found.seed
        )
    return _against_confidence(data, found, f"gain of {found.label(method)} over {found.label(over)}, %"), data


def _printed_points(found, tables, method: str, metric: str) -> list[dict]:
    """Printed gains with the mean confidences of their models, wherever these are printed, a row an entry of a table."""
    parts = [found.reported(table).assign(table=table) for table in tables or []]
    if not parts:
        return []
    numbers = pd.concat(parts)
    sure = numbers[numbers["metric"] == "mean_confidence"].drop_duplicates(["dataset", "model"])
    sure = sure.set_index(["dataset", "model"])["value"]
    gains = numbers[(numbers["metric"] == metric) & (numbers["method"] == method)]
    rows = []
    for _, one in gains.iterrows():
        where = {"source": "printed", "table": one["table"], "dataset": one["dataset"], "model": one["model"]}
        if (one["dataset"], one["model"]) in sure.index:
            rows.append({**where, "confidence": sure[one["dataset"], one["model"]], "gain": one["value"]})
    return rows


def spearman(x, y, seed: int) -> tuple[float, float]:
    """Spearman's rank correlation and its two-sided permutation p (see `scores.orders`); nan where there are fewer than 3 points,
    or all of one coordinate are equal."""
    every, scale = orders(x, y, seed)
    if len(x) < 3 or not scale:
        return float("nan"), float("nan")
    return float(every[0] / scale), float((np.abs(every) >= abs(every[0])).mean())


def _against_confidence(data: pd.DataFrame, found, ylabel: str):
    """Points of `confidence`: one marker an architecture, one colour a data set, filled where measured."""

    def architecture(row) -> str:
        stands_for = found.models[row["model"]].stands_for if row["source"] == "measured" else None
        return (stands_for or row["model"]).lower().replace("-", "")

    points = data.drop_duplicates(["source", "dataset", "model"])
    points = points.assign(architecture=points.apply(architecture, axis=1))
    nice = {name.lower().replace("-", ""): name for name in (one.stands_for for one in found.models.values()) if name}
    markers = dict(zip(dict.fromkeys(points["architecture"]), itertools.cycle("os^Dv<>Ph"), strict=False))
    colours = dict(
        zip(dict.fromkeys(points["dataset"]), itertools.cycle(style.method_style("", i)[1] for i in (0, 1, 2, 4, 5)), strict=False)
    )
    figure, axis = plt.subplots(figsize=(style.PAGE, 3.0))
    for _, row in points.iterrows():
        colour, measured = colours[row["dataset"]], row["source"] == "measured"
        look = {
            "marker": markers[row["architecture"]],
            "color": colour,
            "ms": 6,
            "ls": "none",
            "mfc": colour if measured else "white",
        }
        axis.plot(row["confidence"], row["gain"], **look, zorder=3)
        if measured:
            axis.plot([row["confidence"]] * 2, [row["gain_low"], row["gain_high"]], color=colour, lw=0.9, zorder=2)
    low, high = min(points["gain"].min(), 0), max(points["gain"].max(), 0)
    if max(-low, high) > LINEAR:
        axis.set_yscale("symlog", linthresh=LINEAR / 2)
        axis.yaxis.set_major_formatter("{x:g}")
        axis.set_ylim(2 * low if low < 0 else -10, 2 * high if high > 0 else 10)
        ylabel += f"\n(logarithmic beyond {LINEAR // 2})"
    else:
        margin = 0.15 * (high - low)
        axis.set_ylim(low - margin, high + margin)
    axis.axhline(0, color="0.8", lw=0.6, zorder=0)
    axis.set(xlabel="mean confidence of the model, probability of the predicted class", ylabel=ylabel)
    handles = [
        plt.Line2D([], [], marker=one, color="0.3", ls="none", ms=5, label=nice.get(name, name)) for name, one in markers.items()
    ]
    for (source, dataset), _ in points.groupby(["source", "dataset"], sort=False):
        filled = colours[dataset] if source == "measured" else "white"
        text = f"{dataset.replace('_', ' ')}, {'here' if source == 'measured' else 'printed'}"
        handles.append(plt.Line2D([], [], marker="o", color=colours[dataset], mfc=filled, ls="none", ms=5, label=text))
    figure.legend(handles=handles, loc="outside right center")
    words = []
    for source, part in points.groupby("source", sort=True):
        rho, p = part[["spearman", "p"]].iloc[0]
        where = "here" if source == "measured" else source
        words.append(f"{where} {rho:.2f} (p = {p:.2f}, {len(part)} points)".replace("-", "\N{MINUS SIGN}"))
    n = sorted({int(one) for one in points["n"].dropna()})
    measured = f"measured: means over {' or '.join(map(str, n))} images, 95 % intervals"
    figure.suptitle(f"Spearman's rank correlation: {'; '.join(words)}\n{measured}", fontsize=8)
    return figure
