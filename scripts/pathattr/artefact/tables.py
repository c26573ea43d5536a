"""Tables: printed numbers beside measured ones."""

import numpy as np
import pandas as pd

from ..plot.names import score_label
from ..registry import Images, Methods, Metric, Models, Reported, Scores, artefact
from ..scores import counts_in, summarise
from .gains import _certainty, _plus, _printed, computed, measured_on, of_baselines


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
            rows.append(row | {name: area[name] for name in ("n", *counts_in(areas))})
    data = pd.DataFrame(rows).astype({"n": int})

    def cell(row, score):
        return f"{row[f'{score}_auc']:.3f} [{row[f'{score}_low']:.3f}, {row[f'{score}_high']:.3f}]"

    shown = {"in place of": data["model"], "measured on": data["measured_on"], "method": data["method"].map(found.label)}
    for game in games:
        shown[f"{game} reported"] = data[f"{game}_auc_reported"]
        shown[f"{game} measured"] = data.apply(cell, axis=1, score=f"{game}_output")
        shown[f"{game} in probability"] = data.apply(cell, axis=1, score=f"{game}_probability")
    return data, pd.DataFrame({**shown, "n": data["n"]})


@artefact(
    "removal_scores",
    needs=("scores", "baselines", "test_logits", "reported"),
    table=True,
    holds={"len(scores) == len(reported_scores)": "as many of both"},
    gaps=True,
)
def removal_scores(
    found,
    *,
    models: Models,
    methods: Methods,
    metric: Metric,
    images: Images,
    scores: Scores = ("la_insertion_auc", "la_deletion_auc"),
    besides: Methods | None = None,
    reported: Reported | None = None,
    reported_scores: tuple[str, ...] = ("insertion_score", "deletion_score"),
    printed_as: dict | None = None,
):
    """{scores}: means over the first {images} test images, with 95 % bootstrap intervals, beside the numbers that the paper prints
    for its own networks; {models}. Bold: the best of a column, of the paper's methods, without a test. Below them: other forms of
    these methods, and random maps. Accuracy and mean confidence (probability of the predicted class): of the networks here, on the
    same images. Gradients an image: measured, the mean over networks, after the + those for baselines. Where scores insert into
    black and delete to black: black is the baseline of IG and DeepLIFT themselves, and a black element changes nothing when its
    turn comes. Empty: not printed.
    """
    rows = _removal_rows(found, models, methods, besides or [], scores)
    printed = _printed(found, [reported])
    for row in rows:
        name = (printed_as or {}).get(row["method"], row["method"])
        for score, theirs in zip(scores, reported_scores, strict=True):
            row[f"{score}_reported"] = printed(row["model"], name, theirs)
    data = pd.DataFrame(rows)
    for score in scores:
        best = "max" if found.direction(metric, score) == "higher" else "min"
        for column, told in ((score, f"{score}_best"), (f"{score}_reported", f"{score}_reported_best")):
            of = data[column].where(~data["besides"])
            data[told] = of.notna() & (of == of.groupby(data["model"]).transform(best))
    return data, _columns_a_model(data, found, models, scores)


def _removal_rows(found, models, methods, besides, scores) -> list[dict]:
    """A row a model and method: mean and interval of each score, gradients, the network's accuracy and mean confidence, and why it
    was not run."""
    table, own = found.scores(scores), computed(found)
    means = summarise(table, ["model", "method", "metric"], found.seed).set_index(["model", "method", "metric"])
    rows = []
    for model in models:
        mine = table[table["model"] == model]
        confidence, accuracy = _certainty(found, model, mine)
        about = {"model": model, "stands_for": found.models[model].stands_for, "measured_on": measured_on(found, model)}
        about |= {"confidence": confidence, "accuracy": accuracy, "n": mine["image_id"].nunique()}
        for method in [*methods, *besides]:
            row = {**about, "method": method, "besides": method in besides, "not_run": ""}
            there = mine[mine["method"] == method]
            if there.empty:
                row["not_run"] = found.not_run[model][method]
            for score in scores:
                area = means.loc[(model, method, score)] if not there.empty else dict.fromkeys(("mean", "low", "high"), np.nan)
                row |= {score: area["mean"], f"{score}_low": area["low"], f"{score}_high": area["high"]}
            row["gradients"] = there["gradients"].mean()
            row |= {name: area[name] for name in counts_in(means) if not there.empty}
            rows.append(row | of_baselines(own, model, method, mine["image_id"].unique()))
    return rows


def _columns_a_model(data: pd.DataFrame, found, models, scores) -> pd.DataFrame:
    """The table as the paper has it: a row a method, two columns a model and score, measured and printed."""

    def bold(text: str, best: bool) -> str:
        return f"**{text}**" if best else text

    def measured(row, score: str) -> str:
        if row["not_run"]:
            why = row["not_run"]
            return "" if score != scores[0] else why if why.startswith("not applicable") else f"not run: {why}"
        return bold(f"{row[score]:.3f} [{row[f'{score}_low']:.3f}, {row[f'{score}_high']:.3f}]", row[f"{score}_best"])

    def reported(row, score: str) -> str:
        value = row[f"{score}_reported"]
        return "" if np.isnan(value) else bold(f"{value:g}", row[f"{score}_reported_best"])

    first = data[data["model"] == models[0]]
    main = list(first.loc[~first["besides"], "method"])
    others = list(first.loc[first["besides"], "method"])
    heads = ["measured on", "accuracy", "mean confidence"]
    break_ = ["besides:"] if others else []
    shown = {"method": [*heads, *map(found.label, main), *break_, *map(found.label, others)]}

    def column(head: list, cells: pd.Series) -> list:
        return [*head, *cells[main], *[""] * len(break_), *cells[others]]

    for model in models:
        mine = data[data["model"] == model].set_index("method")
        about = mine.iloc[0]
        head = [about["measured_on"], f"{about['accuracy']:.2f}", f"{about['confidence']:.2f}"]
        for score in scores:
            name = f"{found.models[model].stands_for or model}: {score_label(score)}"
            shown[name] = column(head if score == scores[0] else [""] * 3, mine.apply(measured, axis=1, score=score))
            if data[f"{score}_reported"].notna().any():
                shown[f"{name}, printed"] = column([""] * 3, mine.apply(reported, axis=1, score=score))
    spent = data.groupby("method")[["gradients", "baseline_gradients"]].mean()
    counted = [f"{row['gradients']:.0f}" + _plus(row["baseline_gradients"]) for _, row in spent.iterrows()]
    shown["gradients an image"] = column([""] * 3, pd.Series(counted, spent.index))
    return pd.DataFrame(shown)
