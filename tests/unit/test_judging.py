"""Intervals, sides and verdicts of claims: against the oracle, closed forms and simulated studies."""

import itertools
import json
import math

import numpy as np
import pytest

import pathattr.scores
from oracles import judging as oracle
from pathattr.judging import (
    Judged,
    NotRun,
    cells_of,
    counts,
    decide,
    document,
    read,
    side,
    simultaneous,
    table,
    trimmed,
    verdict,
    wilson,
)

SEED = 3
ABOUT = {
    "paper": "lpi",
    "id": "c1",
    "says": "LPI leads",
    "where": "Fig. 3",
    "artefacts": ["fig3", "fig4"],
    "digest": "d" * 16,
    "models": {
        "vgg16": {"model": "vgg_small", "dataset": "photos", "stands_for": "VGG-16"},
        "own": {"model": "resnet_small", "dataset": "digits", "stands_for": None},
    },
}


def difference(values, label="a", training="net", **more) -> dict:
    """What `cells_of` takes of one cell."""
    values = np.asarray(values, float)
    return {"label": label, "values": values, "training": np.broadcast_to(training, len(values)), **more}


def normal(mean: float, count: int = 60, key: int = 0) -> np.ndarray:
    """Values around 0 with standard deviation 1, shifted to have exactly this mean."""
    values = np.random.default_rng([count, key]).normal(size=count)
    return values - values.mean() + mean


def judge(*differences, margin: float = 0.0) -> tuple[list[str], str]:
    """Sides and verdict."""
    cells, _ = cells_of(list(differences), SEED, margin)
    sides = [cell["side"] for cell in cells]
    return sides, decide(sides)


def judged(*sides, **more) -> Judged:
    """A finding with a cell of each of these sides."""
    cells = [{"label": f"cell {n}", "estimate": 0.5, "low": 0.1, "high": 0.9, "n": 8, "side": one} for n, one in enumerate(sides)]
    return Judged("difference an image", cells, **more)


# --- intervals ----------------------------------------------------------------------------------------------------------

SETS = {
    "one cell": [normal(0.2)],
    "alike and unlike": [normal(0.2), 5 * normal(0.2) + normal(0.0, key=1), normal(-0.4, key=2), np.exp(normal(0.0, key=3))],
    "of models with other images": [normal(0.1, 40), normal(0.4, 25), normal(0.0, 40, key=1)],
    "few distinct values": [np.repeat([0.0, 1.0], [57, 3]), np.repeat([-1.0, 0.0, 1.0], [5, 30, 25])],
    "with a constant": [normal(0.3), np.full(60, 0.25), np.zeros(60)],
}


@pytest.mark.parametrize("values", SETS.values(), ids=SETS)
@pytest.mark.parametrize("margin", [0.0, 0.25])
def test_cells_are_those_of_the_oracle(values, margin):
    cells, overall = cells_of([difference(one, str(place)) for place, one in enumerate(values)], SEED, margin)
    draws = [oracle.means(one.tolist(), oracle.weights(len(one), SEED)) for one in values]
    estimates = [oracle.mean(one.tolist()) for one in values]
    limits = oracle.simultaneous(estimates, draws)
    assert [cell["label"] for cell in cells] == [str(place) for place in range(len(values))]
    for cell, estimate, (low, high), one in zip(cells, estimates, limits, values, strict=True):
        assert (cell["estimate"], cell["low"], cell["high"]) == pytest.approx((estimate, low, high), abs=1e-12)
        assert cell["n"] == len(one) and cell["trainings"] == []
        if estimate != margin:  # a constant on the margin is on no side, whatever rounding says
            assert cell["side"] == oracle.where(low, high, [estimate], margin)
        else:
            assert cell["side"] == "open"
    together = [oracle.mean(one) for one in zip(*draws, strict=True)]
    expected = oracle.mean(estimates), oracle.quantile(together, 0.025), oracle.quantile(together, 0.975)
    assert (overall["estimate"], overall["low"], overall["high"]) == pytest.approx(expected, abs=1e-12)


def test_the_interval_of_one_estimate_reaches_as_far_as_95_percent_of_its_draws():
    draws = np.arange(-100, 101.0)[:, None] + 7
    low, high = simultaneous(np.array([7.0]), draws)
    assert (low[0], high[0]) == pytest.approx((-88.0, 102.0))
    low, high = simultaneous(np.array([7.0]), draws, level=0.8)
    assert (low[0], high[0]) == pytest.approx((-73.0, 87.0))


def test_the_intervals_of_two_estimates_keep_the_scale_of_each():
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(2000, 2)) * [1.0, 10.0]
    low, high = simultaneous(np.zeros(2), draws)
    reach = (high - low) / 2
    np.testing.assert_allclose(reach / draws.std(0, ddof=1), 2.236, atol=0.08)  # of two: sqrt(0.95) = 0.9747 = 2 Phi(2.236) - 1
    assert np.allclose(low, -high)


def test_more_cells_widen_the_intervals_and_a_cell_twice_does_not():
    first, others = difference(normal(0.2)), [difference(normal(0.2, key=key)) for key in (1, 2, 3)]

    def width(*differences):
        cell = cells_of(list(differences), SEED)[0][0]
        return cell["high"] - cell["low"]

    assert width(first, *others) > 1.1 * width(first)
    assert width(first, first, first) == pytest.approx(width(first), rel=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, -1 / 3])
def test_the_interval_of_equal_values_is_that_value_and_widens_no_other(value):
    alone, _ = cells_of([difference(normal(0.5))], SEED)
    cells, _ = cells_of([difference(np.full(60, value)), difference(normal(0.5))], SEED)
    assert (cells[0]["estimate"], cells[0]["low"], cells[0]["high"]) == pytest.approx((value,) * 3, abs=1e-12)
    assert cells[0]["side"] == ("for" if value > 0 else "against" if value < 0 else "open")
    assert (cells[1]["low"], cells[1]["high"]) == pytest.approx((alone[0]["low"], alone[0]["high"]), rel=1e-9)


def test_intervals_are_fixed_by_the_seed():
    cells, again, other = (cells_of([difference(normal(0.5))], seed) for seed in (0, 0, 1))
    assert cells == again and cells != other


def test_a_cell_holds_what_else_it_was_given_and_no_values():
    cells, _ = cells_of([difference(normal(0.5), "LPI - IG", method="lpi")], SEED)
    assert set(cells[0]) == {"label", "method", "estimate", "low", "high", "n", "side", "trainings"}
    assert cells[0]["method"] == "lpi"


# --- sides and verdicts -------------------------------------------------------------------------------------------------


def test_a_known_difference_is_reproduced():
    cells, overall = cells_of([difference(normal(0.5, 400, key)) for key in range(3)], SEED)
    assert [cell["side"] for cell in cells] == ["for"] * 3 and decide([cell["side"] for cell in cells]) == "reproduced"
    for cell in cells:
        assert cell["estimate"] == pytest.approx(0.5, abs=1e-12)
        assert (cell["high"] - cell["low"]) / 2 == pytest.approx(2.39 / 20, rel=0.12)  # max of three |t|: 2.39 standard errors
    assert overall["estimate"] == pytest.approx(0.5, abs=1e-12)
    assert (overall["high"] - overall["low"]) / 2 == pytest.approx(1.96 / 20 / math.sqrt(3), rel=0.12)


@pytest.mark.parametrize(
    ("means", "sides", "word"),
    [
        ((0.0, 0.0), ["open", "open"], "undecided"),
        ((0.9, 0.9), ["for", "for"], "reproduced"),
        ((0.9, -0.9), ["for", "against"], "mixed"),
        ((0.9, 0.0, 0.9), ["for", "open", "for"], "mixed"),
        ((-0.9, 0.0), ["against", "open"], "reversed"),
        ((-0.9, -0.9), ["against", "against"], "reversed"),
    ],
)
def test_the_verdict_follows_the_sides_of_the_cells(means, sides, word):
    assert judge(*(difference(normal(mean, key=key)) for key, mean in enumerate(means))) == (sides, word)


def test_every_combination_of_sides_gets_the_oracles_verdict():
    for count in (1, 2, 3, 4):
        for sides in itertools.product(["for", "against", "open"], repeat=count):
            found, (word, claimed) = verdict(judged(*sides), ABOUT), oracle.verdict(list(sides))
            assert (decide(list(sides)), found["verdict"], found["cells_for"]) == (word, word, claimed), sides
            assert found["cells_against"] == sides.count("against")


@pytest.mark.parametrize("shift", [0.0, 2.0, -2.0])
@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.1, 0.5, "for"),
        (0.0, 0.5, "open"),
        (-0.1, 0.5, "open"),
        (-0.5, 0.0, "open"),
        (-0.5, -0.1, "against"),
        (0.0, 0.0, "open"),
        (0.25, 0.25, "for"),
    ],
)
def test_an_interval_that_touches_the_margin_is_open(low, high, expected, shift):
    assert side(low + shift, high + shift, shift) == expected


@pytest.mark.parametrize(("margin", "expected"), [(0.0, "for"), (0.2, "for"), (0.5, "open"), (0.8, "against"), (-0.2, "for")])
def test_a_difference_is_judged_against_the_margin(margin, expected):
    values = normal(0.5, 400)
    sides, _ = judge(difference(values), margin=margin)
    assert sides == [expected] == judge(difference(values - margin))[0]
    cells, overall = cells_of([difference(values)], SEED, margin)
    assert cells[0]["estimate"] == pytest.approx(0.5) and overall["estimate"] == pytest.approx(0.5)  # the margin moves no number


@pytest.mark.parametrize(
    ("means", "margin", "expected"),
    [
        ((0.8, 0.8, 0.8), 0.0, "for"),
        ((1.6, 1.6, -0.1), 0.0, "open"),
        ((-0.8, -0.8, -0.8), 0.0, "against"),
        ((-1.6, -1.6, 0.1), 0.0, "open"),
        ((1.6, 1.6, 0.4), 0.0, "for"),
        ((1.6, 1.6, 0.4), 0.5, "open"),
        ((-1.6, -1.6, 0.4), 0.0, "open"),
        ((-1.6, -1.6, 0.4), 0.5, "against"),
        ((0.05, 0.05, 0.05), 0.0, "open"),  # alike, but not resolved
    ],
)
def test_a_cell_is_decided_only_where_every_training_lies_on_its_side(means, margin, expected):
    values = np.concatenate([normal(mean, 60, key) for key, mean in enumerate(means)])
    trainings = np.repeat(["net", "net-1", "net-2"], 60)
    cells, _ = cells_of([difference(values, training=trainings)], SEED, margin)
    assert cells[0]["trainings"] == pytest.approx(list(means)) and cells[0]["estimate"] == pytest.approx(np.mean(means))
    limits = cells[0]["low"], cells[0]["high"]
    assert cells[0]["side"] == expected == oracle.where(*limits, list(means), margin)
    alone, _ = cells_of([difference(values)], SEED, margin)
    assert (alone[0]["low"], alone[0]["high"]) == limits  # trainings decide the side, they move no interval


@pytest.mark.parametrize("order", range(5))
def test_the_verdict_does_not_depend_on_the_order_of_the_images(order):
    sets = [(0.9, 0.9), (0.9, -0.9), (0.0, -0.9), (0.0, 0.0)]
    mixed = np.random.default_rng(order).permutation(60)
    for means in sets:
        values = [normal(mean, key=key) for key, mean in enumerate(means)]
        straight, moved = (cells_of([difference(one[rows]) for one in values], SEED) for rows in (np.arange(60), mixed))
        assert [cell["side"] for cell in straight[0]] == [cell["side"] for cell in moved[0]]
        for cell, other in zip(straight[0], moved[0], strict=True):
            assert cell["estimate"] == pytest.approx(other["estimate"], abs=1e-12)
            assert (cell["low"], cell["high"]) == pytest.approx((other["low"], other["high"]), abs=0.05)


# --- simulated studies without a difference -----------------------------------------------------------------------------

STUDIES, IMAGES = 400, 60


def study(number: int, cells: int, mean: float = 0.0) -> list[np.ndarray]:
    """Values of cells that share their images, so correlated at 1/2; the second half of the cells skewed."""
    rng = np.random.default_rng([number, cells])
    values = (rng.normal(size=(IMAGES, 1)) + rng.normal(size=(IMAGES, cells))) / math.sqrt(2)
    values[:, cells // 2 :] = (np.exp(0.3 * values[:, cells // 2 :]) - math.exp(0.045)) / 0.3
    return list(values.T + mean)


@pytest.fixture
def fewer_draws(monkeypatch):
    monkeypatch.setattr(pathattr.scores, "DRAWS", 500)


@pytest.mark.parametrize("cells", [1, 4])
def test_without_a_difference_few_studies_are_decided(cells, fewer_draws):
    """The intervals of all cells hold 0 together in 95 % of the studies, less what 60 images of skewed values cost."""
    words, decided, apart = [], 0, 0
    for number in range(STUDIES):
        values = study(number, cells)
        found, _ = cells_of([difference(one) for one in values], number)
        sides = [cell["side"] for cell in found]
        words.append(decide(sides))
        decided += any(one != "open" for one in sides)
        apart += any(abs(one.mean()) > 1.96 * one.std() / math.sqrt(IMAGES) for one in values)
    assert (words.count("reproduced") + words.count("reversed")) / STUDIES <= 0.08
    assert 0.02 <= decided / STUDIES <= 0.1
    if cells > 1:
        assert apart / STUDIES > 0.12  # intervals each of its own would not do


def test_a_true_difference_is_found_in_nearly_all_studies(fewer_draws):
    found = [cells_of([difference(one) for one in study(number, 4, mean=0.6)], number)[0] for number in range(60)]
    words = [decide([cell["side"] for cell in cells]) for cells in found]
    assert words.count("reproduced") / len(words) >= 0.9
    covered = [all(cell["low"] <= 0.6 <= cell["high"] for cell in cells) for cells in found]
    assert np.mean(covered) >= 0.85


# --- other statistics ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hits", "count"), [(0, 10), (1, 10), (5, 10), (9, 10), (10, 10), (77, 200), (199, 200)])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_wilsons_interval_is_what_a_score_test_does_not_refuse(hits, count, level):
    assert wilson(hits, count, level) == pytest.approx(oracle.wilson(hits, count, level), abs=1e-9)


def test_wilsons_interval_of_none_and_of_all():
    square = 1.959963984540054**2
    assert wilson(0, 10) == pytest.approx((0.0, square / (10 + square)), abs=1e-12)
    assert wilson(10, 10) == pytest.approx((10 / (10 + square), 1.0), abs=1e-12)


def test_the_trimmed_mean_leaves_out_5_percent_at_either_end():
    values = np.arange(1.0, 41.0)
    values[[0, 1, 38, 39]] = [-1e6, -3e6, 7e6, 1e9]
    assert trimmed(np.random.default_rng(0).permutation(values)) == pytest.approx(np.arange(3, 39).mean())
    assert trimmed(np.array([1.0, 2.0, 9.0])) == pytest.approx(4.0)  # too few to leave one out


@pytest.mark.parametrize("count", [1, 19, 20, 39, 40, 140, 1001])
def test_the_trimmed_mean_is_the_oracles(count):
    values = np.random.default_rng(count).standard_cauchy(count)
    assert trimmed(values) == pytest.approx(oracle.trimmed(values.tolist()), rel=1e-9)


# --- as written ---------------------------------------------------------------------------------------------------------


def test_a_verdict_says_what_was_claimed_and_found():
    found = verdict(judged("for", "against", overall={"estimate": 0.5}, notes=["read along"]), ABOUT)
    assert {key: found[key] for key in ("paper", "id", "says", "where", "artefacts", "digest")} == {
        key: ABOUT[key] for key in ("paper", "id", "says", "where", "artefacts", "digest")
    }
    assert (found["verdict"], found["cells_for"], found["cells_against"]) == ("mixed", 1, 1)
    assert found["compared"] == "difference an image" and found["notes"] == ["read along"]
    assert found["measured_on"] == "vgg_small (for VGG-16) on photos, resnet_small on digits"


@pytest.mark.parametrize(
    ("sides", "word"), [(("for", "for"), "holds"), (("for", "against"), "does not hold"), (("against",), "does not hold")]
)
def test_an_exact_claim_holds_or_does_not(sides, word):
    assert verdict(judged(*sides, exact=True), ABOUT)["verdict"] == word


def test_what_was_not_run_says_why():
    found = verdict(NotRun("the index has no column 'dark'").judged, ABOUT)
    assert found["verdict"] == "not run" and found["notes"] == ["the index has no column 'dark'"]
    assert (found["cells"], found["cells_for"], found["cells_against"], found["overall"]) == ([], 0, 0, {})


def plain(value):
    """Whether JSON, read anywhere, gives the same: no NumPy, no NaN."""
    if isinstance(value, dict):
        return all(type(key) is str and plain(one) for key, one in value.items())
    if isinstance(value, list):
        return all(map(plain, value))
    return value is None or type(value) in (str, int, bool) or (type(value) is float and math.isfinite(value))


def test_a_verdict_is_plain_json():
    values = np.concatenate([normal(0.5), normal(0.6, key=1)])
    cells, overall = cells_of([difference(values, training=np.repeat(["net", "net-1"], 60), printed=None)], SEED)
    cells[0] |= {"estimate_correct": np.nan, "n_correct": np.int64(0), "within": (-np.inf, np.float32(0.25)), "lower": False}
    found = verdict(Judged("difference", cells, overall=overall), ABOUT)
    assert plain(found) and json.loads(json.dumps(found, allow_nan=False)) == found
    cell = found["cells"][0]
    assert cell["estimate_correct"] is None and cell["n_correct"] == 0 and cell["within"] == [None, 0.25]
    assert cell["lower"] is False and len(cell["trainings"]) == 2


def test_numbers_have_six_significant_digits():
    cells = [
        {"label": "a", "side": "for", "estimate": np.float64(1234.56789), "low": 1.23456789e-7, "high": -0.1234564, "n": 1234567}
    ]
    cell = verdict(Judged("", cells, overall={"estimate": 2 / 3}), ABOUT)["cells"][0]
    assert (cell["estimate"], cell["low"], cell["high"], cell["n"]) == (1234.57, 1.23457e-7, -0.123456, 1234567)


@pytest.fixture
def verdicts() -> list[dict]:
    first = judged("for", "for", overall={"estimate": 0.5, "low": 0.1, "high": 0.9}, notes=["one", "two"])
    first.cells[0] |= {"printed": 0.2, "n": 16}
    first.cells[1] |= {"printed": 0.4, "n": 9}
    return [
        verdict(first, ABOUT),
        verdict(judged("for", "open", "against"), ABOUT | {"id": "c2"}),
        verdict(NotRun("too few").judged, ABOUT | {"id": "c1", "paper": "taylor"}),
    ]


def test_the_table_has_a_row_a_claim(verdicts):
    rows = table(verdicts).set_index("claim")
    assert rows.index.tolist() == ["lpi.c1", "lpi.c2", "taylor.c1"]
    assert rows["verdict"].tolist() == ["reproduced", "mixed", "not run"]
    assert rows[["cells_for", "cells_against", "cells"]].to_numpy().tolist() == [[2, 0, 2], [1, 1, 3], [0, 0, 0]]
    first = rows.loc["lpi.c1"]
    assert (first["estimate"], first["low"], first["high"], first["reported"]) == pytest.approx((0.5, 0.1, 0.9, 0.3))
    assert (first["n"], first["artefacts"], first["notes"]) == ("9 16", "fig3 fig4", "one | two")
    assert rows.loc["lpi.c2", ["estimate", "low", "high", "reported"]].isna().all() and rows.loc["lpi.c2", "n"] == "8"
    assert rows.loc["taylor.c1", "notes"] == "too few" and rows.loc["taylor.c1", "n"] == ""


def test_verdicts_are_counted_a_line_a_paper(verdicts):
    text = counts(verdicts, {"lpi": "Local Path Integration", "taylor": "Taylor", "credible": "Credible"})
    lines = text.splitlines()
    assert text.endswith("\n") and lines[0] == "Local Path Integration: 2 claims: 1 reproduced, 1 mixed"
    assert lines[1] == "Taylor: 1 claims: 1 not run" and lines[2].startswith("Credible: 0 claims")


HEAD = "s\th:m:s\tmax_rss\tmax_vms\n"


def test_the_document_tells_how_to_remake_each_claim_and_what_that_costs(verdicts, tmp_path):
    for name, lines in {
        "judge/lpi.c1.tsv": "1.5\t0:00:01\t100.4\t9\n",
        "scores/a/0.tsv": "10.25\t0:00:10\t250.6\t9\n",
        "scores/a/1.tsv": "20.0\t0:00:20\t-\t9\n",
        "judge/lpi.c2.tsv": "2.0\t0:00:02\t-\t9\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(HEAD + lines)
    takes = {
        "results/claims/lpi.c1.json": ["judge/lpi.c1.tsv", "scores/a/*.tsv"],
        "results/claims/lpi.c2.json": ["judge/lpi.c2.tsv"],
        "results/claims/taylor.c1.json": ["judge/lpi.c1.tsv", "scores/b/*.tsv"],
    }
    found = document(verdicts, {"takes": takes, "digest": "e" * 16}, tmp_path)
    assert (found["schema"], found["digest"]) == ("resources/claims.schema.json", "e" * 16)
    first, second, third = found["claims"]
    assert first["command"] == "snakemake --cores all results/claims/lpi.c1.json"
    assert (first["jobs"], first["seconds"], first["megabytes"]) == (3, 31.8, 251)
    assert (second["jobs"], second["seconds"], second["megabytes"]) == (1, 2.0, None)
    assert (third["jobs"], third["seconds"], third["megabytes"]) == (None, None, None)  # a job is not measured: no sum
    assert {key: first[key] for key in verdicts[0]} == verdicts[0] and plain(found)
    (tmp_path / "claims.json").write_text(json.dumps(found))
    assert read(tmp_path / "claims.json") == found["claims"]


def test_what_could_not_be_compared_is_told():
    found = verdict(judged("for", notes=["read along"]), ABOUT | {"left_out": {"eg": "needs training images; photos has none"}})
    assert found["notes"] == ["read along", "left out: eg needs training images; photos has none"]
