"""What holds for every registered way to compute baselines, present and future."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from conftest import CHEAP
from pathattr import baselines
from pathattr.registry import entries

from .helpers import refused

COLUMNS = ["image_id", "number", "met", "iterations", "distance", "gradients"]

every_baseline = pytest.mark.parametrize("entry", entries("baseline"), ids=lambda entry: entry.name)


def most(entry, parameters: dict) -> int:
    """The registered cost as a number: its words for the lengths of lists stand for the lists."""
    values = entry.parameters() | parameters
    text = entry.facts["gradients"].removesuffix(", at most")
    for name, value in values.items():
        if isinstance(value, tuple):
            text = text.replace(f"number of {name}", str(len(value)))
    return eval(text, {"__builtins__": {}}, values)


def of(entry, case, rows=None, **options):
    rows = list(range(len(case.x)) if rows is None else rows)
    given = dict(micro_batch=16) | CHEAP.get(entry.name, {}) | options
    return baselines(entry.name, case.classifier, **case.part(rows), **given)


def assert_same(found, expected, rows=None):
    """The same baselines and rows of the table, bit for bit, as those expected of some of the images."""
    (pixels, table), (whole, complete) = found, expected
    rows = list(range(len(whole)) if rows is None else rows)
    assert torch.equal(pixels, whole[rows])
    each = complete.groupby("image_id", sort=False)
    names = list(each.groups)
    wanted = pd.concat([each.get_group(names[row]) for row in rows], ignore_index=True)
    pd.testing.assert_frame_equal(table, wanted, check_exact=True)


@every_baseline
def test_a_baseline_does_not_depend_on_what_it_is_computed_with(entry, standin, threads):
    """Bit for bit: alone, in any order, in shards, in micro-batches of any size, on any number of threads."""
    whole, count = of(entry, standin), len(standin.x)
    for row in range(count):
        assert_same(of(entry, standin, [row]), whole, [row])
    backwards = list(reversed(range(count)))
    assert_same(of(entry, standin, backwards), whole, backwards)
    for rows in (range(2), range(2, count)):
        assert_same(of(entry, standin, rows), whole, rows)
    for micro_batch in (32, 64):
        assert_same(of(entry, standin, micro_batch=micro_batch), whole)
    for number in (1, 2, 4):
        threads(number)
        assert_same(of(entry, standin), whole)


@every_baseline
def test_baselines_are_fixed_by_the_seed(entry, smooth):
    assert_same(of(entry, smooth, seed=1), of(entry, smooth, seed=1))


@every_baseline
def test_baselines_are_finite_float32_pixels_on_extreme_images(entry, standin):
    """Black, white, grey, and an image with a target whose logit is negative."""
    x = torch.cat([torch.full((1, 3, 32, 32), value) for value in (0.0, 1.0, 0.5)] + [standin.x[:1]])
    target = [0, 1, 2, int(standin.classifier.logits(x)[3].argmin())]
    pixels, table = of(entry, replace(standin, x=x, target=target, ids=["black", "white", "grey", "negative"]))
    assert pixels.dtype == torch.float32 and pixels.device.type == "cpu"
    assert pixels.ndim == 5 and pixels.shape[0] == 4 and pixels.shape[1] >= 1 and pixels.shape[2:] == x.shape[1:]
    assert torch.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 1
    assert np.isfinite(table["distance"]).all()


@every_baseline
def test_the_table_has_a_row_a_baseline_and_no_more_gradients_than_registered(entry, standin):
    pixels, table = of(entry, standin)
    count = pixels.shape[1]
    assert list(table.columns) == COLUMNS
    assert table["image_id"].tolist() == [name for name in standin.ids for _ in range(count)]
    assert table["number"].tolist() == list(range(count)) * len(standin.x)
    assert table["met"].dtype == bool and (table["distance"] >= 0).all()
    assert (table["iterations"] >= 0).all() and (table["gradients"] >= 0).all()
    cost = most(entry, CHEAP.get(entry.name, {}))
    assert (table.groupby("image_id")["gradients"].sum() <= cost).all()
    assert (cost > 0) == (table["gradients"] > 0).all()


@every_baseline
def test_the_table_tells_the_gradients_that_were_really_taken(entry, standin):
    """Rows for which the walk asks a gradient, image by image."""
    from pathattr.integrate import Image, counted, draws, evaluate

    _, table = of(entry, standin)
    for number, name in enumerate(standin.ids):
        image = Image(standin.x[number], standin.target[number], name, draws(0, entry.name, name), 10)
        walk, answer = counted(entry.function(image, **CHEAP.get(entry.name, {}))), None
        try:
            while True:
                ask = walk.send(answer)
                target = ask.target
                target = target.expand(16, -1) if isinstance(target, torch.Tensor) else torch.full((16,), target)
                points = torch.cat([ask.points, torch.zeros(15, *image.x.shape)])
                answer = evaluate(standin.classifier, "loss", points, target, ask.rule)
                gradient = None if answer.gradient is None else answer.gradient[:1]
                answer = replace(answer, logits=answer.logits[:1], gradient=gradient)
        except StopIteration as end:
            assert table.loc[table["image_id"] == name, "gradients"].sum() == end.value[1]


@every_baseline
def test_defaults_work(entry, smooth):
    pixels, _ = baselines(entry.name, smooth.classifier, smooth.x[:1], smooth.target[:1])
    assert pixels.shape[2:] == smooth.x.shape[1:]


@every_baseline
def test_unknown_parameters_are_refused(entry, smooth):
    with refused(entry.name, "'nonsense'"):
        of(entry, smooth, nonsense=1)


@pytest.mark.parametrize(
    "entry, parameter",
    [
        pytest.param(entry, name, id=f"{entry.name}-{name}")
        for entry in entries("baseline")
        for name, default in entry.parameters().items()
        if type(default) is int
    ],
)
def test_counts_below_one_are_refused(entry, parameter, smooth):
    with refused(parameter, "0"):
        of(entry, smooth, **{parameter: 0})


def test_an_unknown_way_is_refused_with_those_known(smooth):
    with refused("'nope'", *(entry.name for entry in entries("baseline"))):
        baselines("nope", smooth.classifier, smooth.x, smooth.target)


@every_baseline
def test_every_way_says_what_it_is(entry):
    assert entry.function.__doc__.strip()
    assert entry.facts["paper"] and entry.facts["equation"]
    assert most(entry, {}) >= 0
