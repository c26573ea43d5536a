"""What holds for every registered method, present and future."""

import numpy as np
import pytest
import torch

from pathattr import api, attribute
from pathattr.api import attribute_counted
from pathattr.registry import entries

from .helpers import assert_same_maps, refused

METHODS = entries("method")
SMALL = {"steps": 2, "references": 3, "classes": 2, "neighbourhoods": 2}  # where a method has such parameters
MAY_STOP_EARLY = {"agi"}  # the registered cost is then a bound

every_method = pytest.mark.parametrize("entry", METHODS, ids=lambda entry: entry.name)


def small(entry) -> dict:
    """Keyword arguments that make a method cheap."""
    return {name: SMALL[name] for name in entry.parameters() if name in SMALL and name not in entry.facts["fitted"]}


def cost(entry, neighbourhoods) -> int:
    """The registered cost in gradients, with the parameters of `small` and of what was fitted."""
    fitted = {"neighbourhoods": len(neighbourhoods.centres), "references": neighbourhoods.representatives.shape[1]}
    values = entry.parameters() | small(entry) | {name: fitted[name] for name in entry.facts["fitted"]}
    return eval(entry.facts["gradients"], {"__builtins__": {}}, values)


def maps_of(entry, case, rows=slice(None), **options):
    rows = range(len(case.x))[rows] if isinstance(rows, slice) else rows
    return attribute(
        entry.name, case.classifier, **case.part(list(rows)), **case.of(entry.facts["needs"]), **small(entry), **options
    )


def taken(maps: dict, rows) -> dict:
    return {variant: values[rows] for variant, values in maps.items()}


@every_method
def test_a_map_does_not_depend_on_what_it_is_computed_with(entry, standin, threads):
    """Bit for bit: alone, in any order, in shards, in micro-batches of any size, on any number of threads."""
    whole = maps_of(entry, standin)
    count = len(standin.x)
    for row in range(count):
        assert_same_maps(maps_of(entry, standin, [row]), taken(whole, [row]))
    backwards = list(reversed(range(count)))
    assert_same_maps(maps_of(entry, standin, backwards), taken(whole, backwards))
    shards = [maps_of(entry, standin, rows) for rows in (range(2), range(2, count))]
    assert_same_maps({variant: torch.cat([shard[variant] for shard in shards]) for variant in whole}, whole)
    for micro_batch in (32, 64):
        assert_same_maps(maps_of(entry, standin, micro_batch=micro_batch), whole)
    for number in (1, 2, 4):
        threads(number)
        assert_same_maps(maps_of(entry, standin), whole)


@every_method
def test_the_memory_layout_of_the_images_does_not_matter(entry, standin):
    whole = maps_of(entry, standin)
    other = standin.x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    options = dict(target=standin.target, ids=standin.ids, **standin.of(entry.facts["needs"]), **small(entry))
    assert_same_maps(attribute(entry.name, standin.classifier, other, **options), whole)


@every_method
def test_maps_are_fixed_by_the_seed_which_only_random_methods_heed(entry, smooth, monkeypatch):
    drawn = []

    def noted(*key):
        def of_purpose(*purpose):
            drawn.append(purpose)
            return keyed(*purpose)

        keyed = draws(*key)
        return of_purpose

    draws = api.draws
    monkeypatch.setattr(api, "draws", noted)
    first, again, other = (maps_of(entry, smooth, seed=seed) for seed in (1, 1, 2))
    assert_same_maps(again, first)
    changed = any(not torch.equal(first[variant], other[variant]) for variant in first)
    assert changed == bool(drawn)


@every_method
def test_maps_are_finite_float32_of_the_images_shape_on_extreme_images(entry, standin):
    """Black, white, grey, and an image explained at a class whose logit is negative."""
    x = torch.cat([torch.full((1, 3, 32, 32), value) for value in (0.0, 1.0, 0.5)] + [standin.x[:1]])
    logits = standin.classifier.logits(x)
    assert logits[3].min() < 0
    options = standin.of(entry.facts["needs"]) | small(entry)
    maps = attribute(entry.name, standin.classifier, x, [0, 1, 2, int(logits[3].argmin())], **options)
    assert tuple(maps) == entry.facts["variants"] and "vanilla" in maps
    for values in maps.values():
        assert values.dtype == torch.float32 and values.shape == x.shape and values.device.type == "cpu"
        assert torch.isfinite(values).all()


@every_method
def test_the_registered_cost_in_gradients_is_the_real_one(entry, standin):
    options = standin.of(entry.facts["needs"]) | small(entry)
    _, gradients = attribute_counted(entry.name, standin.classifier, standin.x, standin.target, ids=standin.ids, **options)
    most = cost(entry, standin.neighbourhoods)
    if entry.name in MAY_STOP_EARLY:
        assert (gradients <= most).all()
    else:
        assert (gradients == most).all()


@every_method
def test_variants_that_do_not_apply_are_refused(entry, smooth):
    with refused(entry.name, *entry.facts["variants"], "other"):
        maps_of(entry, smooth, variants=("vanilla", "other"))
    assert tuple(maps_of(entry, smooth, variants=("absolute",))) == ("absolute",)


@every_method
def test_unknown_parameters_are_refused(entry, smooth):
    with refused(entry.name, "'nonsense'"):
        maps_of(entry, smooth, nonsense=1)


@pytest.mark.parametrize(
    "entry, need",
    [
        pytest.param(entry, need, id=f"{entry.name}-{need}")
        for entry in METHODS
        for need in entry.facts["needs"]
        if need in ("background", "neighbourhoods")
    ],
)
def test_missing_needs_are_refused(entry, need, smooth):
    given = smooth.of(entry.facts["needs"])
    del given[need]
    with refused(entry.name, need):
        attribute(entry.name, smooth.classifier, smooth.x, smooth.target, **given, **small(entry))


@pytest.mark.parametrize(
    "entry, parameter",
    [
        pytest.param(entry, name, id=f"{entry.name}-{name}")
        for entry in METHODS
        for name, default in entry.parameters().items()
        if type(default) is int and name not in entry.facts["fitted"]
    ],
)
def test_counts_below_one_are_refused(entry, parameter, smooth):
    options = smooth.of(entry.facts["needs"]) | small(entry) | {parameter: 0}
    with refused(parameter, "0"):
        attribute(entry.name, smooth.classifier, smooth.x, smooth.target, **options)


def test_counts_may_be_numpys_whole_numbers_but_not_truth_values(smooth):
    found, expected = (attribute("ig", smooth.classifier, smooth.x, smooth.target, steps=steps) for steps in (np.int64(3), 3))
    assert_same_maps(found, expected)
    with refused("steps", "True"):
        attribute("ig", smooth.classifier, smooth.x, smooth.target, steps=True)


@every_method
def test_every_method_says_what_it_is(entry):
    assert entry.function.__doc__.strip()
    assert entry.facts["paper"] and entry.facts["equation"]
    assert set(entry.facts["needs"]) <= {"background", "neighbourhoods", "logits", "classes"}
    assert set(entry.facts["fitted"]) <= set(entry.parameters())
