"""What holds for every registered metric, present and future."""

import numpy as np
import pandas as pd
import pytest
import torch

from pathattr import measure
from pathattr.api import Measured
from pathattr.integrate import draws
from pathattr.registry import entries

from .helpers import refused

METRICS = entries("metric")
SMALL = {"fractions": 4, "steps": 4}

every_metric = pytest.mark.parametrize("entry", METRICS, ids=lambda entry: entry.name)


def small(entry) -> dict:
    return {name: SMALL[name] for name in entry.parameters() if name in SMALL}


def maps_for(x):
    return torch.randn(x.shape, generator=torch.Generator().manual_seed(3))


def masks_for(x):
    """A square that lies elsewhere on each image."""
    masks = torch.zeros(len(x), *x.shape[2:], dtype=torch.bool)
    for number, mask in enumerate(masks):
        mask[number : number + 3, 1:4] = True
    return masks


def table_of(entry, case, rows=None, maps=None, **options):
    rows = list(range(len(case.x)) if rows is None else rows)
    maps = maps_for(case.x) if maps is None else maps
    needed = {"masks": masks_for(case.x)[rows]} if "mask" in entry.facts["needs"] else {}
    return measure(entry.name, case.classifier, **case.part(rows), maps=maps[rows], **needed, **small(entry), **options)


def assert_same(found: pd.DataFrame, expected: pd.DataFrame):
    """The same rows bit for bit, the images in any order."""
    found, expected = (table.sort_values("image_id", kind="stable", ignore_index=True) for table in (found, expected))
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


@every_metric
def test_a_score_does_not_depend_on_what_it_is_computed_with(entry, standin, threads):
    """Bit for bit: alone, in any order, in shards, in micro-batches of any size, on any number of threads."""
    whole, count = table_of(entry, standin), len(standin.x)
    assert_same(pd.concat([table_of(entry, standin, [row]) for row in range(count)]), whole)
    assert_same(table_of(entry, standin, reversed(range(count))), whole)
    assert_same(pd.concat([table_of(entry, standin, rows) for rows in (range(2), range(2, count))]), whole)
    for micro_batch in (16, 64):
        assert_same(table_of(entry, standin, micro_batch=micro_batch), whole)
    for number in (1, 2, 4):
        threads(number)
        assert_same(table_of(entry, standin), whole)


@every_metric
def test_scores_are_those_registered_and_within_their_range(entry, standin):
    table = table_of(entry, standin)
    assert list(table.columns) == ["image_id", "metric", "x", "value"]
    assert table["image_id"].drop_duplicates().tolist() == standin.ids
    assert np.isfinite(table["value"]).all()
    found = {name.removesuffix("_auc") for name in table["metric"]}
    assert found == set(entry.facts["scores"])
    for name, (span, direction) in entry.facts["scores"].items():
        assert direction in ("higher", "lower")
        if span != "unbounded":
            low, high = map(float, span.split(" to "))
            assert table.loc[table["metric"].isin([name, f"{name}_auc"]), "value"].between(low, high).all()


@every_metric
def test_extreme_maps_are_measured(entry, standin):
    for values in (0.0, 1.0, 1e30, -1e-30):
        assert len(table_of(entry, standin, maps=torch.full_like(standin.x, values)))


@every_metric
def test_the_registered_cost_in_forward_passes_is_the_real_one(entry, standin):
    classifier = standin.classifier
    mean, std = classifier.mean.flatten(), classifier.std.flatten()
    image = Measured(standin.x[0], standin.target[0], "a", draws(0, entry.name, "a"), mean, std, masks_for(standin.x)[0])
    walk, answer, passes = entry.function(image, maps_for(standin.x)[0], **small(entry)), None, 0
    try:
        while True:
            ask = walk.send(answer)
            passes += len(ask.points)
            answer = classifier.answer(ask.points, None, ask.rule)
    except StopIteration:
        pass
    values = entry.parameters() | small(entry)
    assert passes == eval(entry.facts["forwards"], {"__builtins__": {}}, values)


@every_metric
def test_what_reads_absolute_values_alone_says_so(entry, standin):
    """A map and its absolute values score alike where the registration says so, and differ where it does not."""
    unsigned, parameters = entry.facts["unsigned"], small(entry)
    for choice in (True, False) if isinstance(unsigned, str) else (None,):
        chosen = parameters if choice is None else parameters | {unsigned: choice}
        tables = [
            measure(entry.name, standin.classifier, standin.x, standin.target, maps, masks=masks_for(standin.x), **chosen)
            for maps in (maps_for(standin.x), maps_for(standin.x).abs())
        ]
        assert tables[0].equals(tables[1]) == (unsigned is True or choice is True)


@every_metric
def test_what_needs_masks_is_refused_without(entry, standin):
    if "mask" not in entry.facts["needs"]:
        return
    with refused(entry.name, "masks"):
        measure(entry.name, standin.classifier, standin.x, standin.target, maps_for(standin.x))
    with refused("masks have shape"):
        measure(entry.name, standin.classifier, standin.x, standin.target, maps_for(standin.x), masks=masks_for(standin.x)[:1])


@every_metric
def test_unknown_parameters_are_refused(entry, smooth):
    with refused(entry.name, "'nonsense'"):
        table_of(entry, smooth, nonsense=1)
