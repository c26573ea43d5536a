"""The registered comparisons on scores made here: against the oracle and closed forms."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from oracles import judging as oracle
from pathattr.judging import NotRun, verdict
from pathattr.registry import get

SEED, IMAGES = 5, 40
DIFFID, DELETION = "diffid_probability_auc", "deletion_probability_auc"
KEYS = ["model", "method", "variant", "metric", "image_id", "x"]
ABOUT = {"paper": "lpi", "id": "c1", "says": "", "where": "", "artefacts": [], "digest": "d", "models": {}}


class Fake:
    """What a `found.Found` offers, over tables made here.

    `values`: model -> method -> the values of its images, or score -> these. `parts`: training -> its images, one after the
    other. `wrong`: (training, image number)s that the network gets wrong. `dark`: image numbers.
    """

    def __init__(self, values: dict, parts: dict | None = None, wrong=(), dark=(), printed=(), table=None):
        self.seed, self.params = SEED, {"metrics": {"diffid": {"metric": "diffid"}}}
        self.models = {
            key: SimpleNamespace(model=f"{key}_small", dataset="photos", stands_for=f"{key.upper()}-16") for key in values
        }
        self._values, self._parts, self._wrong, self._dark = values, parts, set(wrong), set(dark)
        self._printed, self._table = printed, table

    def _trainings(self, count: int) -> np.ndarray:
        parts = self._parts or {"net": count}
        return np.repeat(list(parts), list(parts.values()))

    def scores(self, names, variants=("vanilla",), models=None, methods=None) -> pd.DataFrame:
        rows = []
        for model, of in self._values.items():
            for method, scores in of.items():
                for score, values in scores.items() if isinstance(scores, dict) else [(DIFFID, scores)]:
                    ids = [f"i{number:03d}" for number in range(len(values))]
                    place = dict(model=model, method=method, metric=score, image_id=ids, x=np.nan, gradients=20)
                    one = pd.DataFrame(place | {"training": self._trainings(len(values)), "value": values})
                    rows += [one.assign(variant="vanilla"), one.assign(variant="absolute", value=one["value"] + 100)]
        table = pd.concat(rows, ignore_index=True)
        table = table[table["metric"].isin(names) & table["variant"].isin(variants)]
        table = table[table["model"].isin(models or self.models) & (table["method"].isin(methods) if methods is not None else True)]
        return table.sort_values(KEYS, kind="stable", ignore_index=True)

    def _count(self, model: str) -> int:
        scores = next(iter(self._values[model].values()))
        return len(next(iter(scores.values())) if isinstance(scores, dict) else scores)

    def predictions(self, model: str) -> pd.DataFrame:
        """Every training predicts every image."""
        parts, count = list(self._parts or ["net"]), self._count(model)
        rows = [
            {"training": name, "image_id": f"i{n:03d}", "label": n % 10, "predicted": (n + ((name, n) in self._wrong)) % 10}
            for name in parts
            for n in range(count)
        ]
        return pd.DataFrame(rows).assign(confidence=0.9)

    def test(self, model: str) -> SimpleNamespace:
        numbers = range(self._count(model))
        ids = [f"i{n:03d}" for n in numbers]
        return SimpleNamespace(index=pd.DataFrame({"image_id": ids, "dark": [n in self._dark for n in numbers]}))

    def reported(self, table: str) -> pd.DataFrame:
        assert table == "table1"
        return pd.DataFrame(self._printed, columns=["model", "method", "metric", "value"])

    def table(self) -> pd.DataFrame:
        return self._table


def normal(mean: float, count: int = IMAGES, key: int = 0) -> np.ndarray:
    """Values around 0 with standard deviation 1, shifted to have exactly this mean."""
    values = np.random.default_rng([count, key]).normal(size=count)
    return values - values.mean() + mean


def compare(name: str, found: Fake, /, **options):
    """What a comparison finds. `models` are all, `metric` and `images` as they come."""
    given = {} if name == "exact" else {"models": list(found.models), "metric": "diffid", "images": IMAGES}
    return get("claim", name).function(found, **(given | options))


def word(judged) -> str:
    """The verdict, and that it can be written."""
    found = verdict(judged, ABOUT)
    json.dumps(found, allow_nan=False)
    return found["verdict"]


def limits(cell: dict, prefix: str = "") -> tuple:
    return cell[f"{prefix}low"], cell[f"{prefix}high"]


def simultaneous(*values) -> list[tuple[float, float]]:
    """The oracle's intervals of cells of these values."""
    draws = [oracle.means(one.tolist(), oracle.weights(len(one), SEED)) for one in values]
    return oracle.simultaneous([oracle.mean(one.tolist()) for one in values], draws)


# --- pairs --------------------------------------------------------------------------------------------------------------


def test_a_pair_is_judged_by_the_difference_an_image():
    """What an image scores by both methods is no part of it."""
    common, gain = 50 * normal(0.0, key=1), normal(0.8)
    found = Fake({"vgg": {"lpi": common + gain, "ig": common, "other": common + 9}})
    judged = compare("paired", found, scores=[DIFFID], methods=["lpi"], rivals=["ig"])
    (cell,) = judged.cells
    assert cell["estimate"] == pytest.approx(0.8) and cell["n"] == IMAGES and cell["side"] == "for"
    assert limits(cell) == pytest.approx(simultaneous(gain)[0], abs=1e-9)
    assert (cell["label"], cell["model"], cell["method"], cell["rival"], cell["score"]) == ("LPI - IG", "vgg", "lpi", "ig", DIFFID)
    assert judged.overall["estimate"] == pytest.approx(0.8) and word(judged) == "reproduced"
    assert judged.compared == "AUC of DiffID, change of probability, difference an image" and judged.notes == []
    assert word(compare("paired", found, scores=[DIFFID], methods=["ig"], rivals=["lpi"])) == "reversed"


@pytest.mark.parametrize(
    ("score", "direction", "sign"),
    [
        (DIFFID, "better", 1),
        (DELETION, "better", -1),
        ("deletion_output", "better", -1),
        ("insertion_accuracy", "better", 1),
        (DIFFID, "lower", -1),
        (DELETION, "higher", 1),
        (DELETION, "lower", -1),
    ],
)
def test_the_claimed_direction_is_the_metrics_own_or_the_one_named(score, direction, sign):
    found = Fake({"vgg": {"lpi": {score: normal(0.9)}, "ig": {score: np.zeros(IMAGES)}}})
    judged = compare("paired", found, scores=[score], methods=["lpi"], rivals=["ig"], direction=direction)
    assert judged.cells[0]["estimate"] == pytest.approx(sign * 0.9)
    assert word(judged) == ("reproduced" if sign > 0 else "reversed")


def test_every_method_meets_every_rival_on_every_model_in_every_score():
    values, parts = {}, []
    for model in ("vgg", "resnet"):
        for method in ("lpi", "eg", "ig"):
            parts += [normal(0.3 * len(parts), key=len(parts)), normal(-0.2 * len(parts), key=len(parts) + 50)]
            values.setdefault(model, {})[method] = {DIFFID: parts[-2], DELETION: parts[-1]}
    judged = compare("paired", Fake(values), scores=[DIFFID, DELETION], methods=["lpi", "eg"], rivals=["eg", "ig"])
    places = [
        (model, score, one, rival)
        for model in ("vgg", "resnet")
        for score in (DIFFID, DELETION)
        for one, rival in (("lpi", "eg"), ("lpi", "ig"), ("eg", "ig"))
    ]
    assert [(cell["model"], cell["score"], cell["method"], cell["rival"]) for cell in judged.cells] == places
    assert judged.cells[0]["label"] == "VGG-16: LPI - EG, AUC of DiffID, change of probability"
    assert judged.cells[-1]["label"] == "RESNET-16: EG - IG, AUC of deletion, probability"
    sign = {DIFFID: 1, DELETION: -1}
    differences = [sign[score] * (values[model][one][score] - values[model][rival][score]) for model, score, one, rival in places]
    for cell, one, expected in zip(judged.cells, differences, simultaneous(*differences), strict=True):
        assert cell["estimate"] == pytest.approx(one.mean()) and limits(cell) == pytest.approx(expected, abs=1e-9)
        assert cell["side"] == oracle.where(*expected, [])
    sides = [cell["side"] for cell in judged.cells]
    assert (word(judged), sides.count("for")) == oracle.verdict(sides)


def test_pairs_that_are_named_come_first():
    found = Fake({"vgg": {name: normal(0.0, key=key) for key, name in enumerate(("lpi", "eg", "ig-steps5", "ig"))}})
    judged = compare("paired", found, scores=[DIFFID], pairs=[["eg", "ig-steps5"]], methods=["lpi"], rivals=["ig"])
    assert [cell["label"] for cell in judged.cells] == ["EG - IG (steps 5)", "LPI - IG"]


@pytest.mark.parametrize("named", [{}, {"methods": ["lpi"]}, {"methods": ["lpi"], "rivals": ["lpi"]}, {"pairs": []}])
def test_without_a_pair_nothing_is_run(named):
    found = Fake({"vgg": {"lpi": normal(0.0), "ig": normal(1.0)}})
    with pytest.raises(NotRun, match="no pair"):
        compare("paired", found, scores=[DIFFID], **named)


@pytest.mark.parametrize(("margin", "expected"), [(0.0, "reproduced"), (0.9, "undecided"), (2.0, "reversed")])
@pytest.mark.parametrize("score", [DIFFID, DELETION])
def test_the_difference_shall_be_above_the_margin(score, margin, expected):
    sign = -1 if score == DELETION else 1
    found = Fake({"vgg": {"lpi": {score: sign * normal(0.9)}, "ig": {score: np.zeros(IMAGES)}}})
    judged = compare("paired", found, scores=[score], methods=["lpi"], rivals=["ig"], margin=margin)
    assert judged.cells[0]["estimate"] == pytest.approx(0.9) and word(judged) == expected


def test_other_scores_stand_beside_with_intervals_of_their_own():
    output = "diffid_output_auc"
    values = {
        "lpi": {DIFFID: normal(0.9), output: normal(-0.9, key=1)},
        "eg": {DIFFID: normal(0.0, key=2), output: normal(0.0, key=3)},
        "ig": {DIFFID: normal(0.0, key=4), output: normal(-2.0, key=5)},
    }
    values["ig"][output][7] += 60  # a pole: the mean is no longer resolved
    judged = compare("paired", Fake({"vgg": values}), scores=[DIFFID], beside=[output], methods=["lpi"], rivals=["eg", "ig"])
    besides = [values["lpi"][output] - values[rival][output] for rival in ("eg", "ig")]
    for cell, one, expected in zip(judged.cells, besides, simultaneous(*besides), strict=True):
        assert cell["beside_estimate"] == pytest.approx(one.mean()) and limits(cell, "beside_") == pytest.approx(expected, abs=1e-9)
        assert cell["beside_trimmed"] == pytest.approx(oracle.trimmed(one.tolist()))
    mains = [values["lpi"][DIFFID] - values[rival][DIFFID] for rival in ("eg", "ig")]
    assert [limits(cell) for cell in judged.cells] == [pytest.approx(one, abs=1e-9) for one in simultaneous(*mains)]
    assert [cell["side"] for cell in judged.cells] == ["for", "for"] and word(judged) == "reproduced"
    assert [cell["beside_side"] for cell in judged.cells] == ["against", "open"]
    assert judged.notes == [
        "beside it, AUC of DiffID, output change (ratio of logits): 0 of 2 for the claim; the side differs in 2; opposite: LPI - EG"
    ]


def test_a_score_beside_keeps_its_own_direction_and_agrees_in_few_words():
    values = {"lpi": {DIFFID: normal(0.9), DELETION: normal(-0.9)}, "ig": {DIFFID: np.zeros(IMAGES), DELETION: np.zeros(IMAGES)}}
    judged = compare("paired", Fake({"vgg": values}), scores=[DIFFID], beside=[DELETION], methods=["lpi"], rivals=["ig"])
    assert judged.cells[0]["beside_estimate"] == pytest.approx(0.9) and judged.cells[0]["beside_side"] == "for"
    assert judged.notes == ["beside it, AUC of deletion, probability: 1 of 1 for the claim"]


def test_a_column_of_the_index_chooses_the_images():
    values, dark = normal(-0.9), [3, 4, 8, 15, 16, 23, 31, 39]
    values[dark] = normal(2.0, len(dark))
    found = Fake({"vgg": {"lpi": values, "ig": np.zeros(IMAGES)}}, dark=dark)
    judged = compare("paired", found, scores=[DIFFID], methods=["lpi"], rivals=["ig"], only="dark")
    (cell,) = judged.cells
    assert cell["n"] == cell["n_correct"] == len(dark) and cell["estimate"] == pytest.approx(2.0)
    assert limits(cell) == pytest.approx(simultaneous(values[dark])[0], abs=1e-9)
    assert judged.compared.endswith("images that are dark") and word(judged) == "reproduced"
    assert compare("paired", found, scores=[DIFFID], methods=["lpi"], rivals=["ig"]).cells[0]["estimate"] < 0


OTHERS = {
    "paired": dict(scores=[DIFFID], methods=["lpi"], rivals=["ig"]),
    "chain": dict(scores=[DIFFID], methods=["ig", "lpi"]),
    "equivalence": dict(score=DIFFID, methods=["lpi", "ig"], margin=0.1),
    "trend": dict(score=DIFFID, sweep=[{"name": "ig"}, {"name": "lpi"}]),
    "share": dict(score=DIFFID, method="lpi"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_no_comparison_is_run_on_images_that_are_not_there(name):
    found = Fake({"vgg": {"lpi": normal(1.0), "ig": normal(0.0)}}, dark=[4])
    with pytest.raises(NotRun, match="photos has no column 'bright'"):
        compare(name, found, **OTHERS[name], only="bright")
    with pytest.raises(NotRun, match="only 1 are dark"):
        compare(name, found, **OTHERS[name], only="dark")


@pytest.mark.parametrize("name", OTHERS)
def test_every_comparison_judges_the_chosen_images_alone(name):
    def found(shift):
        return Fake({"vgg": {"lpi": normal(1.0) + shift, "ig": normal(0.0, key=1)}}, dark=range(0, IMAGES, 2))

    bright = np.arange(IMAGES) % 2 * 100.0
    one, other = (compare(name, found(shift), **OTHERS[name], only="dark") for shift in (0.0, bright))
    assert one == other and one.cells[0]["n"] == IMAGES // 2


def test_the_result_without_the_images_that_the_network_gets_wrong_stands_in_a_column():
    values = np.arange(IMAGES) / 10
    found = Fake({"vgg": {"lpi": values, "ig": np.zeros(IMAGES)}}, wrong=[("net", n) for n in range(10)])
    (cell,) = compare("paired", found, scores=[DIFFID], methods=["lpi"], rivals=["ig"]).cells
    assert cell["n"] == IMAGES and cell["estimate"] == pytest.approx(1.95)
    assert cell["n_correct"] == IMAGES - 10 and cell["estimate_correct"] == pytest.approx(2.45)


def test_where_the_network_gets_every_image_wrong_the_column_is_empty():
    found = Fake({"vgg": {"lpi": normal(0.9), "ig": normal(0.0)}}, wrong=[("net", n) for n in range(IMAGES)])
    judged = compare("paired", found, scores=[DIFFID], methods=["lpi"], rivals=["ig"])
    cell = verdict(judged, ABOUT)["cells"][0]
    assert cell["n_correct"] == 0 and cell["estimate_correct"] is None


def test_an_image_is_right_where_the_training_that_it_was_scored_on_is():
    """Each training scores its own images and predicts all."""
    wrong = [("net", 0), ("net", 1), ("net-1", 2), ("net-1", 39)]  # of these only 0, 1 and 39 were scored on that training
    found = Fake({"vgg": {"lpi": normal(0.9), "ig": np.zeros(IMAGES)}}, parts={"net": 20, "net-1": 20}, wrong=wrong)
    (cell,) = compare("paired", found, scores=[DIFFID], methods=["lpi"], rivals=["ig"]).cells
    assert cell["n_correct"] == IMAGES - 3 and cell["estimate_correct"] == pytest.approx(normal(0.9)[2:39].mean())


PRINTED = [
    ("vgg", "lpi", "insertion_auc", 0.487),
    ("vgg", "ig", "insertion_auc", 0.425),
    ("vgg", "lpi", "deletion_auc", 0.175),
    ("vgg", "ig", "deletion_auc", 0.222),
    ("vgg", "eg", "deletion_auc", 0.180),
]


def test_the_papers_differences_stand_beside_ours_in_the_claimed_direction():
    scores = {"insertion_probability_auc": normal(0.0), DELETION: normal(0.0)}
    values = {"vgg": {name: scores for name in ("lpi", "ig", "eg")}}
    options = dict(scores=list(scores), methods=["lpi"], rivals=["ig", "eg"])
    options |= dict(reported="table1", reported_scores=["insertion_auc", "deletion_auc"])
    cells = compare("paired", Fake(values, printed=PRINTED), **options).cells
    assert [cell["printed"] for cell in cells] == [pytest.approx(0.062), None, pytest.approx(0.047), pytest.approx(0.005)]
    assert "printed" not in compare("paired", Fake(values), scores=list(scores), methods=["lpi"], rivals=["ig"]).cells[0]


@pytest.mark.parametrize(("second", "side"), [(1.0, "for"), (-0.1, "open")])
def test_a_pair_is_decided_where_every_training_agrees(second, side):
    values = np.concatenate([normal(1.6, 20), normal(second, 20, key=1)])
    found = Fake({"vgg": {"lpi": values, "ig": np.zeros(IMAGES)}}, parts={"net": 20, "net-1": 20})
    (cell,) = compare("paired", found, scores=[DIFFID], methods=["lpi"], rivals=["ig"]).cells
    assert cell["trainings"] == pytest.approx([1.6, second]) and cell["low"] > 0 and cell["side"] == side


# --- chains -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("means", "expected"),
    [((0.0, 0.8, 1.6), "reproduced"), ((0.0, 0.8, 0.0), "mixed"), ((1.6, 0.8, 0.0), "reversed"), ((0.0, 0.05, 0.1), "undecided")],
)
def test_a_chain_is_judged_step_by_step(means, expected):
    values = {name: normal(mean, key=key) for key, (name, mean) in enumerate(zip(("ig", "eg", "lpi"), means, strict=True))}
    judged = compare("chain", Fake({"vgg": values}), scores=[DIFFID], methods=["ig", "eg", "lpi"])
    steps = [values["eg"] - values["ig"], values["lpi"] - values["eg"]]
    assert [cell["label"] for cell in judged.cells] == ["EG - IG", "LPI - EG"]
    assert [cell["estimate"] for cell in judged.cells] == pytest.approx(np.diff(means).tolist())
    assert [limits(cell) for cell in judged.cells] == [pytest.approx(one, abs=1e-9) for one in simultaneous(*steps)]
    assert word(judged) == expected


def test_a_chain_runs_down_where_lower_is_better():
    values = {name: {DELETION: normal(mean, key=key)} for key, (name, mean) in enumerate((("ig", 1.0), ("lpi", 0.0)))}
    judged = compare("chain", Fake({"vgg": values, "resnet": values}), scores=[DELETION], methods=["ig", "lpi"])
    assert [cell["estimate"] for cell in judged.cells] == pytest.approx([1.0, 1.0]) and word(judged) == "reproduced"
    assert [cell["label"] for cell in judged.cells] == ["VGG-16: LPI - IG", "RESNET-16: LPI - IG"]


@pytest.mark.parametrize("name", ["chain", "equivalence"])
def test_one_method_alone_is_compared_with_nothing(name):
    found = Fake({"vgg": {"lpi": normal(1.0)}})
    with pytest.raises(NotRun):
        compare(name, found, **(OTHERS[name] | {"methods": ["lpi"]}))


# --- equivalence --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("margin", "expected"), [(0.6, "reproduced"), (0.35, "undecided"), (0.1, "reversed")])
def test_two_methods_are_alike_where_the_90_percent_interval_lies_within_the_margin(margin, expected, sign):
    common, values = 10 * normal(0.0, key=1), sign * normal(0.35)
    found = Fake({"vgg": {"lpi": common + values, "ig": common}})
    judged = compare("equivalence", found, score=DIFFID, methods=["lpi", "ig"], margin=margin)
    (cell,) = judged.cells
    draws = oracle.means(values.tolist(), oracle.weights(IMAGES, SEED))
    assert cell["estimate"] == pytest.approx(sign * 0.35) and (cell["label"], cell["n"]) == ("LPI - IG", IMAGES)
    assert limits(cell) == pytest.approx((oracle.quantile(draws, 0.05), oracle.quantile(draws, 0.95)), abs=1e-9)
    assert 0.1 < min(map(abs, limits(cell))) < max(map(abs, limits(cell))) < 0.65
    assert cell["within"] == [-margin, margin] and limits(judged.overall) == limits(cell)
    assert word(judged) == expected


@pytest.mark.parametrize(("means", "expected"), [((0.0, 0.1, 0.2, 0.1), "reproduced"), ((0.0, 0.0, 2.5, 0.1), "reversed")])
def test_of_more_methods_the_largest_and_the_smallest_mean_of_each_draw_count(means, expected):
    names = ["lpi-n1", "lpi-n3", "lpi-n7", "lpi-n12"]
    values = {name: normal(mean, key=key) for key, (name, mean) in enumerate(zip(names, means, strict=True))}
    judged = compare("equivalence", Fake({"vgg": values}), score=DIFFID, methods=names, margin=1.2)
    (cell,) = judged.cells
    drawn = oracle.weights(IMAGES, SEED)
    each = zip(*(oracle.means(one.tolist(), drawn) for one in values.values()), strict=True)
    spreads = [max(one) - min(one) for one in each]
    assert cell["estimate"] == pytest.approx(max(means) - min(means)) and cell["label"] == "largest - smallest of 4"
    assert limits(cell) == pytest.approx((oracle.quantile(spreads, 0.05), oracle.quantile(spreads, 0.95)), abs=1e-9)
    assert word(judged) == expected


@pytest.mark.parametrize("count", [2, 4])
def test_methods_that_score_alike_are_seldom_told_apart(count):
    """Equal in truth, too few images to show it: undecided, not reversed."""
    names = [f"lpi-n{number}" for number in range(count)]
    words = []
    for study in range(40):
        found = Fake({"vgg": {name: np.random.default_rng([study, key]).normal(size=IMAGES) for key, name in enumerate(names)}})
        words.append(word(compare("equivalence", found, score=DIFFID, methods=names, margin=0.05)))
    assert words.count("reproduced") == 0 and words.count("reversed") <= 6  # of 40, each at 5 % one way: 4 expected at most


def test_models_are_alike_each_for_itself():
    noise = normal(0.0) / 10
    found = Fake({"vgg": {"lpi": noise, "ig": -noise}, "resnet": {"lpi": noise + 0.5, "ig": -noise}})
    judged = compare("equivalence", found, score=DIFFID, methods=["lpi", "ig"], margin=0.2)
    assert [cell["side"] for cell in judged.cells] == ["for", "against"] and word(judged) == "mixed"
    assert [cell["label"] for cell in judged.cells] == ["VGG-16: LPI - IG", "RESNET-16: LPI - IG"]
    assert judged.overall == {"estimate": pytest.approx(0.25)}


@pytest.mark.parametrize(
    ("means", "side"),
    [((0.1, -0.1), "for"), ((1.1, -1.1), "open"), ((-0.7, 0.2), "open"), ((2.0, 2.0), "against"), ((2.0, 0.1), "open")],
)
def test_methods_are_alike_or_not_where_every_training_agrees(means, side):
    values = np.concatenate([normal(mean, IMAGES, key) for key, mean in enumerate(means)])
    found = Fake({"vgg": {"lpi": values, "ig": 0 * values}}, parts={"net": IMAGES, "net-1": IMAGES})
    (cell,) = compare("equivalence", found, score=DIFFID, methods=["lpi", "ig"], margin=0.5).cells
    assert cell["trainings"] == pytest.approx(list(means)) and cell["side"] == side


# --- trends -------------------------------------------------------------------------------------------------------------


def curve(*means, spread: float = 0.2, key: int = 0, names: str = "ig-steps") -> dict:
    """Methods whose means are these, with some noise of their own around what an image scores everywhere."""
    common = 5 * normal(0.0, key=999)
    return {f"{names}{place}": common + mean + spread * normal(0.0, key=10 * key + place) for place, mean in enumerate(means)}


def follow(values: dict, statistic: str = "rank", margin: float = 0.0, **options):
    sweep = [{"name": name, "parameters": {"steps": place}} for place, name in enumerate(next(iter(values.values())))]
    return compare("trend", Fake(values, **options), score=DIFFID, sweep=sweep, statistic=statistic, margin=margin)


STATISTICS = {
    "rank": lambda means: oracle.spearman(range(len(means)), means),
    "rise": lambda means: means[-1] - means[0],
    "levelling": lambda means: (means[1] - means[0]) / 2 - (means[-1] - means[-2]),
}


@pytest.mark.parametrize(
    ("means", "statistic", "estimate", "expected"),
    [
        ((0.0, 1.0, 2.0, 3.0), "rank", 1.0, "reproduced"),
        ((0.0, 2.0, 1.0, 3.0), "rank", 0.8, "reproduced"),
        ((3.0, 2.0, 1.0, 0.0), "rank", -1.0, "reversed"),
        ((0.0, 2.0, 1.0, 0.05), "rank", 0.2, "undecided"),
        ((0.0, 5.0, -3.0, 1.0), "rise", 1.0, "reproduced"),
        ((0.0, 5.0, -3.0, 0.01), "rise", 0.01, "undecided"),
        ((1.0, 5.0, -3.0, 0.0), "rise", -1.0, "reversed"),
        ((0.0, 1.0, 1.5, 1.6), "levelling", 0.4, "reproduced"),
        ((0.0, 1.0, 2.0, 3.0), "levelling", -0.5, "reversed"),
        ((0.0, 1.0, 1.5, 2.0), "levelling", 0.0, "undecided"),
        ((0.0, 1.0, 1.1), "levelling", 0.4, "reproduced"),
    ],
)
def test_a_trend_is_a_statistic_of_the_mean_curve(means, statistic, estimate, expected):
    values = curve(*means)
    judged = follow({"vgg": values}, statistic)
    (cell,) = judged.cells
    drawn = oracle.weights(IMAGES, SEED)
    curves = zip(*(oracle.means(one.tolist(), drawn) for one in values.values()), strict=True)
    draws = [STATISTICS[statistic](one) for one in curves]
    assert cell["estimate"] == pytest.approx(estimate, abs=1e-9) and cell["n"] == IMAGES
    assert limits(cell) == pytest.approx((oracle.quantile(draws, 0.025), oracle.quantile(draws, 0.975)), abs=1e-9)
    assert word(judged) == expected


def test_trends_on_several_models_hold_together():
    """Each model's interval at 95 % shared out among them."""
    values = {"vgg": curve(0.0, 0.1, 0.2), "resnet": curve(0.0, -0.1, 0.02, key=1), "maxvit": curve(0.2, 0.1, 0.0, key=2)}
    judged = follow(values, "rise")
    drawn, every = oracle.weights(IMAGES, SEED), []
    for cell, of in zip(judged.cells, values.values(), strict=True):
        first, *_, last = of.values()
        every.append(oracle.means((last - first).tolist(), drawn))
        expected = oracle.quantile(every[-1], 0.025 / 3), oracle.quantile(every[-1], 1 - 0.025 / 3)
        assert limits(cell) == pytest.approx(expected, abs=1e-9)
    assert [cell["label"] for cell in judged.cells] == ["VGG-16", "RESNET-16", "MAXVIT-16"]
    assert [cell["side"] for cell in judged.cells] == ["for", "open", "against"] and word(judged) == "mixed"
    together = [oracle.mean(one) for one in zip(*every, strict=True)]
    assert judged.overall["estimate"] == pytest.approx(0.02 / 3, abs=1e-9)
    assert limits(judged.overall) == pytest.approx((oracle.quantile(together, 0.025), oracle.quantile(together, 0.975)), abs=1e-9)


def test_a_trend_shall_be_above_the_margin():
    found = Fake({"vgg": curve(0.0, 2.0, 1.0, 3.0)})
    sweep = [{"name": f"ig-steps{place}"} for place in range(4)]
    for margin, expected in ((0.5, "reproduced"), (0.9, "reversed")):
        assert word(compare("trend", found, score=DIFFID, sweep=sweep, margin=margin)) == expected


def test_the_order_of_a_trend_is_the_sweeps():
    found = Fake({"vgg": curve(3.0, 1.0, 2.0)})
    sweep = [{"name": f"ig-steps{place}"} for place in (1, 2, 0)]
    assert compare("trend", found, score=DIFFID, sweep=sweep).cells[0]["estimate"] == 1.0


def test_equal_means_share_their_rank():
    """A curve that rises once: Spearman's 0.775. Quarters are exact, so the ties are."""
    common = np.round(4 * normal(0.0)) / 4
    values = {f"ig-steps{place}": common + mean for place, mean in enumerate((1.0, 2.0, 2.0, 2.0))}
    assert follow({"vgg": values}).cells[0]["estimate"] == pytest.approx(oracle.spearman(range(4), (1, 2, 2, 2)))


def test_a_parameter_without_any_effect_is_no_trend():
    values = {f"ig-steps{place}": normal(0.3) for place in range(4)}
    for statistic in STATISTICS:
        assert word(follow({"vgg": values}, statistic)) == "undecided", statistic


@pytest.mark.parametrize("statistic", STATISTICS)
def test_noise_is_seldom_a_trend(statistic):
    words = []
    for study in range(60):
        values = {f"ig-steps{key}": np.random.default_rng([study, key]).normal(size=IMAGES) for key in range(4)}
        words.append(word(follow({"vgg": values}, statistic)))
    assert words.count("undecided") >= 52  # 57 expected


@pytest.mark.parametrize(("statistic", "points"), [("rank", 1), ("rise", 1), ("levelling", 2)])
def test_too_few_points_are_no_trend(statistic, points):
    with pytest.raises(NotRun, match=f"{points} points"):
        follow({"vgg": curve(*range(points))}, statistic)
    follow({"vgg": curve(*range(points + 1))}, statistic)


@pytest.mark.parametrize(
    ("rises", "margin", "side"),
    [
        ((1.6, 0.4), 0.0, "for"),
        ((1.6, -0.1), 0.0, "open"),
        ((1.6, 0.4), 0.5, "open"),
        ((-1.6, -0.4), 0.0, "against"),
        ((-1.6, 0.1), 0.0, "open"),
        ((-1.6, 0.1), 0.5, "against"),
    ],
)
def test_a_trend_is_decided_where_every_training_agrees(rises, margin, side):
    last = np.concatenate([normal(rise, IMAGES, key) for key, rise in enumerate(rises)])
    found = {"vgg": {"ig-steps0": 0 * last, "ig-steps1": last}}
    (cell,) = follow(found, "rise", margin, parts={"net": IMAGES, "net-1": IMAGES}).cells
    assert cell["trainings"] == pytest.approx(list(rises)) and cell["side"] == side


@pytest.mark.parametrize("rise", [1.0, -1.0])
def test_a_training_on_the_margin_is_on_neither_side(rise):
    last = np.concatenate([normal(rise), np.zeros(IMAGES)])
    found = {"vgg": {"ig-steps0": 0 * last, "ig-steps1": last}}
    (cell,) = follow(found, "rise", parts={"net": IMAGES, "net-1": IMAGES}).cells
    assert cell["low"] * cell["high"] > 0 and cell["side"] == "open"


# --- shares -------------------------------------------------------------------------------------------------------------


def hits(*numbers, count: int = IMAGES) -> dict:
    """Models with this many images above 0.3; those at 0.3 are none of them."""
    names = ["vgg", "resnet", "maxvit"]
    return {names[key]: {"lpi": np.repeat([0.31, 0.3], [n, count - n])} for key, n in enumerate(numbers)}


@pytest.mark.parametrize(
    ("number", "direction", "expected"),
    [
        (30, "higher", "reproduced"),
        (22, "higher", "undecided"),
        (10, "higher", "reversed"),
        (30, "lower", "reversed"),
        (18, "lower", "undecided"),
        (10, "lower", "reproduced"),
        (0, "lower", "reproduced"),
    ],
)
def test_a_share_is_judged_by_wilsons_interval(number, direction, expected):
    judged = compare("share", Fake(hits(number)), score=DIFFID, method="lpi", above=0.3, direction=direction)
    (cell,) = judged.cells
    assert cell["estimate"] == pytest.approx(number / IMAGES) and cell["n"] == IMAGES
    assert limits(cell) == pytest.approx(oracle.wilson(number, IMAGES), abs=1e-9)
    assert (cell["label"], cell["border"], cell["lower"]) == ("VGG-16", 0.5, direction == "lower")
    assert judged.overall == {"estimate": pytest.approx(number / IMAGES)} and word(judged) == expected
    assert judged.compared == f"share of images with AUC of DiffID, change of probability above 0.3, {direction} than 0.5"


@pytest.mark.parametrize(("limit", "direction", "side"), [(0.5, "higher", "for"), (0.75, "higher", "open"), (0.95, "lower", "for")])
def test_a_share_is_judged_against_its_limit(limit, direction, side):
    options = dict(score=DIFFID, method="lpi", above=0.3, limit=limit, direction=direction)
    (cell,) = compare("share", Fake(hits(30)), **options).cells
    assert (cell["side"], cell["border"]) == (side, limit)


def test_shares_of_several_models_hold_together():
    numbers = (30, 22, 10)
    judged = compare("share", Fake(hits(*numbers)), score=DIFFID, method="lpi", above=0.3)
    for cell, number in zip(judged.cells, numbers, strict=True):
        assert limits(cell) == pytest.approx(oracle.wilson(number, IMAGES, 1 - 0.05 / 3), abs=1e-9)
    assert [cell["side"] for cell in judged.cells] == ["for", "open", "against"] and word(judged) == "mixed"
    assert judged.overall["estimate"] == pytest.approx(62 / 120)


@pytest.mark.parametrize(("value", "limit", "direction"), [(0.0, 0.0, "higher"), (1.0, 1.0, "lower")])
def test_no_image_is_no_share_above_0_and_every_image_none_below_1(value, limit, direction):
    sides = {}
    for count in (5, 7, 8, 10, 40):
        found = Fake({"vgg": {"lpi": np.full(count, value)}})
        judged = compare("share", found, score=DIFFID, method="lpi", above=0.5, limit=limit, direction=direction)
        sides[count] = judged.cells[0]["side"]
    assert set(sides.values()) == {"open"}, sides


@pytest.mark.parametrize(("numbers", "side"), [((35, 30), "for"), ((38, 18), "open"), ((5, 10), "against"), ((2, 22), "open")])
def test_a_share_is_decided_where_every_training_agrees(numbers, side):
    values = np.concatenate([np.repeat([1.0, -1.0], [number, IMAGES - number]) for number in numbers])
    found = Fake({"vgg": {"lpi": values}}, parts={"net": IMAGES, "net-1": IMAGES})
    (cell,) = compare("share", found, score=DIFFID, method="lpi").cells
    assert cell["trainings"] == pytest.approx([number / IMAGES for number in numbers]) and cell["side"] == side


# --- exact --------------------------------------------------------------------------------------------------------------

EXAMPLES = pd.DataFrame(
    {
        "example": [1, 1, 2],
        "x": ["(1.5, 1.5)", "(4, 4)", "(4, 4)"],
        "x1": [2.5, 10.00005, 3.0],
        "x2": [3.5, 5.9, np.nan],
        "x1_reported": [2.5, 10.0, 3.0],
        "x2_reported": [3.5, 6.0, np.nan],
    }
)
EXACT = dict(table="examples", columns=["x1", "x2"], printed=["x1_reported", "x2_reported"], name=["x"])


def test_numbers_equal_the_printed_ones_within_the_tolerance():
    judged = compare("exact", Fake({}, table=EXAMPLES), **EXACT, rows={"example": 1})
    assert [cell["label"] for cell in judged.cells] == ["(1.5, 1.5) x1", "(1.5, 1.5) x2", "(4, 4) x1", "(4, 4) x2"]
    assert [cell["estimate"] for cell in judged.cells] == [2.5, 3.5, 10.00005, 5.9]
    assert [cell["printed"] for cell in judged.cells] == [2.5, 3.5, 10.0, 6.0]
    assert [cell["side"] for cell in judged.cells] == ["for", "for", "for", "against"] and word(judged) == "does not hold"
    assert judged.compared == "computed beside printed, within 0.0001"
    for tolerance, expected in ((0.11, "holds"), (1e-5, "does not hold")):
        assert word(compare("exact", Fake({}, table=EXAMPLES), **EXACT, rows={"example": 1}, tolerance=tolerance)) == expected
    sides = [cell["side"] for cell in compare("exact", Fake({}, table=EXAMPLES), **EXACT, tolerance=1e-5).cells]
    assert sides == ["for", "for", "against", "against", "for"]  # what is not printed is no cell


def test_numbers_equal_one_value():
    table = pd.DataFrame({"delta": [0.0, 0.5, 1.0], "mean": [0.0, 0.3, -1e-7], "low": [0.0, 0.2, np.nan]})
    options = dict(table="fig4", columns=["mean"], value=0, tolerance=1e-6)
    assert word(compare("exact", Fake({}, table=table), **options, rows={"delta": [0, 1]})) == "holds"
    assert word(compare("exact", Fake({}, table=table), **options)) == "does not hold"
    assert word(compare("exact", Fake({}, table=table), **(options | {"columns": ["low"]}), rows={"delta": [1]})) == "does not hold"


def test_rows_that_are_not_there_are_not_judged():
    with pytest.raises(NotRun, match="examples has no such rows"):
        compare("exact", Fake({}, table=EXAMPLES), **EXACT, rows={"example": 3})
    with pytest.raises(NotRun, match="examples has no such rows"):
        compare("exact", Fake({}, table=EXAMPLES), **EXACT, rows={"example": [1, 2], "x": "(5, 5)"})


def test_a_table_with_nothing_printed_does_not_hold_for_that():
    with pytest.raises(NotRun):
        compare("exact", Fake({}, table=EXAMPLES), table="examples", columns=["x2"], printed=["x2_reported"], rows={"example": 2})
