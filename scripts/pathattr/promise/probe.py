"""What every probe promises: what metrics ask of a network that does not depend on a map."""

import numpy as np

from ..api import probe
from ..registry import Entry, get
from . import STANDINS, hold, promise
from .cases import threads
from .metric import cost, small, walked


def subject(name: str) -> Entry:
    """The probe of that name."""
    return get("probe", name)


@promise("probe")
def says_what_it_is(entry):
    """A docstring, its paper and its equation."""
    hold((entry.function.__doc__ or "").strip(), "no docstring")
    hold(entry.facts["paper"] and entry.facts["equation"], "no paper or no equation")


@promise("probe", on=STANDINS)
def does_not_depend_on_its_company(entry, case):
    """What it finds is the same bit for bit: alone, in any order, in micro-batches of any size, on any number of threads."""
    rows = range(len(case.x))

    def probed(some=rows, **options):
        found = probe(entry.name, case.classifier, **case.part(list(some)), **small(entry), **options)
        hold(all(len(values) == len(some) for values in found.values()), "not a row an image")
        return found

    whole = probed()
    alone = [probed([row]) for row in rows]
    backwards, large = probed(list(reversed(rows))), probed(micro_batch=64)
    for name, values in whole.items():
        hold(np.array_equal(values, np.concatenate([one[name] for one in alone])), f"{name}: other values alone")
        hold(np.array_equal(values, backwards[name][::-1]), f"{name}: other values backwards")
        hold(np.array_equal(values, large[name]), f"{name}: other values with micro_batch 64")
    with threads() as set_threads:
        for number in (1, 2, 4):
            set_threads(number)
            hold(all(np.array_equal(found, whole[name]) for name, found in probed().items()), f"other values on {number} threads")


@promise("probe", on=STANDINS)
def costs_what_it_registers(entry, case):
    """The forward passes that it takes are those registered."""
    _, passes = walked(entry, case, entry.name)
    hold(passes == cost(entry), f"{passes} forward passes an image; registered: {cost(entry)}")
