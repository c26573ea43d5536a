"""Comparisons of per-image scores: pairs, chains, variants, forms, levels, trends, equivalence, shares."""

import itertools
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from ..errors import InputError
from ..gaps import told
from ..judging import AGAINST, FOR, OPEN, Judged, NotRun, agreed, cells_of, side, simultaneous, trimmed, wilson
from ..plot.names import VARIANTS, entry_label, label, score_label
from ..registry import Forms, Images, Method, Methods, Metric, Models, Pairs, Reported, Score, Scores, Sweep, Variants, claim
from ..scores import resampled

SEEDS = "_seed"  # ends the name of a score whose x numbers the fine-tunings that gave it
Side = tuple[str, str]  # a method and its variant


@dataclass(frozen=True)
class Pair:
    """What is claimed to score better, what it is compared with, and what the comparison is called."""

    one: Side
    rival: Side
    label: str


class Limit(NamedTuple):
    """Images where a score is at most a limit."""

    score: str
    most: float

    def __str__(self) -> str:
        return f"{score_label(self.score)} at most {self.most:g}"


class Values(NamedTuple):
    """A score of some sides on one model. `wide`: a row an image, a column a side. `training` of each image. `parts`: the means of
    each training, or of each of its fine-tunings, a row each. `undefined`: how many images have no value on a side, and are out.
    """

    wide: pd.DataFrame
    training: pd.Series
    parts: pd.DataFrame
    undefined: int


@claim(
    "paired",
    needs=("scores", "test", "test_logits", "reported"),
    gaps=True,
    holds={
        "pairs is not None or (methods is not None and rivals is not None)": "pairs, or methods and rivals",
        "(limited is None) == (at_most is None)": "both, a score and its limits, or neither",
    },
)
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
    variants: Variants = ("vanilla",),
    direction: Literal["better", "higher", "lower"] = "better",
    margin: float = 0.0,
    only: str = "",
    limited: Score | None = None,
    at_most: tuple[float, ...] | None = None,
    reported: Reported | None = None,
    reported_scores: tuple[str, ...] | None = None,
    reported_unit: float = 1.0,
    printed_as: dict | None = None,
):
    """Each of `methods` against each of `rivals` (or the `pairs`), on each model, in each of `scores`: the mean over the first
    `images` test images of the difference an image, which shall be above `margin`.

    `variants`: in which both are compared, each a cell. `direction`: what is claimed of the first, "better" being as the
    metric says of the score. `beside`: as many other scores to show along (the ratio of logits beside the probability).
    `only`: a column of the data set's index; images where it is true. `limited`, `at_most`: a score of the metric, and limits; each
    pair is compared on the images where that score is at most the limit on both sides, a cell each limit.
    `reported`, `reported_scores`: the paper's table, and what it calls the scores, each at every limit where there are some;
    `reported_unit`: how many of its units are one of ours (100: percent); `printed_as`: what it calls those of our methods and
    models whose names differ.
    """
    every = list(pairs or [])
    every += [[one, other] for one in methods or [] for other in rivals or [] if one != other]
    if not every:
        raise NotRun("no pair of methods is named")
    words = {variant: f", {_variant_words(variant)}" if len(variants) > 1 else "" for variant in variants}
    named = [
        Pair((one, variant), (rival, variant), f"{label(one)} - {label(rival)}{words[variant]}")
        for one, rival in every
        for variant in variants
    ]
    limits = _limits(limited, at_most)
    printed = reported, reported_scores, reported_unit, printed_as
    return _compare(found, models, named, metric, scores, beside, direction, margin, only, limits, *printed)


@claim("chain", needs=("scores", "test", "test_logits", "reported"), gaps=True)
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
    limited: Score | None = None,
    at_most: tuple[float, ...] | None = None,
    reported: Reported | None = None,
    reported_scores: tuple[str, ...] | None = None,
    reported_unit: float = 1.0,
    printed_as: dict | None = None,
):
    """Each of `methods` against the one before it: every step down the list is claimed to gain more than `margin`, which is below 0
    where a step need only lose no more than that. Parameters as for `paired`.
    """
    steps = [
        Pair((later, "vanilla"), (earlier, "vanilla"), f"{label(later)} - {label(earlier)}")
        for earlier, later in itertools.pairwise(methods)
    ]
    if not steps:
        raise NotRun("one method is no chain")
    limits = _limits(limited, at_most)
    printed = reported, reported_scores, reported_unit, printed_as
    return _compare(found, models, steps, metric, scores, beside, direction, margin, only, limits, *printed)


@claim("variants_paired", needs=("scores", "test", "test_logits"), gaps=True)
def variants_paired(
    found,
    *,
    models: Models,
    metric: Metric,
    images: Images,
    scores: Scores,
    methods: Methods,
    one: Variants,
    others: Variants,
    beside: Scores | None = None,
    direction: Literal["better", "higher", "lower"] = "better",
    margin: float = 0.0,
    only: str = "",
):
    """Each of the variants `one` of every method against each of its variants `others`. Parameters as for `paired`.

    A score whose name ends in _seed comes of several fine-tunings: an image's value is their mean, and a cell is decided only
    where each of them lies on its side.
    """
    pairs = _variant_pairs(found, models, methods, one, others)
    return _compare(found, models, pairs, metric, scores, beside, direction, margin, only)


@claim("forms_paired", needs=("scores", "test", "test_logits"), gaps=True)
def forms_paired(
    found,
    *,
    models: Models,
    metric: Metric,
    images: Images,
    scores: Scores,
    forms: Forms,
    rivals: Forms,
    best: bool = False,
    despite: Score | None = None,
    beside: Scores | None = None,
    direction: Literal["better", "higher", "lower"] = "better",
    margin: float = 0.0,
    only: str = "",
):
    """Each of `forms` against each of `rivals`, both ENTRY or ENTRY:VARIANT. Parameters, and scores that end in _seed, as for
    `variants_paired`.

    `best`: besides, a cell a model and score, the mean over `forms` less the best of `rivals`, the one with the best mean
    being chosen anew in each bootstrap draw. It counts for the verdict; the mean over the cells is over the pairs alone.
    `despite`: only those pairs whose first has the worse mean in this other score.
    """
    sides = [[(form["entry"], form["variant"]) for form in every] for every in (forms, rivals)]
    pairs = [
        Pair(here, there, f"{_form_words(form)} - {_form_words(rival)}")
        for form, here in zip(forms, sides[0], strict=True)
        for rival, there in zip(rivals, sides[1], strict=True)
        if here != there
    ]
    if not pairs:
        raise NotRun("no pair of forms is named")
    return _compare(
        found, models, pairs, metric, scores, beside, direction, margin, only, best=sides if best else None, despite=despite
    )


@claim("mean_paired", needs=("scores", "test"), gaps=True)
def mean_paired(
    found,
    *,
    models: Models,
    metric: Metric,
    images: Images,
    scores: Scores,
    method: Method,
    rivals: Methods,
    direction: Literal["better", "higher", "lower"] = "better",
    margin: float = 0.0,
):
    """A method against the mean of its rivals: the mean over models of the difference an image, a cell in each of `scores`. The
    models have the same test images, so that these are what is resampled. Parameters as for `paired`.
    """
    differences, notes = [], told(found, models)
    others = {model: [(name, "vanilla") for name in _there(found, model, rivals)] for model in models}
    models = [model for model in models if others[model] and _there(found, model, [method])]
    if not models:
        raise NotRun("; ".join(notes))
    for score in scores:
        sign, each = _sign(found, metric, score, direction), []
        for model in models:
            wide, training, _, _ = _wide(found, model, [(method, "vanilla"), *others[model]], score, "")
            each.append(sign * (wide[(method, "vanilla")] - wide[others[model]].mean(axis=1)))
        together = pd.concat(each, axis=1)
        if together.isna().any(axis=None):
            raise NotRun(f"{', '.join(models)} have different test images")
        values = together.mean(axis=1).to_numpy()
        differences.append({"label": score_label(score), "score": score, "values": values, "training": np.zeros(len(values))})
    cells, _ = cells_of(differences, found.seed, margin)
    words = f"{label(method)} less the mean of {len(rivals)} rivals, mean over {len(models)} models, difference an image"
    return Judged(words, cells, notes=notes)


def _there(found, model: str, methods) -> list:
    """Those of some methods that were run on a model and apply to it."""
    return [method for method in methods if method not in found.not_run.get(model, {})]


@claim("slope_paired", needs=("scores", "test"), gaps=True)
def slope_paired(
    found,
    *,
    models: Models,
    metric: Metric,
    images: Images,
    score: Score,
    methods: Methods,
    one: Variants,
    others: Variants,
    direction: Literal["better", "higher", "lower"] = "better",
    margin: float = 0.0,
    only: str = "",
):
    """The gain of each of the variants `one` over each of `others` is larger at the smallest x of a curve than at the largest:
    the difference an image of the two, which shall be above `margin`. Parameters as for `variants_paired`.
    """
    sign, differences, ends, undefined = _sign(found, metric, score, direction), [], set(), 0
    for model in models:
        for pair in _variant_pairs(found, models, methods, one, others):
            if not _there(found, model, [pair.one[0]]):
                continue
            table = _rows(found, model, [pair.one, pair.rival], score, only)
            low, high = table["x"].min(), table["x"].max()
            if not low < high:
                raise NotRun(f"{score_label(score)} is no curve: it has one x, and a slope takes two")
            ends.add(f"{low:g} - {high:g}")
            at = [_pivot(table[table["x"] == x], [pair.one, pair.rival], ["image_id"]) for x in (low, high)]
            every = sign * (at[0][pair.one] - at[0][pair.rival] - at[1][pair.one] + at[1][pair.rival])
            values = every.dropna()
            undefined += len(every) - len(values)
            _enough(values.index, only)
            training = table.drop_duplicates("image_id").set_index("image_id")["training"].loc[values.index]
            name = _name(found, model, len(models)) + pair.label
            differences.append({"label": name, "model": model, "values": values.to_numpy(), "training": training.to_numpy()})
    if not differences:
        raise NotRun("; ".join(told(found, models)))
    cells, overall = cells_of(differences, found.seed, margin)
    words = f"{score_label(score)}, gain at the smallest less gain at the largest x ({', '.join(sorted(ends))}), an image"
    return Judged(words, cells, overall=overall, notes=_left_out(undefined))


@claim("level", needs=("scores", "test"), gaps=True)
def level(
    found,
    *,
    models: Models,
    metric: Metric,
    images: Images,
    score: Score,
    methods: Methods,
    limit: float,
    variants: Variants = ("vanilla",),
    direction: Literal["higher", "lower"] = "higher",
    only: str = "",
):
    """The mean over images of a score is higher (or lower) than `limit`, for every method and variant on each model."""
    sign, distances, undefined = 1 if direction == "higher" else -1, [], 0
    for model in models:
        for one in itertools.product(_there(found, model, methods), variants):
            wide, training, parts, out = _wide(found, model, [one], score, only)
            undefined += out
            name = _name(found, model, len(models)) + _called(found, models[0], one[0])
            name += f", {_variant_words(one[1])}" if len(variants) > 1 else ""
            values = sign * (wide[one].to_numpy() - limit)
            each = (sign * (parts[one] - limit)).tolist()
            distances.append({"label": name, "model": model, "values": values, "training": training.to_numpy(), "each": each})
    if not distances:
        raise NotRun("; ".join(told(found, models)))
    cells, overall = _cells(distances, found.seed)
    for cell in [*cells, overall]:  # from distances in the claimed direction back to the score
        ends = sorted(limit + sign * cell[end] for end in ("low", "high"))
        cell |= {"estimate": limit + sign * cell["estimate"], "low": ends[0], "high": ends[1]}
    for cell in cells:
        each = [limit + sign * one for one in cell["trainings"]]
        cell |= {"trainings": each, "border": limit, "lower": direction == "lower"}
    return Judged(
        f"{score_label(score)}, mean over images, {direction} than {limit:g}", cells, overall=overall, notes=_left_out(undefined)
    )


def _variant_pairs(found, models, methods, one, others) -> list[Pair]:
    pairs = [
        Pair((name, this), (name, other), f"{_called(found, models[0], name)}, {_variant_words(this)} - {_variant_words(other)}")
        for name in methods
        for this in one
        for other in others
        if this != other
    ]
    if not pairs:
        raise NotRun("no pair of variants is named")
    return pairs


def _called(found, model: str, name: str) -> str:
    """What a method is called by what its entry computes, whatever the entry is named, and the parameters that a form changes."""
    return label("-".join([found.setting(model, name, "method"), *name.split("-")[1:]]))


def _variant_words(variant: str) -> str:
    return VARIANTS.get(variant, variant)


def _form_words(form: dict) -> str:
    words = entry_label(form["method"], form["variant"], form["form"])
    return words + (f", {form['variant']}" if form["variant"] == "absolute" else "")


def _compare(
    found,
    models,
    pairs,
    metric,
    scores,
    beside,
    direction,
    margin,
    only,
    limits=(None,),
    reported=None,
    reported_scores=None,
    reported_unit=1.0,
    printed_as=None,
    best=None,
    despite=None,
) -> Judged:
    """Cells of `pairs` on the models in the scores at the limits; `best`: the sides of `forms_paired`; `despite`: its score."""
    called = printed_as or {}
    signs = {score: _sign(found, metric, score, direction) for score in [*scores, *(beside or [])]}
    printed = found.reported(reported).set_index(["model", "method", "metric"])["value"] if reported else {}
    main, other, bests, notes = [], [], [], told(found, models)

    def worse(model: str, pair: Pair) -> bool:
        """Whether the first of a pair is worse in the score that is said to mislead; True where none is."""
        if not despite:
            return True
        return _difference(found, model, pair, despite, _sign(found, metric, despite, "better"), only)["values"].mean() < 0

    for model in models:
        right, left_out = _right(found, model), found.not_run.get(model, {})
        for number, (score, limit) in enumerate(itertools.product(scores, limits)):
            place = {"model": model, "score": score} | ({"at_most": limit.most} if limit else {})
            of = (f", {score_label(score)}" if len(scores) > 1 else "", _name(found, model, len(models)))
            of = (of[0] + (f", {limit}" if limit else ""), of[1])
            for pair in pairs:
                if left_out.keys() & {pair.one[0], pair.rival[0]} or not worse(model, pair):
                    continue
                difference = _difference(found, model, pair, score, signs[score], only, limit)
                kept = difference["values"][_is_right(difference, right)]
                difference |= place | {"label": f"{of[1]}{pair.label}{of[0]}", "method": pair.one[0], "rival": pair.rival[0]}
                difference |= {"variant": pair.one[1], "rival_variant": pair.rival[1]}
                difference |= {"estimate_correct": kept.mean() if len(kept) else np.nan, "n_correct": len(kept)}
                if reported_scores:
                    names = [(called.get(model, model), called.get(name, name)) for name, _ in (pair.one, pair.rival)]
                    values = [printed.get((*name, reported_scores[number])) for name in names]
                    difference["printed"] = None if None in values else signs[score] * (values[0] - values[1]) / reported_unit
                main.append(difference)
                if beside:
                    another = beside[number // len(limits)]
                    other.append(_difference(found, model, pair, another, signs[another], only, limit))
                    other[-1] |= {"label": difference["label"]}
            if best:
                there = [[side for side in sides if side[0] not in left_out] for sides in best]
                text = f"{of[1]}mean of {len(there[0])} - best of {len(there[1])}{of[0]}"
                bests.append(_best(found, model, *there, score, signs[score], only, right) | place | {"label": text})
    if not main:
        why = f"no rival is better in {score_label(despite)}" if despite else "every pair was left out"
        raise NotRun("; ".join([f"nothing to compare: {why}" if despite else why, *notes]))
    if despite:
        notes.append(f"the {len(main)} pairs whose first is worse in {score_label(despite)}")
    cells, overall = _cells(main, found.seed, margin)
    notes += _left_out(sum(one["undefined"] for one in main))
    tuned = max(one["fine_tunings"] for one in main)
    if tuned:
        notes.append(f"given these {tuned} fine-tunings a map, of which an image's value is the mean")
    if beside:
        others, _ = _cells(other, found.seed)
        for cell, besides, values in zip(cells, others, other, strict=True):
            cell |= {f"beside_{name}": besides[name] for name in ("estimate", "low", "high", "side")}
            cell["beside_trimmed"] = trimmed(values["values"])
        parted = [cell["label"] for cell in cells if {cell["side"], cell["beside_side"]} >= {FOR, AGAINST}]
        differ = sum(cell["side"] != cell["beside_side"] for cell in cells)
        text = f"beside it, {_what(beside)}: {sum(cell['beside_side'] == FOR for cell in cells)} of {len(cells)} for the claim"
        notes.append(
            text + (f"; the side differs in {differ}" if differ else "") + (f"; opposite: {', '.join(parted)}" if parted else "")
        )
    if best:
        cells = _joined(cells, main, bests, found.seed, margin)
        notes.append("the best rival is chosen anew in each bootstrap draw; the mean over the cells is over the pairs alone")
    words = f"{_what(scores)}, difference an image" + (f", images that are {only}" if only else "")
    return Judged(words, cells, overall=overall, notes=notes)


def _left_out(count: int) -> list[str]:
    return [f"images without a value are left out: {count}, counted in every cell"] if count else []


def _cells(differences: list[dict], seed: int, margin: float = 0.0) -> tuple[list[dict], dict]:
    """As `judging.cells_of`; a cell of several trainings or fine-tunings, `each`, is decided only where each lies on its side."""
    own = ("image_id", "each", "undefined", "fine_tunings")
    plain = [{key: value for key, value in one.items() if key not in own} for one in differences]
    cells, overall = cells_of(plain, seed, margin)
    for cell, one in zip(cells, differences, strict=True):
        if len(one["each"]) > 1:
            cell |= {"trainings": one["each"], "side": agreed(cell["side"], one["each"], margin)}
    return cells, overall


def _best(found, model, forms, rivals, score, sign, only, right) -> dict:
    """A cell but for its interval, and its bootstrap `draws`: the mean over forms less the best rival."""
    wide, training, parts, _ = _wide(found, model, [*forms, *rivals], score, only)

    def of(means):
        return means[..., : len(forms)].mean(-1) - means[..., len(forms) :].max(-1)

    values, each = sign * wide.to_numpy(), of(sign * parts.to_numpy()).tolist()
    kept = values[_is_right({"training": training, "image_id": wide.index}, right)]
    return {
        "draws": of(resampled(values, found.seed)),
        "estimate": float(of(values.mean(0))),
        "estimate_correct": float(of(kept.mean(0))) if len(kept) else np.nan,
        "n": len(values),
        "n_correct": len(kept),
        "trainings": each if len(each) > 1 else [],
    }


def _joined(cells: list[dict], differences: list[dict], bests: list[dict], seed: int, margin: float) -> list[dict]:
    """The cells of the differences and those of the best rivals, with intervals that hold together."""
    draws = [resampled(one["values"][:, None], seed)[:, 0] for one in differences] + [one.pop("draws") for one in bests]
    every = [*cells, *bests]
    ends = simultaneous(np.array([cell["estimate"] for cell in every]), np.stack(draws, 1))
    for cell, low, high in zip(every, *ends, strict=True):
        cell |= {"low": low, "high": high, "side": agreed(side(low, high, margin), cell["trainings"], margin)}
    return every


def _what(scores) -> str:
    return " and ".join(score_label(score) for score in scores)


def _name(found, model: str, count: int) -> str:
    return f"{found.models[model].stands_for or model}: " if count > 1 else ""


def _sign(found, metric: str, score: str, direction: str) -> int:
    """1 where the claimed direction is up, -1 where it is down."""
    return 1 if (found.direction(metric, score) if direction == "better" else direction) == "higher" else -1


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


def _is_right(difference: dict, right: set) -> list[bool]:
    return [place in right for place in zip(difference["training"], difference["image_id"], strict=True)]


def _limits(limited: str | None, at_most) -> tuple:
    """The limits of a comparison, or that it has none."""
    if bool(limited) != bool(at_most):
        raise InputError("limited names a score and at_most its limits; accepted: both or neither")
    return tuple(Limit(limited, most) for most in at_most) if at_most else (None,)


def _enough(images, only: str, limit: Limit | None = None):
    """Fewer than 2 images have no spread."""
    if len(images) < 2:
        which = " and ".join([f"are {only}"] * bool(only) + [f"have {limit}"] * bool(limit))
        raise NotRun(f"of the images only {len(images)} {which}" if which else f"{len(images)} images are too few")


def _rows(found, model: str, sides: list[Side], score: str, only: str, limit: Limit | None = None):
    """Rows of a score of some methods in some variants, on the chosen images."""
    methods, variants = (list(dict.fromkeys(part)) for part in zip(*sides, strict=True))
    table = found.scores([score], variants, models=[model], methods=methods)
    chosen = _chosen(found, model, only)
    if chosen is not None:
        table = table[table["image_id"].isin(chosen)]
    if limit:
        largest = found.scores([limit.score], variants, models=[model], methods=methods).groupby("image_id")["value"].max()
        table = table[table["image_id"].isin(largest.index[largest <= limit.most])]
    _enough(table["image_id"].unique(), only, limit)
    return table


def _pivot(table, sides: list[Side], index: list[str]) -> pd.DataFrame:
    """Values, a row what `index` names, a column a side."""
    wide = table.pivot(index=index, columns=["method", "variant"], values="value")
    for method, variant in sides:
        if (method, variant) not in wide:
            raise InputError(f"no {variant} scores of {method}; accepted: the variants that its entry in the configuration has")
    return wide[sides]


def _wide(found, model: str, sides: list[Side], score: str, only: str = "", limit: Limit | None = None) -> Values:
    """Values of a score, an image's being the mean over fine-tunings where there are some.

    Images where any side has no value (a correlation with a constant) are left out.
    """
    table, tuned = _rows(found, model, sides, score, only, limit), score.endswith(SEEDS)
    training = table.drop_duplicates("image_id").set_index("image_id")["training"]
    every = _pivot(table, sides, ["image_id", "x"] if tuned else ["image_id"])
    images = every.index.get_level_values("image_id")
    there = ~images.isin(images[every.isna().any(axis=1)])
    every, images = every[there], images[there]
    wide = every.groupby("image_id").mean()
    _enough(wide.index, only, limit)
    places = [training.loc[images].to_numpy(), *([every.index.get_level_values("x")] if tuned else [])]
    return Values(wide, training.loc[wide.index], every.groupby(places).mean(), len(training) - len(wide))


def _by_method(found, model: str, methods: list[str], score: str, only: str):
    """Values of the methods themselves, a row an image, a column a method; and the training of each image."""
    values = _wide(found, model, [(name, "vanilla") for name in methods], score, only)
    return values.wide.droplevel("variant", axis=1), values.training


def _difference(found, model: str, pair: Pair, score: str, sign: int, only: str, limit: Limit | None = None) -> dict:
    """Of a pair, in the claimed direction: what `_cells` takes but for a label."""
    wide, training, parts, undefined = _wide(found, model, [pair.one, pair.rival], score, only, limit)
    return {
        "values": sign * (wide[pair.one] - wide[pair.rival]).to_numpy(),
        "training": training.to_numpy(),
        "image_id": wide.index,
        "each": (sign * (parts[pair.one] - parts[pair.rival])).tolist(),
        "undefined": undefined,
        "fine_tunings": len(parts) // training.nunique() if score.endswith(SEEDS) else 0,
    }


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
        wide, training = _by_method(found, model, methods, score, only)
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
    statistic: Literal["rank", "rise", "levelling", "peak", "concave"] = "rank",
    margin: float = 0.0,
    only: str = "",
):
    """A statistic of the mean curve over a sweep's points, in their order, is above `margin` on each model, its interval from
    resampled images. rank: Spearman's correlation of place and mean; rise: last less first; levelling: half the first
    increment less the last; peak: the largest mean within less the larger of both ends; concave: the least that the slope falls
    from one step to the next, against the logarithm of the one parameter that the sweep varies.
    """
    cells, overall, notes = _trends(found, models, sweep, [(score, statistic)], margin, only)
    return Judged(f"{score_label(score)}: {SHAPES[statistic]}", cells, overall=overall, notes=notes)


@claim("trends", needs=("scores", "test"), holds={"set(shapes) == set(scores)": "shapes of each of the scores, and of no other"})
def trends(
    found,
    *,
    models: Models,
    metric: Metric,
    images: Images,
    scores: Scores,
    sweep: Sweep,
    shapes: dict,
    margin: float = 0.0,
    only: str = "",
):
    """Several statistics of `trend` at once: `shapes`, of each of the `scores` one or several, each a cell on each model."""
    if set(shapes) != set(scores):
        raise InputError(f"trends: shapes are of {', '.join(shapes)}; accepted: one or several of each of {', '.join(scores)}")
    wanted = [(score, one) for score in scores for one in ([shapes[score]] if isinstance(shapes[score], str) else shapes[score])]
    for score, one in wanted:
        if one not in SHAPES:
            raise InputError(f"trends: the shape of {score} is {one!r}; accepted: {', '.join(SHAPES)}")
    cells, _, notes = _trends(found, models, sweep, wanted, margin, only)
    of = {score: ", ".join(SHAPES[one] for other, one in wanted if other == score) for score in scores}
    return Judged("; ".join(f"{score_label(score)}: {words}" for score, words in of.items()), cells, notes=notes)


SHAPES = {
    "rank": "rank correlation with the parameter",
    "rise": "last less first",
    "levelling": "half the first step less the last",
    "peak": "largest within less the larger end",
    "concave": "least fall of the slope, against the logarithm",
}


def _trends(found, models, sweep, wanted: list[tuple[str, str]], margin: float, only: str):
    """Cells of (score, statistic) on each model, whose intervals hold together (Bonferroni); the mean over them; notes."""
    names = [point["name"] for point in sweep]
    for _, statistic in wanted:
        if len(names) < (2 if statistic in ("rank", "rise") else 3):
            raise NotRun(f"{len(names)} points are too few for a trend")
    parameter, x = _varied(sweep)
    cells, every, notes = [], [], []
    for model in models:
        for score, statistic in wanted:
            wide, training = _by_method(found, model, names, score, only)
            values = wide.to_numpy()
            draws = resampled(values, found.seed)
            every.append(_shape(draws, statistic, x))
            each = [float(_shape(wide[training == name].to_numpy().mean(0), statistic, x)) for name in training.unique()]
            on = found.models[model].stands_for or model
            text = f"{_name(found, model, len(models))}{score_label(score)}, {SHAPES[statistic]}" if len(wanted) > 1 else on
            cells.append({"label": text, "model": model, "estimate": float(_shape(values.mean(0), statistic, x))})
            cells[-1] |= {"n": len(values), "trainings": each if len(each) > 1 else []}
            if statistic == "peak":
                count = np.bincount(draws.argmax(1), minlength=len(names))
                where = [f"{at:g}" for at in x] if parameter else [label(name) for name in names]
                said = [f"{where[place]} in {100 * count[place] / len(draws):.1f} %" for place in np.flatnonzero(count)]
                of = f"{parameter.replace('_', ' ')} " if parameter else ""
                notes.append(f"{on}: of the bootstrap draws the mean is largest at {of}{', '.join(said)}")
    draws = np.stack(every, 1)
    for number, cell in enumerate(cells):
        low, high = np.quantile(draws[:, number], [0.025 / len(cells), 1 - 0.025 / len(cells)])
        cell |= {"low": low, "high": high, "side": agreed(side(low, high, margin), cell["trainings"], margin), "border": margin}
    low, high = np.quantile(draws.mean(1), [0.025, 0.975])
    return cells, {"estimate": np.mean([cell["estimate"] for cell in cells]), "low": low, "high": high}, notes


def _varied(sweep) -> tuple[str, list]:
    """The one parameter that a sweep varies, by numbers, and its value at each point; "" where it is none or several."""
    values = pd.DataFrame([point.get("values", {}) for point in sweep])
    varied = [name for name in values if values[name].map(str).nunique() > 1]
    numbers = len(varied) == 1 and pd.api.types.is_numeric_dtype(values[varied[0]]) and values[varied[0]].notna().all()
    return (varied[0], values[varied[0]].tolist()) if numbers else ("", [])


def _shape(means: np.ndarray, statistic: str, x: list) -> np.ndarray:
    """A statistic of `trend` of curves (..., points)."""
    if statistic == "rise":
        return means[..., -1] - means[..., 0]
    if statistic == "levelling":
        return (means[..., 1] - means[..., 0]) / 2 - (means[..., -1] - means[..., -2])
    if statistic == "peak":
        return means[..., 1:-1].max(-1) - np.maximum(means[..., 0], means[..., -1])
    if statistic == "concave":
        if not x or min(x) <= 0:
            raise NotRun("the sweep does not vary one parameter above 0, so there is no slope against its logarithm")
        return -np.diff(np.diff(means, axis=-1) / np.diff(np.log(x)), axis=-1).max(-1)
    larger = np.sign(means[..., :, None] - means[..., None, :]).sum(-1)  # ranks but for a constant, ties sharing theirs
    place = np.arange(means.shape[-1]) - (means.shape[-1] - 1) / 2
    length = np.sqrt((larger**2).sum(-1) * (place**2).sum())
    return np.divide(larger @ place, length, out=np.zeros(length.shape), where=length > 0)


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
        wide, training = _by_method(found, model, [method], score, only)
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
