"""Comparisons of a table's rows: against closed forms, the oracle of judging, and SciPy's Spearman."""

import itertools
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from oracles import judging as oracle
from pathattr.judging import NotRun, verdict
from pathattr.registry import get

from .helpers import refused
from .test_comparisons import ABOUT, limits, normal, simultaneous

SEED, IMAGES = 5, 40
IDS = [f"i{number:03d}" for number in range(IMAGES)]


class Fake:
    """What a `found.Found` offers of a table: read back from text, as it is from a file."""

    def __init__(self, table: pd.DataFrame, tmp_path):
        self.seed, self.not_applicable, self._path = SEED, {}, tmp_path / "table.csv"
        table.to_csv(self._path, index=False)
        self.models = {key: SimpleNamespace(model=f"{key}_small", stands_for=f"{key.upper()}-16") for key in ("vgg", "resnet")}

    def table(self) -> pd.DataFrame:
        return pd.read_csv(self._path)


@pytest.fixture
def compare(tmp_path):
    def judged(name: str, table: pd.DataFrame, **options):
        return get("claim", name).function(Fake(table, tmp_path), **{"table": "checks", "models": ["vgg", "resnet"]} | options)

    return judged


def word(judged) -> str:
    """The verdict, and that it can be written."""
    found = verdict(judged, ABOUT)
    json.dumps(found, allow_nan=False)
    return found["verdict"]


def block(values, ids=IDS, **place) -> pd.DataFrame:
    """Rows of some images, a value each."""
    return pd.DataFrame({**place, "image_id": ids, "value": values})


def gaps(*shifts, model: str = "vgg", key: int = 0) -> list[pd.DataFrame]:
    """A block each of ig, credible and eg, with these means, in the long form of tables."""
    names = ("ig", "credible", "eg")
    return [
        block(normal(shift, key=key + place), model=model, method=name, quantity="gap")
        for place, (name, shift) in enumerate(zip(names, shifts, strict=False))
    ]


GAP = dict(column="value", one={"method": "credible"}, other={"method": "ig"}, rows={"quantity": "gap"})


# --- pairs --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "direction", "side"),
    [(0.9, "higher", "for"), (0.9, "lower", "against"), (-0.9, "lower", "for"), (0.01, "higher", "open"), (0.01, "lower", "open")],
)
def test_rows_are_matched_image_by_image(compare, mean, direction, side):
    """In whatever order they stand, and whatever else is in the table."""
    blocks = gaps(0.0, mean, 7.0)
    other = block(normal(5.0), model="vgg", method="credible", quantity="seconds")
    shuffled = pd.concat([*blocks, other]).sample(frac=1, random_state=3)
    judged = compare("rows_paired", shuffled, **GAP, direction=direction)
    (cell,) = judged.cells
    values = (1 if direction == "higher" else -1) * (blocks[1]["value"] - blocks[0]["value"]).to_numpy()
    assert cell["estimate"] == pytest.approx(values.mean()) and (cell["n"], cell["side"]) == (IMAGES, side)
    assert limits(cell) == pytest.approx(simultaneous(values)[0], abs=1e-9)
    assert cell["label"] == "Credible - IG" and judged.compared == f"gap, difference an image, claimed {direction}"
    assert word(judged) == {"for": "reproduced", "against": "reversed", "open": "undecided"}[side] and judged.notes == []


@pytest.mark.parametrize(("gap", "expected"), [(0.0, "reproduced"), (0.009, "reproduced"), (0.0101, "reversed"), (0.5, "reversed")])
def test_a_gap_may_be_larger_by_the_margin_and_not_by_more(compare, gap, expected):
    """credible.c11: Algorithm 2's gap is at most IG's + 0.01."""
    ig = normal(1.0)
    table = pd.concat([block(ig, method="ig", quantity="gap"), block(ig + gap, method="credible", quantity="gap")])
    judged = compare("rows_paired", table, **GAP, direction="lower", margin=-0.01)
    assert judged.cells[0]["estimate"] == pytest.approx(-gap) and judged.cells[0]["border"] == -0.01
    assert word(judged) == expected


def test_lists_and_cells_make_cells_whose_intervals_hold_together(compare):
    rng, blocks, values = np.random.default_rng(1), [], {}
    variants = ("valid_references", "valid_interpolations", "absolute", "vanilla")
    for place in itertools.product(("vgg", "resnet"), ("ig", "eg"), variants):
        values[place] = rng.normal(0.5 * variants.index(place[2]) * (place[0] == "vgg"), size=IMAGES)
        blocks.append(block(values[place], **dict(zip(("model", "method", "variant"), place, strict=True))))
    one, other = ({"variant": list(variants[part])} for part in (slice(2), slice(2, 4)))
    options = dict(column="value", one=one, other=other, cells=["model", "method"], direction="lower")
    judged = compare("rows_paired", pd.concat(blocks), **options)
    places = [
        (model, method, this, that)
        for this in variants[:2]
        for that in variants[2:]
        for model in ("vgg", "resnet")
        for method in ("ig", "eg")
    ]
    differences = [values[model, method, that] - values[model, method, this] for model, method, this, that in places]
    assert [cell["model"] for cell in judged.cells] == [place[0] for place in places]
    assert judged.cells[0]["label"] == "VGG-16, IG: valid references - absolute"
    assert judged.cells[-1]["label"] == "RESNET-16, EG: valid interpolations - vanilla"
    for cell, values_, expected in zip(judged.cells, differences, simultaneous(*differences), strict=True):
        assert cell["estimate"] == pytest.approx(values_.mean()) and limits(cell) == pytest.approx(expected, abs=1e-9)
        assert cell["side"] == oracle.where(*expected, [])
    assert {cell["side"] for cell in judged.cells} == {"for", "open"} and word(judged) == "mixed"
    assert judged.overall["estimate"] == pytest.approx(np.mean(differences))
    alone = compare("rows_paired", pd.concat(blocks), **options, rows={"model": "vgg"})
    assert [cell["label"] for cell in alone.cells][:2] == ["IG: valid references - absolute", "EG: valid references - absolute"]


def test_what_is_neither_matched_nor_a_cell_is_averaged(compare):
    """recalibration.c11: a mean over stages. The same number of stages on both sides."""
    blocks = [
        block(normal(mean, key=stage * 10 + place), variant=variant, stage=stage)
        for place, variant in enumerate(("vanilla", "valid_references"))
        for stage, mean in enumerate((0.0, 1.0, -3.0) if place else (0.0, 0.0, 0.0))
    ]
    options = dict(column="value", one={"variant": "valid_references"}, other={"variant": "vanilla"}, direction="lower")
    judged = compare("rows_paired", pd.concat(blocks), **options)
    means = [np.mean([one["value"] for one in blocks[start : start + 3]], axis=0) for start in (0, 3)]
    assert judged.cells[0]["estimate"] == pytest.approx(2 / 3) and judged.cells[0]["n"] == IMAGES
    assert limits(judged.cells[0]) == pytest.approx(simultaneous(means[0] - means[1])[0], abs=1e-9)
    each = compare("rows_paired", pd.concat(blocks), **options, cells=["stage"])
    assert [(cell["label"], round(cell["estimate"], 6)) for cell in each.cells] == [
        ("stage 0: valid references - vanilla", 0.0),
        ("stage 1: valid references - vanilla", -1.0),
        ("stage 2: valid references - vanilla", 3.0),
    ]
    by_stage = compare("rows_paired", pd.concat(blocks), **options, match=["image_id", "stage"])
    assert by_stage.cells[0]["n"] == 3 * IMAGES
    with pytest.raises(NotRun, match="^valid references - vanilla: 3 rows and 2 an image are no means of the same"):
        compare("rows_paired", pd.concat(blocks).iloc[IMAGES:], **options)


def test_pairs_without_a_value_are_left_out_and_counted(compare):
    blocks = gaps(0.0, 0.9)
    blocks[0].loc[[2, 5], "value"] = np.nan
    judged = compare("rows_paired", pd.concat([blocks[0], blocks[1].iloc[:30]]), **GAP)
    values = (blocks[1]["value"] - blocks[0]["value"])[:30].dropna().to_numpy()
    assert judged.cells[0]["n"] == 28 and judged.cells[0]["estimate"] == pytest.approx(values.mean())
    assert judged.notes == ["pairs without a value are left out: 2, counted in every cell"]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"rows": {"quantity": "share"}}, "the table checks has no such rows: quantity share"),
        (
            {"rows": {"model": "maxvit", "quantity": ["gap", "x"]}},
            "the table checks has no such rows: model maxvit, quantity ['gap', 'x']",
        ),
        ({"one": {"method": "lpi"}}, "the table checks has no rows with method lpi"),
        ({"other": {"method": ["ig", "lpi"]}}, "Credible - LPI: the table checks has no rows with method lpi"),
        ({"other": {"method": "agi"}}, "Credible - AGI: 1 pairs of rows are too few"),
        ({"other": {"method": "random"}}, "Credible - Random: 0 pairs of rows are too few"),
    ],
)
@pytest.mark.parametrize("name", ["rows_paired", "rows_share"])
def test_rows_that_are_not_there_are_not_judged(compare, name, options, line):
    other = [block([0.1], ["i003"], method="agi"), block([0.1, 0.2], ["a", "b"], method="random")]
    table = pd.concat([*gaps(0.0, 0.9), *(one.assign(model="vgg", quantity="gap") for one in other)])
    with pytest.raises(NotRun) as reason:
        compare(name, table, **(GAP | options))
    assert str(reason.value) == line


@pytest.mark.parametrize(
    "options",
    [{"column": "v"}, {"one": {"v": "ig"}}, {"cells": ["v"]}, {"rows": {"v": 1}}, {"match": ["v"]}],
    ids=lambda one: next(iter(one)),
)
def test_a_column_that_is_not_there_is_refused(compare, options):
    with refused("table checks", "column 'v'", "model, method, quantity, image_id, value"):
        compare("rows_paired", pd.concat(gaps(0.0, 0.9)), **(GAP | options))


# --- shares -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("falls", "ties", "direction", "side"),
    [
        (30, 0, "lower", "for"),
        (30, 10, "lower", "for"),
        (22, 0, "lower", "open"),
        (22, 18, "lower", "open"),
        (5, 35, "lower", "against"),
        (10, 0, "higher", "for"),
        (30, 0, "higher", "against"),
    ],
)
def test_a_share_of_images_by_wilsons_interval(compare, falls, ties, direction, side):
    """credible.l1. Where nothing moves nothing falls."""
    start = normal(5.0)
    step = np.repeat([-1.0, 0.0, 1.0], [falls, ties, IMAGES - falls - ties])
    table = pd.concat([block(start, baseline="blur"), block(start + step, baseline="compute_baseline")])
    options = dict(column="value", one={"baseline": "compute_baseline"}, other={"baseline": "blur"}, direction=direction)
    judged = compare("rows_share", table, **options)
    (cell,) = judged.cells
    hits = falls if direction == "lower" else IMAGES - falls - ties
    assert cell["estimate"] == hits / IMAGES and limits(cell) == pytest.approx(oracle.wilson(hits, IMAGES), abs=1e-9)
    assert (cell["side"], cell["label"], cell["border"], cell["n"]) == (side, "compute baseline - blur", 0.5, IMAGES)
    assert judged.notes == ([f"compute baseline - blur: equal in {ties} of 40"] if ties else []) and word(judged)
    assert judged.compared == f"share of images where value is {direction}, higher than 0.5"
    assert compare("rows_share", table, **options, limit=0.01).cells[0]["side"] == "for"


def test_shares_of_several_cells_hold_together(compare):
    blocks = []
    for model, falls in (("vgg", 27), ("resnet", 12)):
        step = np.repeat([-1.0, 1.0], [falls, IMAGES - falls])
        blocks += [block(np.zeros(IMAGES), model=model, method="ig"), block(step, model=model, method="credible")]
    options = dict(column="value", one={"method": "credible"}, other={"method": "ig"})
    judged = compare("rows_share", pd.concat(blocks), **options, cells=["model"])
    for cell, falls in zip(judged.cells, (27, 12), strict=True):
        assert limits(cell) == pytest.approx(oracle.wilson(falls, IMAGES, 0.975), abs=1e-9)
    assert [cell["label"] for cell in judged.cells] == ["VGG-16: Credible - IG", "RESNET-16: Credible - IG"]
    assert [cell["side"] for cell in judged.cells] == ["open", "against"] and word(judged) == "reversed"
    assert (
        compare("rows_share", pd.concat(blocks), **options, rows={"model": "vgg"}).cells[0]["side"] == "for"
    )  # alone it is decided


# --- ranks --------------------------------------------------------------------------------------------------------------


def points(*gains, **place) -> pd.DataFrame:
    return pd.DataFrame({"confidence": np.arange(len(gains)) / 10 + 0.3, "gain": gains, **place})


RANK = dict(x="confidence", y="gain")
ORDERS = [
    (1, 2, 3, 4),
    (4, 3, 2, 1),
    (1, 3, 2, 4),
    (2, 1, 2, 5, 5),
    (7, 5, 6, 3, 4, 2, 1, 0),
    (3, 1, 4, 1, 5, 9, 2, 6),
    (8, 1, 7, 2, 6, 3, 5, 4, 0),
]


@pytest.mark.parametrize("gains", ORDERS)
@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_a_rank_correlation_is_tested_over_all_orders(compare, gains, direction):
    """SciPy's statistic, and its exact one-sided permutation tests, of both sides."""
    stats = pytest.importorskip("scipy.stats")
    table = points(*gains)
    (cell,) = compare("rows_rank", table, **RANK, direction=direction).cells
    x, y = table["confidence"].to_numpy(), table["gain"].to_numpy()
    p = {}
    for way, alternative in (("higher", "greater"), ("lower", "less")):
        found = (
            stats.permutation_test(
                (y,),
                lambda one: stats.spearmanr(x, one).statistic,
                permutation_type="pairings",
                n_resamples=np.inf,
                alternative=alternative,
            )
            if len(gains) <= 5
            else None
        )
        p[way] = found.pvalue if found else exact(x, y, 1 if way == "higher" else -1)
    assert cell["estimate"] == pytest.approx(stats.spearmanr(x, y).statistic) == pytest.approx(oracle.spearman(x, y))
    assert cell["p"] == pytest.approx(p[direction]) and cell["n"] == len(gains) and cell["lower"] == (direction == "lower")
    other = p["lower" if direction == "higher" else "higher"]
    assert cell["side"] == ("for" if p[direction] < 0.05 else "against" if other < 0.05 else "open")
    assert (cell["low"] > 0, cell["high"] < 0) == (p["higher"] < 0.05, p["lower"] < 0.05)
    assert -1 <= cell["low"] <= cell["estimate"] <= cell["high"] <= 1


def exact(x, y, sign: int) -> float:
    """The share of all orders that correlate as much, counted with whole numbers."""
    a, b = (np.rint(2 * np.array(oracle.ranks(list(values)))).astype(int) for values in (x, y))
    products = np.array(list(itertools.permutations(b))) @ a
    return float((sign * products >= sign * (a @ b)).mean())


@pytest.mark.parametrize(
    ("gains", "side"), [(range(12), "against"), (range(12, 0, -1), "for"), ((5, 1, 9, 3, 12, 2, 8, 4, 11, 6, 7, 10), "open")]
)
def test_of_many_rows_random_orders_are_tried(compare, gains, side):
    stats = pytest.importorskip("scipy.stats")
    judged = compare("rows_rank", points(*gains), **RANK, direction="lower")
    (cell,) = judged.cells
    expected = stats.spearmanr(np.arange(12), list(gains), alternative="less").pvalue
    assert cell["p"] == pytest.approx(expected, abs=0.01) and cell["side"] == side and cell["p"] >= 1 / 100_001
    assert judged.notes[0].endswith("100,000 random orders")
    assert compare("rows_rank", points(*gains), **RANK, direction="lower").cells == judged.cells  # keyed


def test_rows_choose_the_points_and_the_papers_stand_beside(compare):
    """credible.c6 with the numbers of Tables 1 to 3."""
    printed = [  # mean confidence, gain over IG in %
        ("table1", [(0.77, 43.1), (0.81, 23.5), (0.69, 58.8)]),
        ("table2", [(0.77, 43.1), (0.75, 34.5), (0.64, 48.1)]),
        ("table3", [(0.81, 7.1), (0.74, 16.1), (0.79, 5.0)]),
    ]
    tables = [pd.DataFrame(values, columns=["confidence", "gain"]).assign(table=name, source="printed") for name, values in printed]
    measured = points(9.0, 7.0, 8.0, 5.0, 6.0, 3.0, 4.0, 1.0).assign(source="measured")
    options = dict(rows={"source": "measured"}, printed_rows={"source": "printed"}, printed_by="table", direction="lower")
    judged = compare("rows_rank", pd.concat([measured, *tables]), **RANK, **options)
    (cell,) = judged.cells
    assert cell["n"] == 8 and cell["side"] == "for" and word(judged) == "reproduced"
    every = sum((values for _, values in printed), [])
    assert len(set(every)) == 8  # ResNet-50 stands in two tables
    assert cell["printed"] == pytest.approx(oracle.spearman(*zip(*sorted(set(every)), strict=True)))
    assert judged.notes[1] == "printed, each: table1 -1 (n = 3), table2 -0.5 (n = 3), table3 -0.5 (n = 3)"
    assert judged.notes[0].endswith("all orders")
    assert judged.compared == "Spearman's rank correlation of confidence and gain over rows, lower than 0"


def test_rows_without_an_order_are_not_judged(compare):
    with pytest.raises(NotRun, match="^3 rows of checks are too few: no order of them has a p below 0.05$"):
        compare("rows_rank", points(1, 2, 3), **RANK)
    with pytest.raises(NotRun, match="^3 rows"):
        compare("rows_rank", points(1, 2, 3, np.nan), **RANK)
    with pytest.raises(NotRun, match="^confidence or gain is the same in all rows of checks"):
        compare("rows_rank", points(2, 2, 2, 2), **RANK)
    with refused("no column 'gains'", "confidence, gain"):
        compare("rows_rank", points(1, 2, 3, 4), x="confidence", y="gains")


# --- ratios -------------------------------------------------------------------------------------------------------------


def measured(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["quantity", "method", "value", "low", "high"])


TIMES = measured(
    ("seconds", "ig", 2.0, 1.9, 2.1),
    ("seconds", "credible", 2.4, 2.3, 2.5),
    ("bytes", "ig", 10.0, 10.0, 10.0),
    ("bytes", "credible", 30.0, 30.0, 30.0),
)
RATIO = dict(columns=["value"], one={"method": "credible"}, other={"method": "ig"}, cells=["quantity"])


@pytest.mark.parametrize(
    ("limit", "direction", "sides"),
    [
        (1.25, "lower", ["open", "against"]),
        (1.32, "lower", ["for", "against"]),
        (3.0, "lower", ["for", "for"]),
        (1.0, "lower", ["against", "against"]),
        (1.25, "higher", ["open", "for"]),
        (3.0, "higher", ["against", "for"]),
    ],
)
def test_a_ratio_is_decided_by_its_ends(compare, limit, direction, sides):
    judged = compare("rows_ratio", TIMES, **RATIO, limit=limit, direction=direction)
    assert [cell["label"] for cell in judged.cells] == ["seconds: Credible / IG", "bytes: Credible / IG"]
    assert [cell["estimate"] for cell in judged.cells] == pytest.approx([1.2, 3.0])
    assert limits(judged.cells[0]) == pytest.approx((2.3 / 2.1, 2.5 / 1.9)) and limits(judged.cells[1]) == (3.0, 3.0)
    assert [cell["side"] for cell in judged.cells] == sides and not judged.exact and word(judged)
    assert {(cell["border"], cell["lower"]) for cell in judged.cells} == {(limit, direction == "lower")}


def test_a_ratio_without_rounds_is_one_number(compare):
    judged = compare("rows_ratio", TIMES.drop(columns=["low", "high"]), **RATIO, limit=1.2, rows={"quantity": "seconds"})
    assert limits(judged.cells[0]) == pytest.approx((1.2, 1.2)) and word(judged) == "reproduced"
    empty = TIMES.assign(low=np.nan)
    assert limits(compare("rows_ratio", empty, **RATIO, limit=1.3).cells[1]) == (3.0, 3.0)


def test_a_ratio_takes_one_row_a_side_and_a_number(compare):
    with refused("Credible / IG: 2 rows of checks on one side of a ratio", "accepted: one"):
        compare("rows_ratio", TIMES, **(RATIO | {"cells": []}), limit=1.25)
    with pytest.raises(NotRun, match="^seconds: Credible / IG: the ratio of 2.4 and 0.0 is none of"):
        compare("rows_ratio", TIMES.assign(value=[0.0, 2.4, 1.0, 1.0]), **RATIO, limit=1.25)
    with pytest.raises(NotRun, match="^the table checks has no rows with method lpi$"):
        compare("rows_ratio", TIMES, **(RATIO | {"one": {"method": "lpi"}}), limit=1.25)


def test_a_ratio_of_each_column_with_ends_of_its_own(compare):
    """credible.c14: time with its rounds, memory without."""
    wide = {"method": ["ig", "credible"], "time_ratio": [1.0, 1.9], "time_ratio_low": [1.0, 1.8], "time_ratio_high": [1.0, 2.1]}
    table = pd.DataFrame(wide | {"memory_ratio": [1.0, 1.1], "n": [8, 8]})
    judged = compare("rows_ratio", table, **(RATIO | {"columns": ["time_ratio", "memory_ratio"], "cells": []}), limit=1.25)
    assert [cell["label"] for cell in judged.cells] == ["time ratio, Credible / IG", "memory ratio, Credible / IG"]
    assert [limits(cell) for cell in judged.cells] == [(1.8, 2.1), (1.1, 1.1)] and {cell["n"] for cell in judged.cells} == {8}
    assert [cell["side"] for cell in judged.cells] == ["against", "for"]
    with refused("table checks", "column 'time'"):
        compare("rows_ratio", table, **(RATIO | {"columns": ["time"]}), limit=1.25)
