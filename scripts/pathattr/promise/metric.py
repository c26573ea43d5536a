"""What every metric promises."""

import numpy as np
import pandas as pd
import torch

from ..api import Measured, measure, probe
from ..integrate import draws
from ..registry import Entry, get
from . import STANDINS, hold, promise, refused
from .cases import threads

SMALL = {("fractions", int): 4, ("steps", int): 4, ("fractions", tuple): (0.1, 0.6), ("subsets", int): 5}  # by the default's type


def subject(name: str) -> Entry:
    """The metric of that name."""
    return get("metric", name)


def small(entry) -> dict:
    """Keyword arguments that make a metric or a probe cheap."""
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
    return measure(entry.name, case.classifier, **case.part(rows), maps=maps[rows], **needed, **small(entry) | options)


def same(found: pd.DataFrame, expected: pd.DataFrame, what: str):
    """The same rows bit for bit, the images in any order."""
    found, expected = (table.sort_values("image_id", kind="stable", ignore_index=True) for table in (found, expected))
    if not found.equals(expected):
        alike = found.shape == expected.shape and found.drop(columns="value").equals(expected.drop(columns="value"))
        apart = (found["value"] - expected["value"]).abs().max() if alike else None
        hold(False, f"{what}: " + ("other rows" if apart is None else f"scores differ by up to {apart:.3g}"))


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


def single(entry) -> bool:
    """Whether it measures one image at a time."""
    return not entry.facts["retrains"]


@promise("metric")
def says_what_it_is(entry):
    """A docstring, its paper and its equation; of each score the range and which direction is better."""
    facts = entry.facts
    hold((entry.function.__doc__ or "").strip(), "no docstring")
    hold(facts["paper"] and facts["equation"], "no paper or no equation")
    hold(facts["scores"], "no scores")
    hold(set(facts["needs"]) <= {"mask", "box"}, f"needs {', '.join(facts['needs'])}; accepted: mask, box")
    for score, (span, direction) in facts["scores"].items():
        hold(direction in ("higher", "lower"), f"{score}: direction {direction!r}; accepted: higher, lower")
        ends = span.split(" to ")
        hold(
            span == "unbounded" or len(ends) == 2 and float(ends[0]) < float(ends[1]),
            f"{score}: range {span!r}; accepted: LOW to HIGH",
        )


@promise("metric", on=STANDINS, when=single)
def does_not_depend_on_its_company(entry, case):
    """A score is the same bit for bit: alone, in any order, in shards, in micro-batches of any size, on any number of threads."""
    with threads() as set_threads:
        whole, count = table_of(entry, case), len(case.x)
        same(pd.concat([table_of(entry, case, [row]) for row in range(count)]), whole, "each image alone")
        same(table_of(entry, case, reversed(range(count))), whole, "backwards")
        same(pd.concat([table_of(entry, case, rows) for rows in (range(2), range(2, count))]), whole, "in two shards")
        for micro_batch in (16, 64):
            same(table_of(entry, case, micro_batch=micro_batch), whole, f"micro_batch {micro_batch}")
        for number in (1, 2, 4):
            set_threads(number)
            same(table_of(entry, case), whole, f"{number} threads")


@promise("metric", on=STANDINS, when=single)
def gives_what_it_registers(entry, case):
    """The scores are those registered (NAME, or NAME_auc), finite and within their range."""
    table, scores = table_of(entry, case), entry.facts["scores"]
    hold(list(table.columns) == ["image_id", "metric", "x", "value"], f"columns {', '.join(table)}")
    hold(table["image_id"].drop_duplicates().tolist() == case.ids, "not every image, in the order given")
    found = {name if name in scores else name.removesuffix("_auc") for name in table["metric"]}
    hold(found == set(scores), f"scores {', '.join(sorted(found))}; registered: {', '.join(sorted(scores))}")
    for name, (span, _) in scores.items():
        values = table.loc[table["metric"].isin([name, f"{name}_auc"]), "value"]
        hold(np.isfinite(values).all(), f"{name}: values that are not finite")
        low, high = (-np.inf, np.inf) if span == "unbounded" else map(float, span.split(" to "))
        hold(values.between(low, high).all(), f"{name} lies in {values.min():g} to {values.max():g}; registered: {span}")


@promise("metric", on=STANDINS, when=single)
def measures_extreme_maps(entry, case):
    """Constant, tiny and huge maps are measured."""
    for value in (0.0, 1.0, 1e30, -1e-30):
        hold(len(table_of(entry, case, maps=torch.full_like(case.x, value))), f"a map of {value:g}: no rows")


@promise("metric", on=STANDINS, when=single)
def costs_what_it_registers(entry, case):
    """The forward passes that it takes are those registered, its probe's among them."""
    more, before = {}, 0
    if entry.facts["probe"]:
        probed = get("probe", entry.facts["probe"])
        more["probe"], before = walked(probed, case, probed.name)
        hold(before == cost(probed) > 0, f"{before} forward passes by its probe; registered: {cost(probed)}")
    _, passes = walked(entry, case, entry.facts["probe"] or entry.name, maps_for(case.x)[0], **more)
    hold(before + passes == cost(entry), f"{before + passes} forward passes an image; registered: {cost(entry)}")


@promise("metric", on=STANDINS, when=lambda entry: entry.facts["probe"])
def is_the_same_probed_beforehand(entry, case):
    """What is probed beforehand gives the same scores; a parameter that its probe has too has the same default."""
    known = get("probe", entry.facts["probe"])
    for name in known.parameters().keys() & entry.parameters().keys():
        defaults = known.parameters()[name], entry.parameters()[name]
        hold(defaults[0] == defaults[1], f"{name} is {defaults[1]} by default, and {defaults[0]} in its probe")
    beforehand = probe(known.name, case.classifier, case.x, case.target, ids=case.ids, **small(known))
    same(table_of(entry, case, probed=beforehand), table_of(entry, case), "probed beforehand")


@promise("metric", on=STANDINS, when=single)
def says_whether_it_reads_signs(entry, case):
    """A map and its absolute values score alike where `unsigned` says so, and differ where it does not."""
    unsigned, maps = entry.facts["unsigned"], maps_for(case.x)
    for choice in (True, False) if isinstance(unsigned, str) else (None,):
        chosen = {} if choice is None else {unsigned: choice}
        alike = table_of(entry, case, maps=maps, **chosen).equals(table_of(entry, case, maps=maps.abs(), **chosen))
        promised = unsigned is True or choice is True
        hold(
            alike == promised,
            f"{'alike' if alike else 'different'}, and unsigned is {unsigned!r}{'' if choice is None else f', {choice}'}",
        )


@promise("metric", on=STANDINS, when=lambda entry: single(entry) and entry.facts["needs"])
def asks_for_masks_and_boxes(entry, case):
    """Without the masks or boxes that it needs, or with too few, it is refused."""
    regions = {"mask": ("masks", masks_for(case.x)), "box": ("boxes", boxes_for(case.x))}
    arguments = entry.name, case.classifier, case.x, case.target, maps_for(case.x)
    for need in entry.facts["needs"]:
        name, values = regions[need]
        with refused(f"without {name}", f"{entry.name} needs", "accepted: a data set that has"):
            measure(*arguments, **({} if need == "mask" else {"masks": masks_for(case.x)}))
        every = dict(regions.values()) | {name: values[:1]}
        with refused(f"{name} of one image", f"{name} have shape"):
            measure(*arguments, **every)


@promise("metric", on=("smooth",), when=single)
def refuses_bad_parameters(entry, case):
    """An unknown parameter is refused by name, and so is a count below one or a number that is none."""
    with refused("parameter nonsense", entry.name, "'nonsense'"):
        table_of(entry, case, nonsense=1)
    for name, default in entry.parameters().items():
        bad = {int: 0, float: float("nan")}.get(type(default))
        if bad is not None:
            with refused(f"{name}={bad}", name, str(bad)):
                table_of(entry, case, **{name: bad})
