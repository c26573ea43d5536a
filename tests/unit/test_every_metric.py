"""What holds for every registered metric, present and future."""

import numpy as np
import pandas as pd
import pytest
import torch

from pathattr import api, measure
from pathattr.api import Measured, probe
from pathattr.integrate import draws
from pathattr.registry import Entry, entries, get

from .helpers import refused

METRICS = [entry for entry in entries("metric") if not entry.facts["retrains"]]  # of one image at a time
SMALL = {("fractions", int): 4, ("steps", int): 4, ("fractions", tuple): (0.1, 0.6), ("subsets", int): 5}  # by the default's type

every_metric = pytest.mark.parametrize("entry", METRICS, ids=lambda entry: entry.name)
every_probe = pytest.mark.parametrize("entry", entries("probe"), ids=lambda entry: entry.name)


def small(entry) -> dict:
    kinds = {name: (name, type(default)) for name, default in entry.parameters().items()}
    return {name: SMALL[kind] for name, kind in kinds.items() if kind in SMALL}


def maps_for(x):
    return torch.randn(x.shape, generator=torch.Generator().manual_seed(3))


def masks_for(x):
    """A square, half as wide as the image, that lies elsewhere on each."""
    masks = torch.zeros(len(x), *x.shape[2:], dtype=torch.bool)
    side = x.shape[-1] // 2
    for number, mask in enumerate(masks):
        mask[number : number + side, 1 : 1 + side] = True
    return masks


def boxes_for(x):
    """The square of `masks_for` and the rows below it."""
    boxes = masks_for(x)
    return boxes | torch.cat([boxes[:, -1:], boxes[:, :-1]], 1)


def table_of(entry, case, rows=None, maps=None, **options):
    rows = list(range(len(case.x)) if rows is None else rows)
    maps = maps_for(case.x) if maps is None else maps
    regions = {"mask": ("masks", masks_for(case.x)), "box": ("boxes", boxes_for(case.x))}
    needed = {name: values[rows] for need, (name, values) in regions.items() if need in entry.facts["needs"]}
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


def walked(entry, case, key: str, *maps, **more):
    """A metric or a probe run through on one image: what it gives, and how many points it asked for."""
    classifier = case.classifier
    mean, std = classifier.mean.flatten(), classifier.std.flatten()
    image = Measured(
        case.x[0], case.target[0], "a", draws(0, key, "a"), mean, std, masks_for(case.x)[0], boxes_for(case.x)[0], **more
    )
    walk, answer, passes = entry.function(image, *maps, **small(entry)), None, 0
    try:
        while True:
            ask = walk.send(answer)
            passes += len(ask.points)
            answer = classifier.answer(ask.points, None, ask.rule)
    except StopIteration as end:
        return end.value, passes


def cost(entry) -> int:
    """The registered forward passes at the small parameters."""
    return eval(entry.facts["forwards"], {"__builtins__": {}, "len": len}, entry.parameters() | small(entry))


@every_metric
def test_the_registered_cost_in_forward_passes_is_the_real_one(entry, standin):
    """A metric with a probe costs what its probe does, once for all maps, and what it asks itself."""
    more, before = {}, 0
    if entry.facts["probe"]:
        probed = get("probe", entry.facts["probe"])
        more["probe"], before = walked(probed, standin, probed.name)
        assert before == cost(probed) > 0
    _, passes = walked(entry, standin, entry.facts["probe"] or entry.name, maps_for(standin.x)[0], **more)
    assert before + passes == cost(entry)


@every_metric
def test_what_is_probed_beforehand_gives_the_same_scores(entry, standin):
    """Bit for bit; and what a metric and its probe both have, they have by the same default."""
    if not entry.facts["probe"]:
        return
    known = get("probe", entry.facts["probe"])
    shared = known.parameters().keys() & entry.parameters().keys()
    assert all(known.parameters()[name] == entry.parameters()[name] for name in shared)
    beforehand = probe(known.name, standin.classifier, standin.x, standin.target, ids=standin.ids, **small(known))
    assert_same(table_of(entry, standin, probed=beforehand), table_of(entry, standin))


def test_parameters_go_to_the_metric_its_probe_or_both(smooth, monkeypatch):
    """What both have goes to both, by default as the metric has it; what the probe alone has shapes only what is probed."""

    def scaled(image, *, both: int = 1, alone: int = 10):
        return {"found": np.array([both, alone])}
        yield

    def told(image, attribution, *, both: int = 2, own: int = 3):
        return {"told": (np.arange(4.0), np.array([both, own, *image.probe["found"]]))}
        yield

    made = {
        "probe": Entry("probe", "scaled", scaled),
        "metric": Entry("metric", "told", told, {"probe": "scaled", "retrains": False, "needs": (), "missing": ()}),
    }
    monkeypatch.setattr(api.registry, "get", lambda kind, name: made[kind])

    def values(**options):
        return measure("told", smooth.classifier, smooth.x[:1], [0], smooth.x[:1], **options)["value"].tolist()

    assert values() == [2, 3, 2, 10]
    assert values(both=5, own=6, alone=7) == [5, 6, 5, 7]
    probed = {"found": np.array([[8, 9]])}
    assert values(both=5, probed=probed) == [5, 3, 8, 9]
    with refused("told: alone", "accepted: without them, or without probed"):
        values(alone=7, probed=probed)
    with refused("told: unknown parameter 'other'"):
        values(other=1)
    with refused("scaled: alone is 0", "at least 1"):
        values(alone=0)


@every_probe
def test_a_probe_does_not_depend_on_what_it_is_computed_with(entry, standin, threads):
    """Bit for bit: alone, in any order, in micro-batches of any size, on any number of threads."""
    rows = range(len(standin.x))

    def probed(some=rows, **options):
        found = probe(entry.name, standin.classifier, **standin.part(list(some)), **small(entry), **options)
        assert all(len(values) == len(some) for values in found.values())
        return found

    whole = probed()
    alone = [probed([row]) for row in rows]
    backwards, large = probed(list(reversed(rows))), probed(micro_batch=64)
    for name, values in whole.items():
        assert np.array_equal(values, np.concatenate([one[name] for one in alone]))
        assert np.array_equal(values, backwards[name][::-1])
        assert np.array_equal(values, large[name])
    for number in (1, 2, 4):
        threads(number)
        assert all(np.array_equal(values, whole[name]) for name, values in probed().items())


@every_metric
def test_what_reads_absolute_values_alone_says_so(entry, standin):
    """A map and its absolute values score alike where the registration says so, and differ where it does not."""
    unsigned, parameters = entry.facts["unsigned"], small(entry)
    regions = {"masks": masks_for(standin.x), "boxes": boxes_for(standin.x)}
    for choice in (True, False) if isinstance(unsigned, str) else (None,):
        chosen = parameters if choice is None else parameters | {unsigned: choice}
        tables = [
            measure(entry.name, standin.classifier, standin.x, standin.target, maps, **regions, **chosen)
            for maps in (maps_for(standin.x), maps_for(standin.x).abs())
        ]
        assert tables[0].equals(tables[1]) == (unsigned is True or choice is True)


@every_metric
@pytest.mark.parametrize("need, name", [("mask", "masks"), ("box", "boxes")])
def test_what_needs_masks_or_boxes_is_refused_without(entry, standin, need, name):
    if need not in entry.facts["needs"]:
        return
    regions = {"masks": masks_for(standin.x), "boxes": boxes_for(standin.x)}
    arguments = entry.name, standin.classifier, standin.x, standin.target, maps_for(standin.x)
    with refused(f"{entry.name} needs", "accepted: a data set that has"):
        measure(*arguments, **({} if need == "mask" else {"masks": regions["masks"]}))
    with refused(f"{name} have shape"):
        measure(*arguments, **(regions | {name: regions[name][:1]}))


@every_metric
def test_unknown_parameters_are_refused(entry, smooth):
    with refused(entry.name, "'nonsense'"):
        table_of(entry, smooth, nonsense=1)
