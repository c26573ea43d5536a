"""What the library knows by name: methods, metrics, datasets, architectures, artefacts, claims, each registered beside its code.

Registering records facts (paper, equation, cost, direction) for the tables that users and docs read. Looking a name
up imports only the module that registers it, which `source.registered()` finds without importing anything: so a job
loads, and its digest covers, just the code that it uses.
"""

import importlib
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from . import source, values
from .errors import InputError

# What a parameter of an artefact or claim names in the configuration; see `source.NAMES` for the shapes of their values. In
# the function: Model(s), keys of `found.models`; Method(s), Pairs, names in its scores and maps; Sweep, `Point`s;
# Forms, `Form`s. MetricScores: an entry of `metrics` -> some of its scores.
Model = Method = Metric = Score = Table = Reported = str
Models = Methods = Scores = Pairs = Variants = list
Sweep = Forms = list
MetricScores = dict
Images = int

ALL_OBJECTIVES = ("logit", "probability", "log_probability", "loss")
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

    def check(self, given: dict, there=None, **more):
        """Raise `InputError` unless the parameters of a call fit the function's annotations, and its conditions hold. `there`: see
        `values.accepted`; `more`: what the conditions name besides parameters."""
        known = {one.name: one for one in source.parameters(self.function)}
        own = [name for name in self.parameters() if name not in self.facts.get("fitted", ())]
        for name, value in given.items():
            if name in self.facts.get("sets", ()) and name not in own:
                raise InputError(f"{self.name}: found {name}, which pathattr sets itself; accepted: without")
            if name not in own and not self.facts.get("family"):
                raise InputError(f"{self.name}: unknown parameter {name!r}; {values.among(name, own)}")
            if name in known and (found := values.fault(value, known[name].type, there)):
                place, _, schema = found
                at = f" at {place[0] + 1}" if place else ""
                raise InputError(f"{self.name}: {name} is {value!r}; accepted{at}: {values.accepted(schema, there)}")
        if said := values.broken(self.facts.get("holds"), self.parameters() | given, more):
            raise InputError(f"{self.name}: {said}")

    def passes(self, kind: str, shape, **given) -> int:
        """The registered cost of one image of `shape` (C, H, W), `kind` "gradients" or "forwards", at these parameters.

        `given`: parameters other than by default, and `baselines`, how many, where the cost depends on it.
        """
        channels, height, width = shape
        known = {
            "ceil": math.ceil,
            "len": len,
            "height": height,
            "width": width,
            "pixels": height * width,
            "elements": channels * height * width,
        }
        return int(eval(self.facts[kind], {"__builtins__": {}}, known | self.parameters() | given))


def _register(kind: str, name: str, facts: dict) -> Callable:
    def decorate(function):
        known = _entries.get((kind, name))
        if known and known.function.__module__ != function.__module__:
            raise ValueError(f"{kind} {name!r} is registered twice: {known.function.__module__}, {function.__module__}")
        _entries[kind, name] = Entry(kind, name, function, facts)
        return function

    return decorate


def method(
    name: str,
    *,
    paper: str,
    equation: str,
    gradients: str,
    defaults: str = "",
    limits: str = "",
    forwards: str = "0",
    objectives=ALL_OBJECTIVES,
    needs=(),
    variants=("vanilla", "absolute"),
    fitted=(),
    holds=None,
    baseline: str = "",
    excludes=(),
    nested=(),
    within=(),
    family: bool = False,
    sets=(),
):
    """Register an attribution method.

    `gradients`: cost for one image, an expression in the parameters ("references * steps"), and `forwards`: forward passes
    without one; `elements` and `pixels` stand for the image's, `baselines` for how many it has.
    `defaults`: where the default parameters come from. `limits`: what the method cannot do.
    `objectives`: what it can differentiate, the first by default.
    `needs`: of "background" (training images), "neighbourhoods" (LPI's), "logits" (of the image itself) and "baselines" (of
    the image itself, by default as the registered `baseline` computes them).
    `variants`: what the same gradients give (see `integrate.Integral`).
    `fitted`: parameters that shape what is fitted beforehand (LPI's neighbourhoods) and not the attribution itself.
    `holds`: what its parameters must be to each other, an expression in them and `baselines` -> the same in words.
    `excludes`: of "attention": blocks that the method has no rule for: it does not apply to architectures that are known to have
    them; of others it finds out when it runs (`errors.NotApplicable`).
    `nested`: parameters of which a run with a larger value (of a word: with both) passes through the sums of all smaller ones, so
    that these come with it (`upto` in the configuration and in `attribute`).
    `within`: (method, map): another method and which of its maps this is, at the same parameters; draws are then keyed by that
    method's name, and the workflow takes the map from its run where it makes one.
    `family`: the name goes with another one, NAME:OTHER, which the function gets as `name`; of the others' parameters it `sets`
    some itself.
    """
    facts = dict(locals())
    return _register("method", facts.pop("name"), facts)


def baseline(name: str, *, paper: str, equation: str, gradients: str, defaults: str = ""):
    """Register a way to compute baselines of an image, for methods that need them; facts as for `method`."""
    return _register("baseline", name, dict(paper=paper, equation=equation, gradients=gradients, defaults=defaults))


def metric(
    name: str,
    *,
    paper: str,
    equation: str,
    forwards: str,
    scores: dict,
    needs=(),
    unsigned: bool | str = False,
    probe: str = "",
    retrains: bool = False,
    missing=(),
):
    """Register a metric.

    `forwards`: forward passes for one image, an expression in the parameters.
    `scores`: name of each number it gives -> (range, direction), the direction being "higher" or "lower" is better.
    `needs`: of "mask", where the object is, and "box", its bounding box.
    `unsigned`: whether a map and its absolute values score alike, or the parameter that says so.
    `probe`: the registered probe whose outputs it reads, as `image.probe`.
    `retrains`: it is no function of one image: it trains networks on images that maps have changed. It gets (network, data, maps,
    **parameters), `data` a `training.data.Data` and maps a mapping, "train" and "test" -> (N, C, H, W), and gives
    score -> (x (K,), values (test images, K)). Its parameter `train` says how many of the training images, the first ones, it uses.
    `missing`: scores that are nan for an image that has none.
    """
    facts = dict(locals())
    return _register("metric", facts.pop("name"), facts)


def probe(name: str, *, paper: str, equation: str, forwards: str):
    """Register what a metric asks of the network that does not depend on a map, so that it is computed once a model.

    A generator about one image, `f(image, **parameters)`, which yields `Ask` and returns arrays by name, of the same shapes for all
    images. Random draws, `image.draws`, are keyed by the probe's name, also in the metrics that read it.
    """
    return _register("probe", name, dict(paper=paper, equation=equation, forwards=forwards))


def training(name: str, *, paper: str, equation: str = "", holds=None):
    """Register a way to train a network, `f(network, data, **parameters)`: in place, on `data` (a `training.data.Data`). Returns
    what is worth knowing of it, for the JSON file beside the weights. `holds` as for `method`.
    """
    return _register("training", name, dict(paper=paper, equation=equation, holds=holds or {}))


def dataset(
    name: str, *, source: str, made: bool = False, paths=(), folders: bool = False, classes: int = 0, size: int = 0, holds=None
):
    """Register a dataset; `made` ones are built by the workflow from embedded data, others are read where they lie.

    `paths`: parameters that name files or folders which must be there, "root/train" for one within another. If it has a parameter
    `changes`, other than "ignored", what these look like is part of the data set's digest (see `dataset.stamp`).
    `folders`: whether their subfolders are classes, to be checked before the first job.
    `classes`: how many it has, of a made one. `size`: pixels of the images' shorter side, where no parameter of that name says it.
    `holds` as for `method`.
    """
    facts = dict(locals())
    return _register("dataset", facts.pop("name"), facts)


def model(name: str, *, paper: str, published: bool = False, attention=False):
    """Register an architecture; `published` ones come with weights and preprocessing from torchvision.

    `attention`: whether it has attention blocks; of a `published` family, how the names of those that have begin.
    """
    return _register("model", name, dict(paper=paper, published=published, attention=attention))


def artefact(name: str, *, needs=(), table: bool = False, holds=None, takes=None, gaps: bool = False):
    """Register a kind of figure, or of `table`. Its docstring is its caption, in reStructuredText: {parameter} stands for a
    parameter's value, {models} for the models with those whose place they take.

    The function gets `found` (a `found.Found`: what it needs, opened), and its parameters as the config line gives them, and
    returns (figure, data) or, for a table, (data, as shown): pandas tables.

    `needs`: roles, of "scores" (of `metric`), "maps", "baselines", "neighbourhoods" (of the methods that have them), "train",
    "test" (splits), "train_logits", "test_logits", "weights" (of the models), "accuracy" (saved with these), "trainings" (weights
    of all of their trainings), "reported" (the paper's printed numbers), "table" (another artefact's), and "labels", if it means
    nothing without. Scores and maps are of the first `images` test images; a mapping gives for each role the parameter that says
    how many.
    `holds` as for `method`; of a sweep there are `series`, how many methods, `changed`, at most how many parameters a point
    changes, and `swept`, those that every point gives a number. `takes`: what each of its methods must be, an expression in
    `method` (as registered), `needs`, `gives` (variants) and `fitter` (of its baselines, or "") -> the same in words.
    `gaps`: it shows by itself where a method does not apply (`found.not_run`, `found.not_applicable`); any other is drawn
    without such methods, which are named beside it (see `gaps`).
    """
    return _register("artefact", name, dict(needs=needs, table=table, holds=holds or {}, takes=takes or {}, gaps=gaps))


def claim(name: str, *, needs=(), holds=None, takes=None, gaps: bool = False):
    """Register a comparison that a paper's sentence is judged by; `needs`, `holds`, `takes` and `gaps` as for `artefact`.

    The function gets `found` and its parameters, and returns a `judging.Judged`.
    """
    return _register("claim", name, dict(needs=needs, holds=holds or {}, takes=takes or {}, gaps=gaps))


def get(kind: str, name: str) -> Entry:
    """The entry of that name, its module imported now if need be. Raises `InputError` naming what is known."""
    return _entry(kind, source.lookup(kind, name))


def entries(kind: str) -> list[Entry]:
    """All entries of a kind, by name."""
    return [_entry(kind, found) for _, found in sorted(source.registered(kind).items())]


def _entry(kind: str, found: source.Registered) -> Entry:
    if (kind, found.name) not in _entries:
        importlib.import_module(found.module)
    return _entries[kind, found.name]
