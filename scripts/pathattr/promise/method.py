"""What every attribution method promises."""

import math
from dataclasses import dataclass, field, replace
from unittest import mock

import torch

from .. import api, integrate
from ..api import attribute, attribute_counted
from ..batching import LOGITS
from ..registry import ALL_OBJECTIVES, Entry, entries, get
from . import STANDINS, hold, promise, refused
from .cases import extreme, threads

SMALL = {
    "steps": 2,
    "references": 3,
    "classes": 2,
    "targets": 2,
    "samples": 2,
    "size": 5,
    "per": "pixel",
    "masks": 20,
}  # where there are such
MAY_STOP_EARLY = {"agi", "mfaba"}  # the registered cost is then a bound
GIVEN = ("background", "neighbourhoods", "baselines")  # what the user gives, where a method needs it
MEMBERS = {
    "captum": [
        dict(name="captum:Saliency", gradients=1, random=False),
        dict(name="captum:IntegratedGradients", parameters={"n_steps": 3}, gradients=3, random=False),
        dict(name="captum:GradientShap", parameters={"n_samples": 3, "baselines": 0.0}, gradients=3, random=True),
        dict(name="captum:KernelShap", parameters={"n_samples": 5}, random=True),
        dict(name="captum:LayerGradCam", gradients=1, random=False),
    ]
}


@dataclass(frozen=True)
class Method:
    """A method as it is called: its name, cheap parameters, and what a member of a family takes and is."""

    entry: Entry
    name: str
    parameters: dict = field(default_factory=dict)
    gradients: int | None = None
    random: bool | None = None


def small(entry) -> dict:
    """Keyword arguments that make a method cheap."""
    return {name: SMALL[name] for name in entry.parameters() if name in SMALL and name not in entry.facts["fitted"]}


def subject(name: str) -> Method:
    """The method of that name, as it is tried."""
    entry = get("method", name)
    known = [Method(entry, **member) for member in MEMBERS.get(entry.name, ()) if member["name"] == name]
    return known[0] if known else Method(entry, name, {} if entry.facts["family"] else small(entry))


def subjects() -> list[Method]:
    """Every registered method; of a family some members."""
    names = [[member["name"] for member in MEMBERS.get(entry.name, ())] or [entry.name] for entry in entries("method")]
    return [subject(name) for some in names for name in some]


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


def same(found: dict, expected: dict, what: str):
    """Maps are equal bit for bit, variant by variant."""
    hold(found.keys() == expected.keys(), f"{what}: variants {', '.join(found)} and {', '.join(expected)}")
    for variant in expected:
        apart = (found[variant] - expected[variant]).abs().max()
        hold(torch.equal(found[variant], expected[variant]), f"{what}: the {variant} map differs by up to {float(apart):.3g}")


def needs_baselines(method) -> bool:
    return "baselines" in method.entry.facts["needs"]


@promise("method")
def says_what_it_is(method):
    """A docstring, its paper and its equation; facts that are known ones."""
    facts, entry = method.entry.facts, method.entry
    hold((entry.function.__doc__ or "").strip(), "no docstring")
    hold(facts["paper"] and facts["equation"], "no paper or no equation")
    hold(set(facts["needs"]) <= {*GIVEN, "logits"}, f"needs {', '.join(facts['needs'])}")
    ways = {one.name for one in entries("baseline")}
    hold((facts["baseline"] in ways) if needs_baselines(method) else facts["baseline"] == "", f"baseline {facts['baseline']!r}")
    hold(set(facts["fitted"]) <= set(entry.parameters()), f"fitted {', '.join(facts['fitted'])}")
    hold(facts["objectives"] and set(facts["objectives"]) <= set(ALL_OBJECTIVES), f"objectives {facts['objectives']}")
    hold(
        facts["variants"][0] == "vanilla" and set(facts["variants"]) <= set(integrate.VARIANTS),
        f"variants {facts['variants']}; accepted: vanilla first, of {', '.join(integrate.VARIANTS)}",
    )
    hold(set(facts["excludes"]) <= {"attention"}, f"excludes {facts['excludes']}")


@promise("method", on=STANDINS)
def does_not_depend_on_its_company(method, case):
    """A map is the same bit for bit: alone, in any order, in shards, in micro-batches of any size, on any number of threads."""
    case = cut(method, case)
    with threads() as set_threads:
        whole, count = maps_of(method, case), len(case.x)
        for row in range(count):
            same(maps_of(method, case, [row]), taken(whole, [row]), f"image {row} alone")
        backwards = list(reversed(range(count)))
        set_threads(1)
        shards = [maps_of(method, case, rows) for rows in (range(2), range(2, count))]
        same({variant: torch.cat([shard[variant] for shard in shards]) for variant in whole}, whole, "in two shards")
        set_threads(2)
        same(maps_of(method, case, backwards, micro_batch=32), taken(whole, backwards), "backwards, micro_batch 32, 2 threads")
        set_threads(4)
        same(maps_of(method, case, micro_batch=64), whole, "micro_batch 64, 4 threads")


@promise("method", on=STANDINS)
def does_not_depend_on_the_memory_layout(method, case):
    """The memory layout of the images does not matter."""
    case = cut(method, case)
    other = replace(case, x=case.x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2))
    same(maps_of(method, other), maps_of(method, case), "channels last")


@promise("method", on=("smooth",))
def is_fixed_by_the_seed(method, case):
    """Maps are fixed by the seed; only a method that draws (`image.draws`) heeds it."""
    drawn, given, draws = [], case.of(method.entry), api.draws

    def noted(*key):
        keyed = draws(*key)

        def of_purpose(*purpose):
            drawn.append(purpose)
            return keyed(*purpose)

        return of_purpose

    with mock.patch.object(api, "draws", noted):
        first, again, other = (maps_of(method, case, seed=seed, **given) for seed in (1, 1, 2))
    same(again, first, "the same seed again")
    changed, random = any(not torch.equal(first[one], other[one]) for one in first), method.random
    random = bool(drawn) if random is None else random
    hold(
        changed == random,
        f"it draws {'at random' if random else 'nothing'}, and another seed gives {'other' if changed else 'the same'} maps",
    )


@promise("method", on=STANDINS)
def is_finite_on_extreme_images(method, case):
    """Finite float32 maps (N, C, H, W) of all registered variants, also of black, white and grey images and a negative logit."""
    case = cut(method, replace(case, **extreme(case)))
    maps, variants = maps_of(method, case), method.entry.facts["variants"]
    hold(tuple(maps) == variants, f"variants {', '.join(maps)}; registered: {', '.join(variants)}")
    for variant, values in maps.items():
        hold(values.dtype == torch.float32 and values.device.type == "cpu", f"{variant}: {values.dtype} on {values.device}")
        hold(values.shape == case.x.shape, f"{variant}: shape {tuple(values.shape)}; the images' is {tuple(case.x.shape)}")
        hold(torch.isfinite(values).all(), f"{variant}: values that are not finite")


@promise("method", on=STANDINS)
def costs_what_it_registers(method, case):
    """The gradients and forward passes that it takes are those registered."""
    case, rows = cut(method, case), []

    def noted(steps):
        answer = None
        while True:
            try:
                ask = steps.send(answer)
            except StopIteration as end:
                return end.value
            rows.append(len(ask.points) if ask.rule == LOGITS else 0)
            answer = yield ask

    counted = integrate.counted
    with mock.patch.object(integrate, "counted", lambda steps: counted(noted(steps))):
        counts = attribute_counted(method.name, case.classifier, **arguments(method, case))[1]
    gradients, forwards = counts["gradients"].to_numpy(), len(case.x) * cost(method, "forwards", case)
    hold(sum(rows) == forwards, f"{sum(rows)} forward passes for {len(case.x)} images; registered: {forwards}")
    hold(method.entry.facts["family"] or counts["forwards"].sum() == forwards, f"{counts['forwards'].sum()} told; {forwards} taken")
    if method.entry.facts["family"]:
        hold(method.gradients is None or (gradients == method.gradients).all(), f"{gradients} gradients")
        return
    registered = cost(method, "gradients", case)
    fits = (gradients >= 1) & (gradients <= registered) if method.name in MAY_STOP_EARLY else gradients == registered
    hold(fits.all(), f"{', '.join(map(str, gradients))} gradients an image; registered: {registered}")


@promise("method", on=("smooth",))
def explains_or_refuses_every_objective(method, case):
    """Every objective is explained if registered, else refused by name; the first one is the default."""
    accepted, maps = method.entry.facts["objectives"], {}
    for objective in ALL_OBJECTIVES:
        if objective in accepted:
            maps[objective] = maps_of(method, case, objective=objective)
            finite = all(torch.isfinite(values).all() for values in maps[objective].values())
            hold(finite, f"{objective}: values that are not finite")
        else:
            with refused(f"objective {objective}", method.name, repr(objective), *accepted):
                maps_of(method, case, objective=objective)
    same(maps_of(method, case), maps[accepted[0]], "without an objective")


@promise("method", on=("smooth",))
def refuses_variants_that_do_not_apply(method, case):
    """A variant that it does not give is refused by name; one that it gives comes alone if asked for."""
    variants = method.entry.facts["variants"]
    with refused("variant other", method.name, *variants, "other"):
        maps_of(method, case, variants=("vanilla", "other"))
    found = tuple(maps_of(method, case, variants=variants[-1:]))
    hold(found == variants[-1:], f"asked for {variants[-1]}, got {', '.join(found)}")


@promise("method", on=("smooth",))
def refuses_bad_parameters(method, case):
    """An unknown parameter is refused by name, and so is a count below one or a number that is none."""
    with refused("parameter nonsense", method.name, "'nonsense'"):
        maps_of(method, case, nonsense=1)
    for name, default in method.entry.parameters().items():
        bad = {int: 0, float: math.nan}.get(type(default))
        if bad is not None and name not in method.entry.facts["fitted"]:
            with refused(f"{name}={bad}", name, str(bad)):
                maps_of(method, case, **{name: bad})


@promise("method", on=("smooth",))
def refuses_what_is_missing_or_not_needed(method, case):
    """What it needs is asked for by name where it is missing; what it does not need is refused."""
    facts = method.entry.facts
    for need in GIVEN:
        if need in facts["needs"]:
            with refused(f"without {need}", method.name, need, facts["baseline"] if need == "baselines" else ""):
                maps_of(method, case, **{need: None})
        elif not (facts["family"] and need == "baselines"):  # a member may take parameters of any name
            value = case.baselines("constant") if need == "baselines" else getattr(case, need)
            with refused(f"with {need}", method.name, f"does not use {need}"):
                maps_of(method, case, **{need: value})


@promise("method", on=("smooth",), when=needs_baselines)
def refuses_baselines_of_another_shape(method, case):
    """Baselines of another shape are refused with the one that is accepted."""
    (count, *shape), ways = case.x.shape, case.baselines("constant").shape[1] + 1
    accepted = ", ".join(map(str, (count, "B", *shape)))
    for bad in ((count, *shape), (count - 1, ways, *shape), (count, ways, *shape[:2], shape[2] - 1), (count, 0, *shape)):
        with refused(f"baselines of shape {bad}", f"shape {bad}", f"({accepted})"):
            maps_of(method, case, baselines=torch.zeros(bad))


@promise("method", on=("smooth",), when=lambda method: needs_baselines(method) and "steps" in method.entry.parameters())
def takes_any_number_of_baselines(method, case):
    """Any number of baselines may be given; each counts, and the registered cost heeds how many there are."""
    given = torch.cat([case.baselines("constant"), case.baselines("compute_baseline")], 1)
    count, steps = given.shape[1], 2 * given.shape[1]
    options = arguments(method, case) | dict(baselines=given, steps=steps)
    maps, counts = attribute_counted(method.name, case.classifier, **options)
    values = method.entry.parameters() | dict(steps=steps, baselines=count)
    registered, found = eval(method.entry.facts["gradients"], {"__builtins__": {}}, values), counts["gradients"].tolist()
    hold(found == [registered] * len(found), f"{found} gradients with {count} baselines; registered: {registered}")
    hold(not torch.equal(maps["vanilla"], maps_of(method, case, steps=steps)["vanilla"]), f"{count} baselines give the maps of one")
