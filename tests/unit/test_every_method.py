"""What holds for every registered method, present and future."""

import math
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch

from pathattr import api, attribute, integrate
from pathattr.api import attribute_counted
from pathattr.batching import LOGITS
from pathattr.registry import ALL_OBJECTIVES, Entry, entries

from .helpers import assert_same_maps, refused

METHODS = entries("method")
BASELINES = {entry.name for entry in entries("baseline")}
SMALL = {"steps": 2, "references": 3, "classes": 2, "targets": 2, "samples": 2, "size": 5, "per": "pixel"}  # where there are such
MAY_STOP_EARLY = {"agi", "mfaba"}  # the registered cost is then a bound
GIVEN = ("background", "neighbourhoods", "baselines")  # what the user gives, where a method needs it


@dataclass(frozen=True)
class Method:
    """A method as it is called: its name, cheap parameters, and what a member of a family takes and is."""

    entry: Entry
    name: str
    parameters: dict = field(default_factory=dict)
    gradients: int | None = None
    random: bool | None = None


MEMBERS = {
    "captum": [
        dict(name="captum:Saliency", gradients=1, random=False),
        dict(name="captum:IntegratedGradients", parameters={"n_steps": 3}, gradients=3, random=False),
        dict(name="captum:GradientShap", parameters={"n_samples": 3, "baselines": 0.0}, gradients=3, random=True),
        dict(name="captum:KernelShap", parameters={"n_samples": 5}, random=True),
    ]
}


def small(entry) -> dict:
    """Keyword arguments that make a method cheap."""
    return {name: SMALL[name] for name in entry.parameters() if name in SMALL and name not in entry.facts["fitted"]}


NAMED = []
for one in METHODS:
    NAMED += [Method(one, **member) for member in MEMBERS[one.name]] if one.facts["family"] else [Method(one, one.name, small(one))]
every_entry = pytest.mark.parametrize("entry", METHODS, ids=lambda entry: entry.name)
every_method = pytest.mark.parametrize("method", NAMED, ids=lambda method: method.name)


def cut(method, case):
    """The case; for a method that takes a pass a pixel, with a part of its images."""
    by_pixel = {"elements", "pixels"} & set(compile(method.entry.facts["forwards"], "", "eval").co_names)
    return replace(case, x=case.x[:, :, 8:24, 8:24]) if by_pixel and case.x.shape[-1] > 16 else case


def cost(method, what: str, case) -> int:
    """The registered cost in `what`, "gradients" or "forwards", of an image of the case, with the parameters as they are."""
    fitted = {"neighbourhoods": len(case.neighbourhoods.centres), "references": case.neighbourhoods.representatives.shape[1]}
    values = method.entry.parameters() | method.parameters | {name: fitted[name] for name in method.entry.facts["fitted"]}
    channels, height, width = case.x.shape[1:]
    values |= dict(elements=channels * height * width, pixels=height * width, height=height, width=width, ceil=math.ceil)
    if "baselines" in method.entry.facts["needs"]:
        values["baselines"] = case.of(method.entry)["baselines"].shape[1]
    return eval(method.entry.facts[what], {"__builtins__": {}}, values)


def arguments(method, case, rows=None) -> dict:
    """What `attribute` takes besides the name and the classifier, for some of the images."""
    rows = list(range(len(case.x)) if rows is None else rows)
    return case.part(rows) | case.of(method.entry, rows) | method.parameters


def maps_of(method, case, rows=None, **options):
    return attribute(method.name, case.classifier, **{"micro_batch": 16} | arguments(method, case, rows) | options)


def taken(maps: dict, rows) -> dict:
    return {variant: values[rows] for variant, values in maps.items()}


@every_method
def test_a_map_does_not_depend_on_what_it_is_computed_with(method, standin, threads):
    """Bit for bit: alone, in any order, in shards, in micro-batches of any size, on any number of threads."""
    case = cut(method, standin)
    whole, count = maps_of(method, case), len(case.x)
    for row in range(count):
        assert_same_maps(maps_of(method, case, [row]), taken(whole, [row]))
    backwards = list(reversed(range(count)))
    threads(1)
    shards = [maps_of(method, case, rows) for rows in (range(2), range(2, count))]
    assert_same_maps({variant: torch.cat([shard[variant] for shard in shards]) for variant in whole}, whole)
    threads(2)
    assert_same_maps(maps_of(method, case, backwards, micro_batch=32), taken(whole, backwards))
    threads(4)
    assert_same_maps(maps_of(method, case, micro_batch=64), whole)


@every_method
def test_the_memory_layout_of_the_images_does_not_matter(method, standin):
    case = cut(method, standin)
    other = replace(case, x=case.x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2))
    assert_same_maps(maps_of(method, other), maps_of(method, case))


@every_method
def test_maps_are_fixed_by_the_seed_which_only_random_methods_heed(method, smooth, monkeypatch):
    drawn, given = [], smooth.of(method.entry)

    def noted(*key):
        def of_purpose(*purpose):
            drawn.append(purpose)
            return keyed(*purpose)

        keyed = draws(*key)
        return of_purpose

    draws = api.draws
    monkeypatch.setattr(api, "draws", noted)
    first, again, other = (maps_of(method, smooth, seed=seed, **given) for seed in (1, 1, 2))
    assert_same_maps(again, first)
    changed = any(not torch.equal(first[variant], other[variant]) for variant in first)
    assert changed == (bool(drawn) if method.random is None else method.random)


@every_method
def test_maps_are_finite_float32_of_the_images_shape_on_extreme_images(method, standin):
    """Black, white, grey, and an image explained at a class whose logit is negative."""
    x = torch.cat([torch.full((1, 3, 32, 32), value) for value in (0.0, 1.0, 0.5)] + [standin.x[:1]])
    logits = standin.classifier.logits(x)
    assert logits[3].min() < 0
    target = [0, 1, 2, int(logits[3].argmin())]
    case = cut(method, replace(standin, x=x, target=target, ids=["black", "white", "grey", "negative"]))
    maps = maps_of(method, case)
    assert tuple(maps) == method.entry.facts["variants"] and "vanilla" in maps
    for values in maps.values():
        assert values.dtype == torch.float32 and values.shape == case.x.shape and values.device.type == "cpu"
        assert torch.isfinite(values).all()


@every_method
def test_the_registered_cost_is_the_real_one(method, standin, monkeypatch):
    """Gradients as `attribute_counted` tells them, and forward passes that ask for logits alone, an image."""
    case, rows = cut(method, standin), []

    def noted(steps):
        answer = None
        while True:
            try:
                ask = steps.send(answer)
            except StopIteration as end:
                return end.value
            rows.append(len(ask.points) if ask.rule == LOGITS else 0)
            answer = yield ask

    options, counted = arguments(method, case), integrate.counted
    monkeypatch.setattr(integrate, "counted", lambda steps: counted(noted(steps)))
    gradients = attribute_counted(method.name, case.classifier, **options)[1]["gradients"].to_numpy()
    assert sum(rows) == len(case.x) * cost(method, "forwards", case)
    if method.entry.facts["family"]:
        assert method.gradients is None or (gradients == method.gradients).all()
    elif method.name in MAY_STOP_EARLY:
        assert (gradients >= 1).all() and (gradients <= cost(method, "gradients", case)).all()
    else:
        assert (gradients == cost(method, "gradients", case)).all()


@every_method
def test_every_objective_is_explained_or_refused(method, smooth):
    """And the method's own is its first."""
    accepted, maps = method.entry.facts["objectives"], {}
    for objective in ALL_OBJECTIVES:
        if objective in accepted:
            maps[objective] = maps_of(method, smooth, objective=objective)
            assert all(torch.isfinite(values).all() for values in maps[objective].values())
        else:
            with refused(method.name, repr(objective), *accepted):
                maps_of(method, smooth, objective=objective)
    assert_same_maps(maps_of(method, smooth), maps[accepted[0]])


@every_method
def test_variants_that_do_not_apply_are_refused(method, smooth):
    with refused(method.name, *method.entry.facts["variants"], "other"):
        maps_of(method, smooth, variants=("vanilla", "other"))
    assert tuple(maps_of(method, smooth, variants=("absolute",))) == ("absolute",)


@every_method
def test_unknown_parameters_are_refused(method, smooth):
    with refused(method.name, "'nonsense'"):
        maps_of(method, smooth, nonsense=1)


@pytest.mark.parametrize(
    "method, need",
    [
        pytest.param(method, need, id=f"{method.name}-{need}")
        for method in NAMED
        for need in method.entry.facts["needs"]
        if need in GIVEN
    ],
)
def test_missing_needs_are_refused(method, need, smooth):
    with refused(method.name, need, method.entry.facts["baseline"] if need == "baselines" else ""):
        maps_of(method, smooth, **{need: None})


@pytest.mark.parametrize(
    "method, need",
    [
        pytest.param(method, need, id=f"{method.name}-{need}")
        for method in NAMED
        for need in GIVEN
        if need not in method.entry.facts["needs"]
        and not (method.entry.facts["family"] and need == "baselines")  # a member may take parameters of any name
    ],
)
def test_what_a_method_does_not_need_is_refused(method, need, smooth):
    value = smooth.baselines("constant") if need == "baselines" else getattr(smooth, need)
    with refused(method.name, f"does not use {need}"):
        maps_of(method, smooth, **{need: value})


NEED_BASELINES = [method for method in NAMED if "baselines" in method.entry.facts["needs"]]


@pytest.mark.parametrize(
    "shape", [(4, 3, 8, 8), (3, 2, 3, 8, 8), (4, 2, 3, 8, 7), (4, 0, 3, 8, 8)], ids=["one an image", "images", "pixels", "none"]
)
@pytest.mark.parametrize("method", NEED_BASELINES, ids=lambda method: method.name)
def test_baselines_of_another_shape_are_refused(method, shape, smooth):
    with refused(f"shape {shape}", "(4, B, 3, 8, 8)"):
        maps_of(method, smooth, baselines=torch.zeros(shape))


@pytest.mark.parametrize("method", NEED_BASELINES, ids=lambda method: method.name)
def test_any_number_of_baselines_may_be_given_and_the_registered_cost_heeds_it(method, smooth):
    given = torch.cat([smooth.baselines("constant"), smooth.baselines("compute_baseline")], 1)
    count, steps = given.shape[1], 2 * given.shape[1]
    assert count == 3
    options = arguments(method, smooth) | dict(baselines=given, steps=steps)
    maps, counts = attribute_counted(method.name, smooth.classifier, **options)
    values = method.entry.parameters() | dict(steps=steps, baselines=count)
    assert (counts["gradients"] == eval(method.entry.facts["gradients"], {"__builtins__": {}}, values)).all()
    assert not torch.equal(maps["vanilla"], maps_of(method, smooth, steps=steps)["vanilla"])


@pytest.mark.parametrize(
    "method, parameter",
    [
        pytest.param(method, name, id=f"{method.name}-{name}")
        for method in NAMED
        for name, default in method.entry.parameters().items()
        if type(default) is int and name not in method.entry.facts["fitted"]
    ],
)
def test_counts_below_one_are_refused(method, parameter, smooth):
    with refused(parameter, "0"):
        maps_of(method, smooth, **{parameter: 0})


def test_counts_may_be_numpys_whole_numbers_but_not_truth_values(smooth):
    found, expected = (attribute("ig", smooth.classifier, smooth.x, smooth.target, steps=steps) for steps in (np.int64(3), 3))
    assert_same_maps(found, expected)
    with refused("steps", "True"):
        attribute("ig", smooth.classifier, smooth.x, smooth.target, steps=True)


@every_entry
def test_every_method_says_what_it_is(entry):
    facts = entry.facts
    assert entry.function.__doc__.strip()
    assert facts["paper"] and facts["equation"]
    assert set(facts["needs"]) <= {*GIVEN, "logits"}
    assert (facts["baseline"] in BASELINES) if "baselines" in facts["needs"] else facts["baseline"] == ""
    assert set(facts["fitted"]) <= set(entry.parameters())
    assert facts["objectives"] and set(facts["objectives"]) <= set(ALL_OBJECTIVES)
    assert facts["variants"][0] == "vanilla" and set(facts["variants"]) <= set(integrate.VARIANTS)
    assert set(facts["excludes"]) <= {"attention"}
    assert facts["family"] == (entry.name in MEMBERS)
