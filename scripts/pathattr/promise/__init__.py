"""What everything that is registered promises, each promise tried: by the tests on all, by `make check NAME=...` on one.

A file a kind. A promise is a function whose docstring begins with what is promised, in one line. It is tried on a subject, what is
checked, and on each of some small networks with images of their own (`cases`). It returns where it holds; any error breaks it.
"""

import contextlib
import importlib
from collections.abc import Callable
from dataclasses import dataclass

from .. import source
from ..errors import InputError

KINDS = ("method", "metric", "probe", "baseline", "dataset", "model", "artefact", "claim")
CONFIG = source.LIBRARY.parents[1] / "config.yaml"
STANDINS = ("resnet_small", "vgg_small")
_promises: dict[str, list["Promise"]] = {kind: [] for kind in KINDS}


class Broken(AssertionError):
    """A promise does not hold; the text says what was found."""


class Untried(Exception):
    """A promise cannot be tried here; the text says why."""


@dataclass(frozen=True)
class Promise:
    """`says`: what is promised. `function(subject)`, or `function(subject, case)` for each of the cases `on`. `when(subject)`:
    whether the subject promises this at all."""

    says: str
    function: Callable
    on: tuple[str, ...]
    when: Callable

    def __str__(self) -> str:
        return self.function.__name__

    def keep(self, subject, case: str = ""):
        """Try it on one of its cases, or on all. Raises `Broken`, `Untried`, or what the subject raises."""
        from . import cases

        for name in (case,) if case else self.on:
            self.function(subject, cases.named(name))
        if not self.on:
            self.function(subject)


def promise(kind: str, *, on=(), when=lambda subject: True):
    """Declare what everything of a kind promises."""

    def declare(function):
        says = function.__doc__.strip().splitlines()[0].rstrip(".")
        _promises[kind].append(Promise(says, function, tuple(on), when))
        return function

    return declare


def promises(kind: str) -> list[Promise]:
    """What everything of a kind promises, in the order of its file."""
    importlib.import_module(f"{__name__}.{kind}")
    return _promises[kind]


def subject(kind: str, name: str):
    """What the promises of a kind are tried on, by its registered name. Raises `InputError` naming what is known."""
    return importlib.import_module(f"{__name__}.{kind}").subject(name)


def entry(section: str, name: str) -> dict | None:
    """An entry of config.yaml's `datasets` or `models`; None where there is none, or no config.yaml (an installed library)."""
    if not CONFIG.is_file():
        return None
    from ..strict import read_yaml

    return (read_yaml(CONFIG).get(section) or {}).get(name)


def hold(condition, what: str):
    """Break the promise unless the condition is true."""
    if not condition:
        raise Broken(what)


@contextlib.contextmanager
def refused(what: str, *words: str):
    """The block raises an `InputError`, one line that has all the words. `what`: what is tried, in words."""
    try:
        yield
    except InputError as error:
        line = str(error)
        hold(len(line.splitlines()) == 1, f"{what}: refused in several lines: {line}")
        for word in words:
            hold(word in line, f"{what}: refused, but without {word!r}: {line}")
    else:
        raise Broken(f"{what}: accepted")
