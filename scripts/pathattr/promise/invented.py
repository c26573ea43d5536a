"""Results that are invented, for what draws and judges: numbers without meaning, of the shapes that real ones have."""

import functools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .. import registry, source
from ..config import load
from ..dataset.split import Split
from ..found import KEYS, Found
from ..job import Given
from ..plan import Plan
from ..rng import generator
from ..strict import read_yaml
from ..study import SECTIONS, Drawn
from . import CONFIG, Broken, Untried, cases
from .metric import SMALL, boxes_for, maps_for, masks_for

ROOT = source.LIBRARY.parents[1]
IMAGES, TRAIN, SIZE = 24, 96, 32
FIRST = {"Method": "ig", "Methods": ["ig", "eg"], "Metric": "diffid", "Score": "diffid_probability_auc", "Images": IMAGES}
FIRST |= {"Scores": ["diffid_probability_auc"], "Pairs": [["ig", "eg"]], "Forms": ["ig", "eg"], "Sweep": {"ig": {"steps": [2, 5]}}}
FIRST |= {"MetricScores": {"diffid": ["diffid_probability_auc"]}}
PLACE = "lpi"  # the paper under which what no entry of the configuration names is tried


@dataclass(frozen=True)
class Drawing:
    """A kind of artefact or claim, `known`, as an entry of the configuration has it, `drawn`, in its `plan`."""

    known: source.Registered
    plan: Plan
    drawn: Drawn

    @functools.cached_property
    def caption(self) -> str:
        return self.plan.caption(self.drawn)

    def run(self):
        """What its function gives for invented results."""
        kind = SECTIONS[self.drawn.section]
        return registry.get(kind, self.known.name).function(Invented(self.plan, self.drawn), **self.drawn.values)


def drawing(kind: str, name: str) -> Drawing:
    """A kind of artefact or claim by its registered name: the first entry of config.yaml that uses it, else one made up from its
    parameters. Raises `InputError` for an unknown name, and where the configuration is wrong."""
    known, section = source.lookup(kind, name), next(one for one, of in SECTIONS.items() if of == kind)
    for (_, part, _), drawn in _plan().study.drawn.items():
        if part == section and drawn.known.name == name:
            return Drawing(known, _plan(), few(drawn))
    config = read_yaml(CONFIG)
    of = config["papers"][PLACE]
    told = {"says": "checked", "where": "here", "artefacts": list(of["artefacts"])[:1]}
    entry = {kind: name} | (told if kind == "claim" else {})
    for one in known.parameters:
        if one.required and one.name not in of.get("defaults", {}) and one.names != "Models":
            value = next(iter(of["models"])) if one.names == "Model" else FIRST.get(one.names)
            if value is None:
                raise Untried(f"no entry of config.yaml uses it, and nothing says what its parameter {one.name} may be")
            entry[one.name] = value
    of[section] = {**of.get(section, {}), "checked": entry}
    plan = _planned(config)
    return Drawing(known, plan, few(plan.study.drawn[PLACE, section, "checked"]))


@functools.cache
def _plan() -> Plan:
    """The plan of config.yaml."""
    return _planned(read_yaml(CONFIG))


def _planned(config: dict) -> Plan:
    return Plan(load(config, ROOT / "resources" / "config.schema.yaml"), ROOT)


def few(drawn: Drawn) -> Drawn:
    """The same of few images."""
    for one in drawn.known.parameters:
        if one.names == "Images" and drawn.values[one.name]:
            drawn.values[one.name] = min(drawn.values[one.name], IMAGES)
    return drawn


class Needed(Given):
    """Files by role: there are none here, and a role that was not asked for is not to be read."""

    def __init__(self, needs, params: dict):
        super().__init__({}, params)
        self.needs = needs

    def __getitem__(self, role: str):
        self.check(role)
        raise Untried(f"it reads the files of {role}")

    def check(self, role: str):
        if role not in self.needs:
            raise Broken(f"it reads {role}, which is not among its needs: {', '.join(self.needs) or 'none'}")


class Invented(Found):
    """What a `Found` offers, made up: the same for the same configuration. Nothing is read that is not among the needs."""

    def __init__(self, plan: Plan, drawn: Drawn):
        self.plan, self.drawn = plan, drawn
        models = {
            key: {"model": model, "dataset": plan.config["models"][model]["dataset"], "stands_for": drawn.stands_for[key]}
            for key, model in drawn.models.items()
        }
        params = {"seed": 0, "models": models, "not_run": drawn.not_run, "settings": plan._settings(drawn)}
        params["not_applicable"] = drawn.not_applicable
        params |= {"metrics": {name: plan.study.metric(name) for name in drawn.metrics}, "background_images": None}
        params |= {"reported": plan._reported(drawn)}
        super().__init__(Needed(drawn.needs, params))

    def scores(self, names, variants=("vanilla",), models=None, methods=None, by=None) -> pd.DataFrame:
        self.given.check("scores")
        tables = {name: _measured(one["metric"]) for name, one in self.params["metrics"].items() if by in (None, name)}
        shape = pd.concat(tables.values())
        if missing := set(names) - set(shape["metric"]):
            raise Broken(f"it asks for scores {', '.join(sorted(missing))}; there are: {', '.join(sorted(set(shape['metric'])))}")
        shape, parts = shape[shape["metric"].isin(list(names))].reset_index(drop=True), []
        ids = [f"test-{number:06d}" for number in range(self.drawn.first("scores"))]
        rows, ends = shape.loc[shape.index.repeat(len(ids))], (shape["low"].to_numpy(), shape["high"].to_numpy())
        for model in models or self.models:
            for method in self.drawn.forms if methods is None else methods:
                for variant in variants:
                    noise = generator(0, "invented", model, method, variant).normal(0, 0.1, (len(ids), len(shape)))
                    values = np.clip(shape["value"].to_numpy() + noise, *ends).T.ravel()
                    place = {"model": model, "method": method, "variant": variant, "image_id": ids * len(shape)}
                    told = {"value": values, "gradients": 20, "forwards": 1, "flat": False, "training": model, "valid": 0.5}
                    parts.append(rows[["metric", "x"]].assign(**place, **told))
        table = pd.concat(parts, ignore_index=True)[[*KEYS, *told]]
        return table.sort_values(KEYS, kind="stable", ignore_index=True)

    def map(self, model: str, method: str, position: int, variant: str = "vanilla") -> np.ndarray:
        self.given.check("maps")
        return generator(0, "invented", model, method, variant, position).normal(size=(3, SIZE, SIZE)).astype(np.float32)

    def _split(self, role: str, dataset: str) -> Split:
        self.given.check(role)
        made = cases.photos()[role]
        repeated = np.resize(np.arange(len(made.pixels)), TRAIN if role == "train" else IMAGES)
        index = made.index.iloc[repeated].reset_index(drop=True)
        index["image_id"] = [f"{role}-{number:06d}" for number in range(len(index))]
        return Split(index, lambda position: made.pixels[repeated[position]], made.masks[repeated])

    def classifier(self, model: str):
        self.given.check("weights")
        return cases.named("resnet_small").classifier

    def accuracy(self, model: str) -> float:
        self.given.check("accuracy")
        return 0.9

    def trainings(self, model: str) -> list[tuple]:
        self.given.check("trainings")
        raise Untried("it reads what was saved with the trainings")

    def neighbourhoods(self, model: str, method: str):
        self.given.check("neighbourhoods")
        return cases.named("resnet_small").neighbourhoods

    def logits(self, model: str, split: str = "train", training: str | None = None) -> np.ndarray:
        self.given.check(f"{split}_logits")
        return generator(0, "invented", model, split).normal(size=(TRAIN if split == "train" else IMAGES, 10)).astype(np.float32)

    def predictions(self, model: str) -> pd.DataFrame:
        self.given.check("test_logits")
        logits = self.logits(model, "test")
        ids, label = [f"test-{number:06d}" for number in range(IMAGES)], logits.argmax(1)
        share = np.exp(logits).max(1) / np.exp(logits).sum(1)
        table = {"training": model, "image_id": ids, "label": np.where(np.arange(IMAGES) % 4, label, 0), "predicted": label}
        return pd.DataFrame(table | {"confidence": share})

    def reported(self, table: str) -> pd.DataFrame:
        self.given.check("reported")
        return super().reported(table)

    def table(self) -> pd.DataFrame:
        self.given.check("table")
        (name,) = [self.drawn.values[one.name] for one in self.drawn.known.parameters if one.names == "Table"]
        other = few(self.plan.study.drawn[self.drawn.paper, "artefacts", name])
        drawn = Drawing(other.known, self.plan, other).run()
        return drawn[0] if other.known.facts.get("table") else drawn[1]


@functools.cache
def _measured(metric: str) -> pd.DataFrame:
    """Scores of one image of a small network by a metric, with few steps: `metric` (the score), `x`, `value`, and its range `low`,
    `high`."""
    from ..api import measure

    entry, case = registry.get("metric", metric), cases.named("smooth")
    if entry.facts["retrains"]:
        raise Untried(f"it reads scores of {metric}, which trains networks")
    given = {"masks": masks_for(case.x)[:1], "boxes": boxes_for(case.x)[:1]} if entry.facts["needs"] else {}
    few = {name: SMALL[name, type(value)] for name, value in entry.parameters().items() if (name, type(value)) in SMALL}
    table = measure(metric, case.classifier, case.x[:1], case.target[:1], maps_for(case.x)[:1], **given, **few)
    known = entry.facts["scores"]
    spans = [known[name if name in known else name.removesuffix("_auc")][0] for name in table["metric"]]
    ends = [(-np.inf, np.inf) if span == "unbounded" else tuple(map(float, span.split(" to "))) for span in spans]
    return table.assign(low=[low for low, _ in ends], high=[high for _, high in ends])
