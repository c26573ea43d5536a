"""What every way to compute baselines promises."""

from dataclasses import replace

import numpy as np
import torch

from ..api import baselines
from ..integrate import Image, counted, draws, evaluate
from ..registry import Entry, get
from . import STANDINS, hold, promise, refused
from .cases import CHEAP, extreme, threads

COLUMNS = ["image_id", "number", "met", "iterations", "distance", "gradients"]


def subject(name: str) -> Entry:
    """The way of that name."""
    return get("baseline", name)


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


def same(found, expected, what: str, rows=None):
    """The same baselines and rows of the table, bit for bit, as those expected of some of the images."""
    (pixels, table), (whole, complete) = found, expected
    rows = list(range(len(whole)) if rows is None else rows)
    hold(torch.equal(pixels, whole[rows]), f"{what}: other pixels")
    names = list(dict.fromkeys(complete["image_id"]))
    wanted = [complete[complete["image_id"] == names[row]].to_dict("list") for row in rows]
    got = [table[table["image_id"] == names[row]].to_dict("list") for row in rows]
    hold(got == wanted and len(table) == sum(len(one["image_id"]) for one in wanted), f"{what}: other rows of the table")


@promise("baseline")
def says_what_it_is(entry):
    """A docstring, its paper and its equation, and a cost."""
    hold((entry.function.__doc__ or "").strip(), "no docstring")
    hold(entry.facts["paper"] and entry.facts["equation"], "no paper or no equation")
    hold(most(entry, {}) >= 0, f"gradients {entry.facts['gradients']!r}")


@promise("baseline", on=STANDINS)
def does_not_depend_on_its_company(entry, case):
    """Baselines are the same bit for bit: alone, in any order, in shards, in micro-batches of any size, on any threads."""
    whole, count = of(entry, case), len(case.x)
    for row in range(count):
        same(of(entry, case, [row]), whole, f"image {row} alone", [row])
    backwards = list(reversed(range(count)))
    same(of(entry, case, backwards), whole, "backwards", backwards)
    for rows in (range(2), range(2, count)):
        same(of(entry, case, rows), whole, "in two shards", rows)
    for micro_batch in (32, 64):
        same(of(entry, case, micro_batch=micro_batch), whole, f"micro_batch {micro_batch}")
    with threads() as set_threads:
        for number in (1, 2, 4):
            set_threads(number)
            same(of(entry, case), whole, f"{number} threads")


@promise("baseline", on=("smooth",))
def is_fixed_by_the_seed(entry, case):
    """The same seed gives the same baselines."""
    same(of(entry, case, seed=1), of(entry, case, seed=1), "the same seed again")


@promise("baseline", on=STANDINS)
def is_finite_on_extreme_images(entry, case):
    """Finite float32 pixels in [0, 1], (N, B, C, H, W), also of black, white and grey images and a negative logit."""
    case = replace(case, **extreme(case))
    pixels, table = of(entry, case)
    hold(pixels.dtype == torch.float32 and pixels.device.type == "cpu", f"{pixels.dtype} on {pixels.device}")
    fits = pixels.ndim == 5 and len(pixels) == 4 and pixels.shape[1] >= 1 and pixels.shape[2:] == case.x.shape[1:]
    hold(fits, f"shape {tuple(pixels.shape)}; the images' is {tuple(case.x.shape)}")
    hold(torch.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 1, "pixels that are not in [0, 1]")
    hold(np.isfinite(table["distance"]).all(), "distances that are not finite")


@promise("baseline", on=STANDINS)
def tells_what_it_took(entry, case):
    """The table has a row a baseline, with the gradients really taken, and no more than registered."""
    pixels, table = of(entry, case)
    count = pixels.shape[1]
    hold(list(table.columns) == COLUMNS, f"columns {', '.join(table)}; accepted: {', '.join(COLUMNS)}")
    hold(table["image_id"].tolist() == [name for name in case.ids for _ in range(count)], "not a row a baseline, image by image")
    hold(table["number"].tolist() == list(range(count)) * len(case.x), "numbers that are not 0, 1, ...")
    hold(table["met"].dtype == bool, f"met is {table['met'].dtype}")
    hold((table[["distance", "iterations", "gradients"]] >= 0).all(axis=None), "a negative distance, iteration or gradient")
    registered, taken = most(entry, CHEAP.get(entry.name, {})), table.groupby("image_id")["gradients"].sum()
    hold((taken <= registered).all(), f"{taken.max()} gradients; registered: {registered}, at most")
    hold((registered > 0) == (table["gradients"] > 0).all(), f"registered: {registered} gradients, told: {taken.min()}")
    for number, name in enumerate(case.ids):
        asked = _asked(entry, case, number, name)
        hold(taken[name] == asked, f"{name}: {taken[name]} gradients told, {asked} asked for")


def _asked(entry, case, number: int, name: str) -> int:
    """Rows for which the walk of one image asks a gradient."""
    image = Image(case.x[number], case.target[number], name, draws(0, entry.name, name), 10)
    walk, answer = counted(entry.function(image, **CHEAP.get(entry.name, {}))), None
    try:
        while True:
            ask = walk.send(answer)
            target = ask.target
            target = target.expand(16, -1) if isinstance(target, torch.Tensor) else torch.full((16,), target)
            points = torch.cat([ask.points, torch.zeros(15, *image.x.shape)])
            answer = evaluate(case.classifier, "loss", points, target, ask.rule)
            gradient = None if answer.gradient is None else answer.gradient[:1]
            answer = replace(answer, logits=answer.logits[:1], gradient=gradient)
    except StopIteration as end:
        return end.value[1]


@promise("baseline", on=("smooth",))
def works_by_default(entry, case):
    """It works with its default parameters."""
    pixels, _ = baselines(entry.name, case.classifier, case.x[:1], case.target[:1])
    hold(pixels.shape[2:] == case.x.shape[1:], f"shape {tuple(pixels.shape)}")


@promise("baseline", on=("smooth",))
def refuses_bad_parameters(entry, case):
    """An unknown parameter is refused by name, and so is a count below one."""
    with refused("parameter nonsense", entry.name, "'nonsense'"):
        of(entry, case, nonsense=1)
    for name, default in entry.parameters().items():
        if type(default) is int:
            with refused(f"{name}=0", name, "0"):
                of(entry, case, **{name: 0})
