"""Comparisons of per-image scores: pairs, chains, trends, equivalence, shares."""

import itertools
from typing import Literal

import numpy as np

from .. import source
from ..judging import AGAINST, FOR, OPEN, Judged, NotRun, agreed, cells_of, side, simultaneous, trimmed, wilson
from ..plot.names import label, score_label
from ..registry import Images, Method, Methods, Metric, Models, Pairs, Reported, Score, Scores, Sweep, claim
from ..scores import resampled


@claim("paired", needs=("scores", "test", "test_logits", "reported"))
def paired(
    found,
    *,
    models: Models,
    metric: Metric,
    images: Images,
    scores: Scores,
    methods: Methods | None = None,
    rivals: Methods | None = None,
    pairs: Pairs | None = None,
    beside: Scores | None = None,
    direction: Literal["better", "higher", "lower"] = "better",
    margin: float = 0.0,
    only: str = "",
    reported: Reported | None = None,
    reported_scores: tuple[str, ...] | None = None,
):
    """Each of `methods` against each of `rivals` (or the `pairs`), on each model, in each of `scores`: the mean over the first
    `images` test images of the difference an image, which shall be above `margin`.

    `direction`: what is claimed of the first, "better" being as the metric says of the score. `beside`: as many other scores to
    show along (the ratio of logits beside the probability). `only`: a column of the data set's index; images where it is
    true. `reported`, `reported_scores`: the paper's table, and what it calls the scores.
    """
    every = list(pairs or [])
    every += [[one, other] for one in methods or [] for other in rivals or [] if one != other]
    if not every:
        raise NotRun("no pair of methods is named")
    return _compare(found, models, every, metric, scores, beside, direction, margin, only, reported, reported_scores)


@claim("chain", needs=("scores", "test", "test_logits", "reported"))
def chain(
    found,
    *,
    models: Models,
    metric: Metric,
    images: Images,
    scores: Scores,
    methods: Methods,
    beside: Scores | None = None,
    direction: Literal["better", "higher", "lower"] = "better",
    margin: float = 0.0,
    only: str = "",
    reported: Reported | None = None,
    reported_scores: tuple[str, ...] | None = None,
):
    """Each of `methods` against the one before it: every step down the list is claimed to gain more than `margin`, which is below 0
    where a step need only lose no more than that. Parameters as for `paired`.
    """
    steps = [[later, earlier] for earlier, later in zip(methods, methods[1:], strict=False)]
    if not steps:
        raise NotRun("one method is no chain")
    return _compare(found, models, steps, metric, scores, beside, direction, margin, only, reported, reported_scores)


def _compare(found, models, pairs, metric, scores, beside, direction, margin, only, reported, reported_scores) -> Judged:
    signs = {score: _sign(found, metric, score, direction) for score in [*scores, *(beside or [])]}
    printed = found.reported(reported).set_index(["model", "method", "metric"])["value"] if reported else {}
    main, other, notes = [], [], []
    for model in models:
        right = _right(found, model)
        for number, score in enumerate(scores):
            for one, rival in pairs:
                difference = _difference(found, model, one, rival, score, signs[score], only)
                difference["label"] = f"{_name(found, model, len(models))}{label(one)} - {label(rival)}" + (
                    f", {score_label(score)}" if len(scores) > 1 else ""
                )
                places = zip(difference["training"], difference.pop("image_id"), strict=True)
                kept = difference["values"][[place in right for place in places]]
                difference |= {"model": model, "method": one, "rival": rival, "score": score}
                difference |= {"estimate_correct": kept.mean() if len(kept) else np.nan, "n_correct": len(kept)}
                if reported_scores:
                    place = [printed.get((model, name, reported_scores[number])) for name in (one, rival)]
                    difference["printed"] = None if None in place else signs[score] * (place[0] - place[1])
                main.append(difference)
                if beside:
                    other.append(_difference(found, model, one, rival, beside[number], signs[beside[number]], only))
                    other[-1].pop("image_id")
                    other[-1] |= {"label": difference["label"]}
    cells, overall = cells_of(main, found.seed, margin)
    if beside:
        others, _ = cells_of(other, found.seed)
        for cell, besides, values in zip(cells, others, other, strict=True):
            cell |= {f"beside_{name}": besides[name] for name in ("estimate", "low", "high", "side")}
            cell["beside_trimmed"] = trimmed(values["values"])
        parted = [cell["label"] for cell in cells if {cell["side"], cell["beside_side"]} >= {FOR, AGAINST}]
        differ = sum(cell["side"] != cell["beside_side"] for cell in cells)
        text = f"beside it, {_what(beside)}: {sum(cell['beside_side'] == FOR for cell in cells)} of {len(cells)} for the claim"
        notes.append(
            text + (f"; the side differs in {differ}" if differ else "") + (f"; opposite: {', '.join(parted)}" if parted else "")
        )
    words = f"{_what(scores)}, difference an image" + (f", images that are {only}" if only else "")
    return Judged(words, cells, overall=overall, notes=notes)


def _what(scores) -> str:
    return " and ".join(score_label(score) for score in scores)


def _name(found, model: str, count: int) -> str:
    return f"{found.models[model].stands_for or model}: " if count > 1 else ""


def _sign(found, metric: str, score: str, direction: str) -> int:
    """1 where the claimed direction is up, -1 where it is down."""
    facts = source.registered("metric")[found.params["metrics"][metric]["metric"]].facts
    better = facts["scores"][score if score in facts["scores"] else score.removesuffix("_auc")][1]
    return 1 if (better if direction == "better" else direction) == "higher" else -1


def _right(found, model: str) -> set:
    """(training, image id) of the images that a training classifies right."""
    table = found.predictions(model)
    right = table[table["predicted"] == table["label"]]
    return set(zip(right["training"], right["image_id"], strict=True))


def _chosen(found, model: str, only: str) -> set | None:
    """Ids of the images where a column of the index is true."""
    if not only:
        return None
    index = found.test(model).index
    if only not in index:
        raise NotRun(f"the index of {found.models[model].dataset} has no column {only!r}, which says what images to judge on")
    return set(index.loc[index[only].fillna(False).astype(bool), "image_id"])


def _wide(found, model: str, methods: list[str], score: str, only: str = ""):
    """Values of a score, a row an image, a column a method; and the training of each image."""
    table = found.scores([score], models=[model], methods=methods)
    chosen = _chosen(found, model, only)
    if chosen is not None:
        table = table[table["image_id"].isin(chosen)]
    if table["image_id"].nunique() < 2:
        count = table["image_id"].nunique()
        raise NotRun(f"of the images only {count} are {only}" if only else f"{count} images are too few")
    wide = table.pivot(index="image_id", columns="method", values="value")
    return wide[methods], table.drop_duplicates("image_id").set_index("image_id")["training"].loc[wide.index]


def _difference(found, model, one, rival, score, sign, only) -> dict:
    wide, training = _wide(found, model, [one, rival], score, only)
    values = sign * (wide[one] - wide[rival]).to_numpy()
    return {"values": values, "training": training.to_numpy(), "image_id": wide.index.to_series()}


@claim("equivalence", needs=("scores", "test"))
def equivalence(
    found, *, models: Models, metric: Metric, images: Images, score: Score, methods: Methods, margin: float, only: str = ""
):
    """The methods score alike: on each model the 90 % interval of the difference of their means lies within `margin` (two
    one-sided tests at 5 %).

    Of more than two methods, of the largest less the smallest mean, whose upper end counts: it is never below 0 and grows with
    the noise, so they are unlike only where a single pair is, its interval among all pairs' (simultaneous, 90 %) wholly beyond.
    """
    if len(methods) < 2:
        raise NotRun("one method is alike to itself")
    pairs = list(itertools.combinations(range(len(methods)), 2))
    cells = []
    for model in models:
        wide, training = _wide(found, model, methods, score, only)
        values = wide.to_numpy()

        def gaps(means):
            return np.stack([means[..., one] - means[..., other] for one, other in pairs], -1)

        def size(means):
            return gaps(means)[..., 0] if len(pairs) == 1 else np.abs(gaps(means)).max(-1)

        draws = resampled(values, found.seed)
        low, high = np.quantile(size(draws), [0.05, 0.95])
        each = [float(size(wide[training == name].to_numpy().mean(0))) for name in training.unique()]
        where = FOR if -margin < low and high < margin and all(abs(one) < margin for one in each) else OPEN
        ends = (low, high) if len(pairs) == 1 else simultaneous(gaps(values.mean(0)), gaps(draws), 0.9)
        if (np.maximum(ends[0], -np.asarray(ends[1])) > margin).any() and all(abs(one) > margin for one in each):
            where = AGAINST
        text = " - ".join(map(label, methods)) if len(pairs) == 1 else f"largest - smallest of {len(methods)}"
        cells.append(
            {
                "label": _name(found, model, len(models)) + text,
                "model": model,
                "estimate": float(size(values.mean(0))),
                "low": low,
                "high": high,
                "n": len(values),
                "side": where,
                "within": [-margin, margin],
                "trainings": each if len(each) > 1 else [],
            }
        )
    limits = {"estimate": np.mean([cell["estimate"] for cell in cells])}
    words = f"{score_label(score)}, difference of means; 90 % interval within {margin:g}"
    return Judged(words, cells, overall=limits | ({"low": low, "high": high} if len(cells) == 1 else {}))


@claim("trend", needs=("scores", "test"))
def trend(
    found,
    *,
    models: Models,
    metric: Metric,
    images: Images,
    score: Score,
    sweep: Sweep,
    statistic: Literal["rank", "rise", "levelling"] = "rank",
    margin: float = 0.0,
    only: str = "",
):
    """A statistic of the mean curve over a sweep's points, in their order, is above `margin` on each model, its interval from
    resampled images. rank: Spearman's correlation of place and mean; rise: last less first; levelling: half the first
    increment less the last.
    """
    names = [point["name"] for point in sweep]
    if len(names) < (3 if statistic == "levelling" else 2):
        raise NotRun(f"{len(names)} points are too few for a trend")

    def of(means):
        if statistic == "rise":
            return means[..., -1] - means[..., 0]
        if statistic == "levelling":
            return (means[..., 1] - means[..., 0]) / 2 - (means[..., -1] - means[..., -2])
        larger = np.sign(means[..., :, None] - means[..., None, :]).sum(-1)  # ranks but for a constant, ties sharing theirs
        place = np.arange(means.shape[-1]) - (means.shape[-1] - 1) / 2
        length = np.sqrt((larger**2).sum(-1) * (place**2).sum())
        return np.divide(larger @ place, length, out=np.zeros(length.shape), where=length > 0)

    cells, every = [], []
    for model in models:
        wide, training = _wide(found, model, names, score, only)
        values = wide.to_numpy()
        every.append(of(resampled(values, found.seed)))
        each = [float(of(wide[training == name].to_numpy().mean(0))) for name in training.unique()]
        cells.append({"label": found.models[model].stands_for or model, "model": model, "estimate": float(of(values.mean(0)))})
        cells[-1] |= {"n": len(values), "trainings": each if len(each) > 1 else []}
    draws = np.stack(every, 1)
    for number, cell in enumerate(cells):
        low, high = np.quantile(draws[:, number], [0.025 / len(cells), 1 - 0.025 / len(cells)])
        cell |= {"low": low, "high": high, "side": agreed(side(low, high, margin), cell["trainings"], margin)}
    low, high = np.quantile(draws.mean(1), [0.025, 0.975])
    words = {
        "rank": "rank correlation with the parameter",
        "rise": "last less first",
        "levelling": "half the first step less the last",
    }
    overall = {"estimate": np.mean([cell["estimate"] for cell in cells]), "low": low, "high": high}
    return Judged(f"{score_label(score)}: {words[statistic]}", cells, overall=overall)


@claim("share", needs=("scores", "test"))
def share(
    found,
    *,
    models: Models,
    metric: Metric,
    images: Images,
    score: Score,
    method: Method,
    above: float = 0.0,
    limit: float = 0.5,
    direction: Literal["higher", "lower"] = "higher",
    only: str = "",
):
    """The share of images whose score is above `above` is higher (or lower) than `limit`, by Wilson's interval; the
    models' intervals hold together at 95 % (Bonferroni).
    """
    cells = []
    for model in models:
        wide, training = _wide(found, model, [method], score, only)
        hits = (wide[method] > above).to_numpy()
        low, high = wilson(int(hits.sum()), len(hits), 1 - 0.05 / len(models))
        where = side(low, high, limit) if direction == "higher" else side(-high, -low, -limit)
        each = [float(hits[(training == name).to_numpy()].mean()) for name in training.unique()]
        way = 1 if direction == "higher" else -1
        where = agreed(where, [way * one for one in each], way * limit)
        cell = {"label": found.models[model].stands_for or model, "model": model, "estimate": hits.mean(), "low": low, "high": high}
        cells.append(
            cell
            | {
                "n": len(hits),
                "side": where,
                "trainings": each if len(each) > 1 else [],
                "border": limit,
                "lower": direction == "lower",
            }
        )
    words = f"share of images with {score_label(score)} above {above:g}, {direction} than {limit:g}"
    return Judged(words, cells, overall={"estimate": np.mean([cell["estimate"] for cell in cells])})
