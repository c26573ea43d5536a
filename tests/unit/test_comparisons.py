"""The registered comparisons on scores made here: against the oracle and closed forms."""

import itertools
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from oracles import judging as oracle
from pathattr.found import Found
from pathattr.judging import NotRun, verdict
from pathattr.registry import get
from pathattr.study import Drawn

from .helpers import refused
from .test_found import Bench, rows

SEED, IMAGES = 5, 40
DIFFID, DELETION = "diffid_probability_auc", "deletion_probability_auc"
KEYS = ["model", "method", "variant", "metric", "image_id", "x"]
ABOUT = {"paper": "lpi", "id": "c1", "says": "", "where": "", "artefacts": [], "digest": "d", "models": {}}


class Fake:
    """What a `found.Found` offers, over tables made here.

    `values`: model -> method -> the values of its images, or score -> these. `parts`: training -> its images, one after the
    other. `wrong`: (training, image number)s that the network gets wrong. `dark`: image numbers.
    """

    direction = Found.direction

    def __init__(self, values: dict, parts: dict | None = None, wrong=(), dark=(), printed=(), table=None):
        self.seed, self.params = SEED, {"metrics": {"diffid": {"metric": "diffid"}}}
        self.models = {
            key: SimpleNamespace(model=f"{key}_small", dataset="photos", stands_for=f"{key.upper()}-16") for key in values
        }
        self.not_run, self.not_applicable = {}, {}
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

    def setting(self, model: str, method: str, name: str) -> str:
        """Entries here are called as what they compute, perhaps with `own_` before it."""
        assert name == "method" and model in self.models
        return method.partition("-")[0].removeprefix("own_")

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


SHARE = "box_share"


def boxed(shares, **values) -> Fake:
    """Methods on one model, their boxes of these shares."""
    return Fake({"vgg": {name: {DIFFID: one, SHARE: np.asarray(shares)} for name, one in values.items()}}, dark=range(0, IMAGES, 2))


def test_limits_of_a_score_choose_the_images_a_cell_each():
    """As Table 2 of the Taylor paper: boxes of at most a third and at most two thirds of the image."""
    shares = np.linspace(0.2, 0.59, IMAGES)  # 14 at most 0.33, all at most 0.66
    values = np.where(shares <= 0.33, normal(2.0), normal(-1.0, key=1))
    found = boxed(shares, lpi=values, ig=np.zeros(IMAGES))
    options = dict(scores=[DIFFID], methods=["lpi"], rivals=["ig"], limited=SHARE)
    judged = compare("paired", found, at_most=[0.33, 0.66], **options)
    parts = [values[:14], values]
    assert [cell["n"] for cell in judged.cells] == [14, IMAGES] and [cell["at_most"] for cell in judged.cells] == [0.33, 0.66]
    for cell, part, expected in zip(judged.cells, parts, simultaneous(*parts), strict=True):
        assert cell["estimate"] == pytest.approx(part.mean()) and limits(cell) == pytest.approx(expected, abs=1e-9)
    assert [cell["label"] for cell in judged.cells] == [
        f"LPI - IG, the box's share of the image at most {limit}" for limit in ("0.33", "0.66")
    ]
    assert word(judged) == "mixed"
    (cell,) = compare("paired", found, at_most=[shares[3]], **options).cells
    assert cell["n"] == 4  # the limit itself is within
    (cell,) = compare("paired", found, at_most=[0.33], only="dark", **options).cells
    assert cell["n"] == 7 and cell["estimate"] == pytest.approx(values[:14:2].mean())


def test_a_chain_is_judged_at_every_limit_in_every_score_beside_what_is_printed():
    shares, steps = np.linspace(0.1, 0.88, IMAGES), [normal(mean, key=n) for n, mean in enumerate((0.0, 0.02, 0.05))]
    other = "insertion_probability_auc"
    names = ("ig", "eg", "lpi")
    values = {name: {DIFFID: one, other: one + 1, SHARE: shares} for name, one in zip(names, steps, strict=True)}
    numbers = {"a33": (40.0, 42.0, 45.0), "a66": (50.0, 51.0, 53.0), "b33": (1.0, 2.0, 4.0), "b66": (0.0, 8.0, 9.0)}
    printed = [("vgg", name, key, row[place]) for key, row in numbers.items() for place, name in enumerate(names)]
    judged = compare(
        "chain",
        Fake({"vgg": values}, printed=printed),
        scores=[DIFFID, other],
        beside=[other, DIFFID],
        methods=list(names),
        limited=SHARE,
        at_most=[0.33, 0.66],
        reported="table1",
        reported_scores=list(numbers),
        reported_unit=100.0,
    )
    assert [cell["printed"] for cell in judged.cells] == pytest.approx([0.02, 0.03, 0.01, 0.02, 0.01, 0.02, 0.08, 0.01])
    assert [cell["at_most"] for cell in judged.cells] == [0.33] * 2 + [0.66] * 2 + [0.33] * 2 + [0.66] * 2
    for number, cell in enumerate(judged.cells):
        there, step = shares <= cell["at_most"], number % 2
        difference = (steps[step + 1] - steps[step])[there].mean()
        assert cell["estimate"] == pytest.approx(difference) and cell["beside_estimate"] == pytest.approx(difference)
        assert cell["n"] == there.sum()


def test_an_image_is_within_the_limit_where_both_sides_are():
    one, other = np.full(IMAGES, 0.1), np.full(IMAGES, 0.1)
    one[:5], other[3:9] = 0.9, 0.9
    of = {"lpi": {DIFFID: normal(0.5), SHARE: one}, "ig": {DIFFID: np.zeros(IMAGES), SHARE: other}}
    options = dict(scores=[DIFFID], methods=["lpi"], rivals=["ig"], limited=SHARE, at_most=[0.5])
    (cell,) = compare("paired", Fake({"vgg": of}), **options).cells
    assert cell["n"] == IMAGES - 9 and cell["estimate"] == pytest.approx(normal(0.5)[9:].mean())


def test_limits_that_leave_too_little_or_are_half_given_are_told():
    found = boxed(np.linspace(0.3, 0.6, IMAGES), lpi=normal(1.0), ig=normal(0.0))
    options = dict(scores=[DIFFID], methods=["lpi"], rivals=["ig"])
    with pytest.raises(NotRun, match="of the images only 1 have the box's share of the image at most 0.3"):
        compare("paired", found, limited=SHARE, at_most=[0.66, 0.3], **options)
    with pytest.raises(NotRun, match="only 1 are dark and have the box's share of the image at most 0.31"):
        compare("paired", found, limited=SHARE, at_most=[0.31], only="dark", **options)
    for half in ({"limited": SHARE}, {"at_most": [0.3]}):
        with refused("limited", "at_most", "both or neither"):
            compare("paired", found, **half, **options)


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
    own = {"cifar_vgg": {name: scores for name in ("own_lpi", "ig", "eg")}}
    called = {"own_lpi": "lpi", "cifar_vgg": "vgg"}
    cells = compare("paired", Fake(own, printed=PRINTED), **(options | {"methods": ["own_lpi"]}), printed_as=called).cells
    assert [cell["printed"] for cell in cells] == [pytest.approx(0.062), None, pytest.approx(0.047), pytest.approx(0.005)]


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


# --- variants and forms -------------------------------------------------------------------------------------------------

SEED_SCORE, CURVE = "diffid_seed", "diffid_probability"  # read as a metric with fine-tunings would have them
VALID, INTERPOLATIONS = "valid_references", "valid_interpolations"


class Varied(Fake):
    """As `Fake`, of variants. `values`: model -> method -> variant -> the values of its images, or x -> these."""

    def __init__(self, values: dict, score: str = DIFFID, **options):
        super().__init__({model: {name: next(iter(of.values())) for name, of in all_.items()} for model, all_ in values.items()})
        self._of, self._score, self._parts = values, score, options.get("parts")

    def _count(self, model: str) -> int:
        first = next(iter(next(iter(self._of[model].values())).values()))
        return len(next(iter(first.values())) if isinstance(first, dict) else first)

    def scores(self, names, variants=("vanilla",), models=None, methods=None) -> pd.DataFrame:
        assert list(names) == [self._score]
        tables = []
        for model, method, variant in itertools.product(models, methods, variants):
            of = self._of[model][method].get(variant, {})
            for x, values in of.items() if isinstance(of, dict) else [(np.nan, of)]:
                place = dict(model=model, method=method, variant=variant, metric=self._score, x=x, gradients=20)
                ids = [f"i{number:03d}" for number in range(len(values))]
                tables.append(pd.DataFrame(place | {"image_id": ids, "value": values, "training": self._trainings(len(values))}))
        return pd.concat(tables, ignore_index=True).sort_values(KEYS, kind="stable", ignore_index=True)


def varied(*shifts, key: int = 0) -> dict:
    """vanilla, absolute, valid_references: with these means."""
    return {
        name: normal(mean, key=key + place)
        for place, (name, mean) in enumerate(zip(("vanilla", "absolute", VALID), shifts, strict=False))
    }


def test_each_variant_is_judged_against_each_other_of_the_same_method():
    values = {
        "vgg": {"ig_uniform": varied(0.0, 0.9, 1.8), "own_eg": varied(0.0, 0.0, 0.9, key=10)},
        "resnet": {"ig_uniform": varied(0.9, 0.0, 0.0, key=20), "own_eg": varied(0.9, 0.9, 0.0, key=30)},
    }
    options = dict(scores=[DIFFID], methods=["ig_uniform", "own_eg"], one=[VALID], others=["absolute", "vanilla", VALID])
    judged = compare("variants_paired", Varied(values), **options)
    places = list(itertools.product(("vgg", "resnet"), ("ig_uniform", "own_eg"), ("absolute", "vanilla")))
    assert [(cell["model"], cell["method"], cell["rival_variant"]) for cell in judged.cells] == places
    assert {(cell["variant"], cell["rival"] == cell["method"]) for cell in judged.cells} == {(VALID, True)}
    differences = [values[model][method][VALID] - values[model][method][other] for model, method, other in places]
    for cell, one, expected in zip(judged.cells, differences, simultaneous(*differences), strict=True):
        assert cell["estimate"] == pytest.approx(one.mean()) and limits(cell) == pytest.approx(expected, abs=1e-9)
        assert cell["side"] == oracle.where(*expected, [])
    assert {cell["side"] for cell in judged.cells} == {"for", "against", "open"} and word(judged) == "mixed"
    assert judged.cells[0]["label"] == "VGG-16: IG-Uniform, valid references - absolute"
    assert judged.cells[-1]["label"] == "RESNET-16: EG, valid references - vanilla"


@pytest.mark.parametrize(("direction", "expected"), [("better", "reproduced"), ("higher", "reproduced"), ("lower", "reversed")])
def test_variants_have_a_direction_and_a_margin(direction, expected):
    options = dict(scores=[DIFFID], methods=["ig-steps5"], one=[VALID], others=["vanilla"], direction=direction)
    found = Varied({"vgg": {"ig-steps5": varied(0.0, 0.0, 0.9)}})
    judged = compare("variants_paired", found, **options)
    assert word(judged) == expected and judged.cells[0]["label"] == "IG (steps 5), valid references - vanilla"
    assert word(compare("variants_paired", found, **options, margin=3.0)) == "reversed"
    assert word(compare("variants_paired", found, **options, margin=-3.0)) == "reproduced"


def test_a_variant_that_was_not_scored_is_refused():
    found = Varied({"vgg": {"ig": varied(0.0, 0.0, 0.9), "eg": varied(0.0)}})
    with refused("no valid_references scores of eg"):
        compare("variants_paired", found, scores=[DIFFID], methods=["eg"], one=[VALID], others=["vanilla"])


@pytest.mark.parametrize(("name", "score"), [("variants_paired", {"scores": [DIFFID]}), ("slope_paired", {"score": DIFFID})])
def test_one_variant_alone_is_compared_with_nothing(name, score):
    found = Varied({"vgg": {"ig": varied(0.0, 0.0, 0.9)}})
    with pytest.raises(NotRun, match="^no pair of variants is named$"):
        compare(name, found, **score, methods=["ig"], one=[VALID], others=[VALID])


def test_images_without_a_value_are_left_out_and_counted():
    of = varied(0.0, 0.0, 0.9)
    of["vanilla"][[3, 8]] = np.nan
    there = ~np.isnan(of["vanilla"])
    judged = compare(
        "variants_paired", Varied({"vgg": {"ig": of}}), scores=[DIFFID], methods=["ig"], one=[VALID], others=["vanilla"]
    )
    (cell,) = judged.cells
    difference = (of[VALID] - of["vanilla"])[there]
    assert (cell["n"], cell["n_correct"]) == (38, 38) and cell["estimate"] == pytest.approx(difference.mean())
    assert limits(cell) == pytest.approx(simultaneous(difference)[0], abs=1e-9)
    assert judged.notes == ["images without a value are left out: 2, counted in every cell"]
    of["vanilla"][1:] = np.nan
    with pytest.raises(NotRun, match="^1 images are too few$"):
        compare("variants_paired", Varied({"vgg": {"ig": of}}), scores=[DIFFID], methods=["ig"], one=[VALID], others=["vanilla"])


def test_absolute_values_of_a_metric_that_reads_them_alone_are_vanillas(tmp_path):
    """There are no scores of their own: what holds against vanilla holds against them, and they differ from it by nothing."""
    ids = [f"i{number:02d}" for number in range(IMAGES)]
    bench = Bench(tmp_path)
    parts = [rows(ids, DIFFID), rows(ids, DIFFID, VALID, 1.0)]
    parts[1]["value"] += normal(0.0)
    bench.scores("ig", pd.concat(parts))
    bench.params |= {"metrics": {"diffid": {"metric": "diffid"}}, "settings": {"vgg/ig": {"method": "ig"}}}
    bench.params["models"]["vgg"] = {"model": "vgg_small", "dataset": "photos", "stands_for": None}
    found = bench.found
    found.predictions = lambda model: pd.DataFrame({"training": "vgg", "image_id": ids, "label": 0, "predicted": 0})
    options = dict(scores=[DIFFID], methods=["ig"], others=["absolute", "vanilla"])
    valid = compare("variants_paired", found, **options, one=[VALID])
    assert [cell["estimate"] for cell in valid.cells] == pytest.approx([1.0, 1.0]) and word(valid) == "reproduced"
    assert limits(valid.cells[0]) == limits(valid.cells[1])
    judged = compare("variants_paired", found, **options, one=["absolute"])
    assert [(cell["estimate"], cell["side"]) for cell in judged.cells] == [(0.0, "open")] and word(judged) == "undecided"
    level = compare("level", found, score=DIFFID, methods=["ig"], variants=["absolute"], limit=10.0)
    assert level.cells[0]["estimate"] == pytest.approx((IMAGES - 1) / 2) and word(level) == "reproduced"


def tunings(*means, key: int = 0) -> dict:
    """Number of the fine-tuning -> values."""
    return {float(place): normal(mean, key=key + place) for place, mean in enumerate(means)}


@pytest.mark.parametrize(
    ("means", "side"), [((1.2, 0.6), "for"), ((2.0, -0.1), "open"), ((-1.2, -0.6), "against"), ((0.1, -0.1), "open")]
)
def test_fine_tunings_are_averaged_an_image_and_each_shall_agree(means, side, monkeypatch):
    fine_tuned(monkeypatch)
    of = {"vanilla": tunings(0.0, 0.0, key=50), VALID: tunings(*means)}
    found = Varied({"vgg": {"ig": of}}, SEED_SCORE)
    judged = compare("variants_paired", found, scores=[SEED_SCORE], methods=["ig"], one=[VALID], others=["vanilla"])
    (cell,) = judged.cells
    each = [of[VALID][x] - of["vanilla"][x] for x in (0.0, 1.0)]
    assert cell["trainings"] == pytest.approx(list(means)) and cell["n"] == cell["n_correct"] == IMAGES
    assert cell["estimate"] == pytest.approx(np.mean(means))
    expected = simultaneous((each[0] + each[1]) / 2)[0]
    assert limits(cell) == pytest.approx(expected, abs=1e-9)
    assert cell["side"] == side == oracle.where(*expected, list(means))
    assert judged.notes == ["given these 2 fine-tunings a map, of which an image's value is the mean"]


def fine_tuned(monkeypatch):
    """The metric of this file gives a score of fine-tunings too."""
    from pathattr import source

    facts = source.registered("metric")["diffid"].facts
    monkeypatch.setitem(facts, "scores", facts["scores"] | {SEED_SCORE: ("-1 to 1", "higher")})


def test_trainings_and_fine_tunings_are_parted_together(monkeypatch):
    fine_tuned(monkeypatch)
    of = {"vanilla": {0.0: np.zeros(IMAGES), 1.0: np.zeros(IMAGES)}, VALID: {}}
    of[VALID] = {x: np.concatenate([normal(first, 20), normal(second, 20)]) for x, first, second in ((0.0, 2, 3), (1.0, 4, -0.5))}
    found = Varied({"vgg": {"ig": of}}, SEED_SCORE, parts={"net": 20, "net-1": 20})
    (cell,) = compare("variants_paired", found, scores=[SEED_SCORE], methods=["ig"], one=[VALID], others=["vanilla"]).cells
    assert cell["trainings"] == pytest.approx([2, 4, 3, -0.5]) and cell["low"] > 0 and cell["side"] == "open"


def forms(*names) -> list[dict]:
    """As a plan resolves them."""
    found = []
    for name in names:
        entry, _, variant = name.partition(":")
        found.append({"entry": entry, "method": entry.removeprefix("own_"), "variant": variant or "vanilla", "form": ""})
    return found


FORMED = {
    "vgg": {
        "own_eg": {"vanilla": normal(9.0), VALID: normal(1.0, key=1)},
        "agi": {VALID: normal(0.8, key=2)},
        "smoothgrad": {"vanilla": normal(9.0), "absolute": normal(0.05, key=3)},
        "fullgrad": {"vanilla": normal(0.0, key=4)},
    }
}
FORMS = dict(forms=forms("own_eg:valid_references", "agi:valid_references"), rivals=forms("smoothgrad:absolute", "fullgrad"))


def test_each_form_meets_each_rival():
    judged = compare("forms_paired", Varied(FORMED), scores=[DIFFID], **FORMS)
    of = FORMED["vgg"]
    values = [
        one - other
        for one in (of["own_eg"][VALID], of["agi"][VALID])
        for other in (of["smoothgrad"]["absolute"], of["fullgrad"]["vanilla"])
    ]
    assert [cell["label"] for cell in judged.cells][:2] == [
        "EG, valid references - SmoothGrad, absolute",
        "EG, valid references - FullGrad",
    ]
    assert [limits(cell) for cell in judged.cells] == [pytest.approx(one, abs=1e-9) for one in simultaneous(*values)]
    assert word(judged) == "reproduced" and judged.notes == []
    with pytest.raises(NotRun, match="^no pair of forms is named$"):
        compare("forms_paired", Varied(FORMED), scores=[DIFFID], forms=forms("agi"), rivals=forms("agi"))


@pytest.mark.parametrize("sign", [1, -1])
def test_the_best_rival_is_chosen_anew_in_each_draw(sign):
    """With the oracle: draws of a mean less draws of the largest mean, and intervals of all cells together. Lower may be better."""
    values = {model: {name: {of: sign * v for of, v in all_.items()} for name, all_ in FORMED[model].items()} for model in FORMED}
    found = Varied(values, DIFFID if sign > 0 else DELETION)
    judged = compare("forms_paired", found, scores=[found._score], **FORMS, best=True)
    drawn, of = oracle.weights(IMAGES, SEED), FORMED["vgg"]
    sides = [of["own_eg"][VALID], of["agi"][VALID], of["smoothgrad"]["absolute"], of["fullgrad"]["vanilla"]]
    means = [oracle.means(one.tolist(), drawn) for one in sides]
    draws = [[a - b for a, b in zip(means[one], means[rival], strict=True)] for one in (0, 1) for rival in (2, 3)]
    draws.append([(a + b) / 2 - max(c, d) for a, b, c, d in zip(*means, strict=True)])
    estimates = [0.95, 1.0, 0.75, 0.8, 0.9 - 0.05]
    assert [cell["estimate"] for cell in judged.cells] == pytest.approx(estimates)
    expected = oracle.simultaneous(estimates, draws)
    assert [limits(cell) for cell in judged.cells] == [pytest.approx(one, abs=1e-9) for one in expected]
    assert judged.cells[-1]["label"] == "mean of 2 - best of 2" and judged.cells[-1]["n"] == IMAGES
    assert judged.cells[-1]["estimate_correct"] == pytest.approx(0.85) and word(judged) == "reproduced"
    assert judged.overall["estimate"] == pytest.approx(np.mean(estimates[:4])) and len(judged.notes) == 1
    assert sum(c > d for c, d in zip(means[2], means[3], strict=True)) not in (0, 2000)  # so the choice is drawn


@pytest.mark.parametrize(("means", "side"), [((2.0, 1.0), "for"), ((2.0, -0.1), "open"), ((-2.0, -1.0), "against")])
def test_of_the_best_too_each_fine_tuning_shall_agree(means, side, monkeypatch):
    fine_tuned(monkeypatch)
    of = {
        "eg": {VALID: tunings(*means)},
        "ig": {"vanilla": tunings(0.0, 0.0, key=9)},
        "agi": {"vanilla": tunings(-0.5, -0.4, key=7)},
    }
    named = dict(forms=forms("eg:valid_references"), rivals=forms("ig", "agi"), best=True)
    cell = compare("forms_paired", Varied({"vgg": of}, SEED_SCORE), scores=[SEED_SCORE], **named).cells[-1]
    assert cell["trainings"] == pytest.approx(list(means)) and cell["side"] == side


def test_a_pair_of_methods_is_compared_in_each_variant():
    values = {"vgg": {"ig-steps5": varied(0.0, 0.5, 1.0), "ig": varied(0.9, 0.5, 0.1, key=7)}}
    options = dict(scores=[DIFFID], methods=["ig"], rivals=["ig-steps5"])
    judged = compare("paired", Varied(values), **options, variants=["vanilla", VALID])
    assert [cell["label"] for cell in judged.cells] == ["IG - IG (steps 5), vanilla", "IG - IG (steps 5), valid references"]
    assert [cell["estimate"] for cell in judged.cells] == pytest.approx([0.9, -0.9])
    assert [cell["side"] for cell in judged.cells] == ["for", "against"]


# --- slopes and levels --------------------------------------------------------------------------------------------------


def slopes(*gains) -> dict:
    """x -> values, of vanilla and of valid references, whose gains at the x are these."""
    at = (0.1, 0.5, 0.9)
    vanilla = {x: normal(0.0, key=place) for place, x in enumerate(at)}
    return {
        "vanilla": vanilla,
        VALID: {x: vanilla[x] + normal(gain, key=place + 9) for place, (x, gain) in enumerate(zip(at, gains, strict=True))},
    }


@pytest.mark.parametrize(("gains", "side"), [((1.8, 9.0, 0.3), "for"), ((0.5, -3.0, 0.4), "open"), ((-1.2, 0.0, 0.3), "against")])
def test_a_slope_is_the_gain_at_the_smallest_x_less_that_at_the_largest(gains, side):
    of = slopes(*gains)
    judged = compare(
        "slope_paired", Varied({"vgg": {"ig": of}}, CURVE), score=CURVE, methods=["ig"], one=[VALID], others=["vanilla"]
    )
    (cell,) = judged.cells
    difference = of[VALID][0.1] - of["vanilla"][0.1] - (of[VALID][0.9] - of["vanilla"][0.9])
    assert cell["estimate"] == pytest.approx(gains[0] - gains[2]) and (cell["n"], cell["side"]) == (IMAGES, side)
    assert limits(cell) == pytest.approx(simultaneous(difference)[0], abs=1e-9)
    assert cell["label"] == "IG, valid references - vanilla" and "x (0.1 - 0.9)" in judged.compared and word(judged)
    lower = dict(score=CURVE, methods=["ig"], one=[VALID], others=["vanilla"], direction="lower")
    assert compare("slope_paired", Varied({"vgg": {"ig": of}}, CURVE), **lower).cells[0]["estimate"] == -cell["estimate"]


def test_a_slope_takes_two_places_and_only_images_that_have_both():
    of = slopes(1.8, 0.0, 0.3)
    of["vanilla"][0.9][4] = np.nan
    options = dict(score=CURVE, methods=["ig"], one=[VALID], others=["vanilla"])
    judged = compare("slope_paired", Varied({"vgg": {"ig": of}}, CURVE), **options)
    assert judged.cells[0]["n"] == IMAGES - 1 and judged.notes == ["images without a value are left out: 1, counted in every cell"]
    single = {variant: {0.1: values[0.1]} for variant, values in of.items()}
    with pytest.raises(NotRun, match="is no curve: it has one x, and a slope takes two$"):
        compare("slope_paired", Varied({"vgg": {"ig": single}}, CURVE), **options)


@pytest.mark.parametrize(
    ("mean", "direction", "side"),
    [
        (1.5, "higher", "for"),
        (0.4, "higher", "open"),
        (-1.0, "higher", "against"),
        (1.5, "lower", "against"),
        (-1.0, "lower", "for"),
    ],
)
def test_a_level_is_the_mean_beside_its_limit(mean, direction, side):
    values = {
        "vgg": {"ig": normal(mean), "own_eg": normal(mean, key=1)},
        "resnet": {"ig": normal(mean, key=2), "own_eg": normal(mean, key=3)},
    }
    judged = compare("level", Fake(values), score=DIFFID, methods=["ig", "own_eg"], limit=0.3, direction=direction)
    every = [values[model][name] for model in values for name in ("ig", "own_eg")]
    assert [cell["label"] for cell in judged.cells] == ["VGG-16: IG", "VGG-16: EG", "RESNET-16: IG", "RESNET-16: EG"]
    for cell, expected in zip(judged.cells, simultaneous(*every), strict=True):
        assert cell["estimate"] == pytest.approx(mean) and limits(cell) == pytest.approx(expected, abs=1e-9)
        assert (cell["side"], cell["border"], cell["lower"], cell["n"]) == (side, 0.3, direction == "lower", IMAGES)
    assert judged.overall["estimate"] == pytest.approx(mean) and judged.overall["low"] < mean < judged.overall["high"]
    assert word(judged) == {"for": "reproduced", "open": "undecided", "against": "reversed"}[side]
    assert judged.compared == f"AUC of DiffID, change of probability, mean over images, {direction} than 0.3"


@pytest.mark.parametrize(
    ("means", "side"), [((1.6, 0.6), "for"), ((1.6, 0.2), "open"), ((-1.6, 0.1), "against"), ((-1.6, 0.4), "open")]
)
def test_a_level_is_decided_where_every_training_agrees(means, side):
    values = np.concatenate([normal(mean, IMAGES, key) for key, mean in enumerate(means)])
    found = Fake({"vgg": {"ig": values}}, parts={"net": IMAGES, "net-1": IMAGES})
    (cell,) = compare("level", found, score=DIFFID, methods=["ig"], limit=0.3).cells
    assert cell["trainings"] == pytest.approx(list(means)) and cell["side"] == side


def test_a_level_is_of_every_variant():
    found = Varied({"vgg": {"ig": varied(1.0, 0.0, -2.0)}})
    judged = compare("level", found, score=DIFFID, methods=["ig"], limit=0.0, variants=["vanilla", VALID])
    assert [(cell["label"], cell["side"]) for cell in judged.cells] == [("IG, vanilla", "for"), ("IG, valid references", "against")]


def test_the_variants_of_every_parameter_are_asked_for():
    claim = {
        "claim": "variants_paired",
        "methods": ["ig", {"eg": {"steps": 2}}],
        "scores": [DIFFID],
        "metric": "diffid",
        "images": 4,
    }
    claim |= {"one": [VALID], "others": ["vanilla", VALID, "absolute"]}
    named = {"claim": "forms_paired", "forms": ["ig:valid_references"], "rivals": ["eg:absolute", "eg"], "scores": [DIFFID]}
    paper = {"models": {"vgg16": "vgg"}, "claims": {"c1": claim, "c2": named | {"metric": "diffid", "images": 4}}}
    paper["claims"]["c3"] = claim | {"claim": "paired", "one": None, "others": None, "rivals": ["ig"]}
    config = {"papers": {"lpi": paper}, "models": {"vgg": {"dataset": "photos"}}, "methods": {"ig": {}, "eg": {}}}
    config |= {"datasets": {"photos": {"dataset": "digits_on_photos"}}, "metrics": {"diffid": {}}, "target": "label"}
    wanted = Drawn(config, "lpi", "claims", "c1").variants
    assert wanted == [(name, variant) for name in ("ig", "eg-steps2") for variant in (VALID, "vanilla", "absolute")]
    assert Drawn(config, "lpi", "claims", "c2").variants == [("ig", VALID), ("eg", "absolute"), ("eg", "vanilla")]
    assert set(Drawn(config, "lpi", "claims", "c3").variants) == {("ig", "vanilla"), ("eg-steps2", "vanilla")}


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
