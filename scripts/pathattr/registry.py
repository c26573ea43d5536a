"""What the library knows by name: methods, metrics, datasets and architectures, each registered beside its code.

Registering records facts (paper, equation, cost, direction) for the tables that users and docs read. Looking a name
up imports only the module that registers it, which `source.registered()` finds without importing anything: so a job
loads, and its digest covers, just the code that it uses.
"""

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field

from . import source
from .errors import InputError

_entries: dict[tuple[str, str], "Entry"] = {}


@dataclass(frozen=True)
class Entry:
    """One registered function and what is known of it."""

    kind: str
    name: str
    function: Callable
    facts: dict = field(default_factory=dict)

    def parameters(self) -> dict:
        """Keyword parameters of the function with their defaults."""
        return {
            name: parameter.default
            for name, parameter in inspect.signature(self.function).parameters.items()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        }


def _register(kind: str, name: str, facts: dict) -> Callable:
    def decorate(function):
        known = _entries.get((kind, name))
        if known and known.function.__module__ != function.__module__:
            raise ValueError(f"{kind} {name!r} is registered twice: {known.function.__module__}, {function.__module__}")
        _entries[kind, name] = Entry(kind, name, function, facts)
        return function

    return decorate


def method(name: str, *, paper: str, equation: str, gradients: str, needs=(), variants=("vanilla", "absolute"), fitted=()):
    """Register an attribution method.

    `gradients`: cost for one image, an expression in the parameters ("references * steps").
    `needs`: of "background" (training images), "neighbourhoods" (LPI's) and "logits" (of the image itself).
    `variants`: what the same gradients give (see `integrate.Integral`).
    `fitted`: parameters that shape what is fitted beforehand (LPI's neighbourhoods) and not the attribution itself.
    """
    return _register(
        "method",
        name,
        dict(
            paper=paper,
            equation=equation,
            gradients=gradients,
            needs=tuple(needs),
            variants=tuple(variants),
            fitted=tuple(fitted),
        ),
    )


def metric(name: str, *, paper: str, equation: str, forwards: str, scores: dict):
    """Register a metric.

    `forwards`: forward passes for one image, an expression in the parameters.
    `scores`: name of each number it gives -> (range, direction), the direction being "higher" or "lower" is better.
    """
    return _register("metric", name, dict(paper=paper, equation=equation, forwards=forwards, scores=scores))


def dataset(name: str, *, source: str, made: bool = False, paths=()):
    """Register a dataset; `made` ones are built by the workflow from embedded data, others are read where they lie.

    `paths`: parameters that name files or folders which must be there.
    """
    return _register("dataset", name, dict(source=source, made=made, paths=tuple(paths)))


def model(name: str, *, paper: str, published: bool = False):
    """Register an architecture; `published` ones come with weights and preprocessing from torchvision."""
    return _register("model", name, dict(paper=paper, published=published))


def get(kind: str, name: str) -> Entry:
    """The entry of that name, its module imported now if need be. Raises `InputError` naming what is known."""
    if (kind, name) not in _entries:
        known = source.registered(kind)
        if name not in known:
            raise InputError(f"unknown {kind} {name!r}; known: {', '.join(sorted(known))}")
        importlib.import_module(known[name].module)
    return _entries[kind, name]


def entries(kind: str) -> list[Entry]:
    """All entries of a kind, by name."""
    return [get(kind, name) for name in sorted(source.registered(kind))]
