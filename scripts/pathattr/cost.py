"""What a configuration costs before anything is computed: passes of the networks, hours and gigabytes, a paper and an entry.

Every file that the plan asks for is counted once, at the registered cost of what makes it. No torch, no pandas: this runs
wherever the workflow starts.
"""

import argparse
import functools
import math
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

from . import source
from .errors import InputError
from .plan import Job, Plan, planned
from .registry import Entry
from .shards import shard_range, shard_split
from .strict import read_yaml
from .study import baselines_of, images_of
from .values import among

ROOT = source.LIBRARY.parents[1]
STAGES = {  # rules that run a network -> what they make
    "train_model": "trainings",
    "logits": "logits",
    "baselines": "baselines",
    "attribute": "maps",
    "probe": "probes",
    "measure": "scores",
    "retrain": "fine-tunings",
}
TRAININGS = {  # registered training -> networks trained; passes over all training images that these make together, as gradients
    "classification": ("1", "epochs"),
    "attribution_prior": (
        "1 if form == 'none' else 1 + len(strengths)",
        "(1 - held_out) * epochs * (1 if form == 'none' else 1 + len(strengths) * (1 + references))",
    ),
}
BYTES = {"float16": 2, "float32": 4}
SIDE = 224  # pixels a side of the image that the configuration's rates are of


@dataclass(frozen=True)
class Cost:
    """What one file takes: `each`, gradients and forward passes of one of its `count` images, or of its images' maps.

    `maps`: how many maps, or baselines, an image has there, or how many are scored. `trained`: images x epochs that networks are
    trained on, in `tunings` fine-tunings or `trainings`. `bytes`: of the arrays that are kept. `pixels`: of an image.
    """

    rule: str
    entry: str
    network: str
    split: str
    pixels: int
    count: int
    each: tuple[float, float] = (0, 0)
    maps: int = 0
    trained: float = 0
    tunings: int = 0
    trainings: int = 0
    bytes: int = 0

    @property
    def gradients(self) -> float:
        return self.count * self.each[0]

    @property
    def forwards(self) -> float:
        return self.count * self.each[1]


@dataclass(frozen=True)
class Data:
    """Of a dataset: the shape of an image, and how many images and classes it has, None where nobody says."""

    shape: tuple[int, int, int]
    images: dict[str, int | None]
    classes: int | None

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class MethodCost:
    """What a method takes on a model, its scores included: gradients and forward passes `each` image, forward passes of its scores,
    hours of one job at the configuration's rates, and bytes that are kept. `known`: whether the method says what it takes."""

    method: str
    model: str
    images: int
    each: tuple[float, float]
    scoring: float
    hours: float
    bytes: int
    known: bool

    @property
    def takes(self) -> str:
        """Its passes and hours, in words."""
        told = zip(self.each, ("gradients", "forward passes"), strict=True)
        passes = " and ".join(f"{_shown(number)} {what}" for number, what in told if number)
        return f"{passes or 'no passes'} an image, {_shown(self.hours)} hours for {self.images} images and their scores"


class Prices:
    """What any one file of a plan takes. `rates`: resources/rates.yaml. `unknown`: what nobody says, in words."""

    def __init__(self, plan: Plan, rates: dict):
        self.plan, self.rates, self.unknown = plan, rates, set()

    @functools.cache
    def of(self, path: str) -> Cost | None:
        """The cost of a file; None of one that no network is asked for."""
        job = self.plan.made[path]
        return getattr(self, f"_{job.rule}")(job, *job.place.split("/")) if job.rule in STAGES else None

    def by_method(self, paths: Iterable[str]) -> list[MethodCost]:
        """What methods take whose maps, baselines and scores are among the files, a row a method and model, the longest first."""
        paths, found = list(paths), {}  # (method, model) -> (rule, cost) of its files
        owners = {}  # baselines -> the first method that asks for them
        for path in paths:
            job = self.plan.made.get(path)
            if job and job.rule == "attribute":
                owners |= {str(file): job.place.split("/")[2] for file in job.inputs["baselines"] if str(file) not in owners}
        for path in paths:
            job = self.plan.made.get(path)
            if job and job.rule in ("attribute", "baselines", "measure", "retrain"):
                _, training, method, *_ = job.place.split("/")
                found.setdefault((owners.get(path, method), training.partition("-")[0]), []).append((job.rule, self.of(path)))
        rows = [self._share(method, model, costs) for (method, model), costs in found.items()]
        return sorted(rows, key=lambda row: (-row.hours, row.method, row.model))

    def _share(self, method: str, model: str, costs: list[tuple[str, Cost]]) -> MethodCost:
        rate = self.plan.config["resources"]["gradients_per_second"] * SIDE**2  # pixels of gradients a second; of passes twice
        maps = [cost for rule, cost in costs if rule == "attribute"]
        making = [cost for rule, cost in costs if rule in ("attribute", "baselines")]
        seconds = sum(
            (one.gradients + self.rates["trained"] * one.trained + one.forwards / 2) * one.pixels / rate for _, one in costs
        )
        images = sum(one.count for one in maps)
        each = tuple(sum(getattr(one, what) for one in making) / max(images, 1) for what in ("gradients", "forwards"))
        scoring = sum(one.forwards for rule, one in costs if rule in ("measure", "retrain"))
        known = not any(said.startswith(f"method {self._function(method)},") for said in self.unknown)
        return MethodCost(method, model, images, each, scoring, seconds / 3600, sum(one.bytes for _, one in costs), known)

    def _function(self, entry: str) -> str:
        """The registered method of an entry, or of a form with changed parameters."""
        return self.plan.config["methods"].get(entry.partition("-")[0], {}).get("method", entry.partition("-")[0])

    @functools.cache
    def data(self, dataset: str) -> Data:
        """What is known of a dataset without opening it."""
        entry = self.plan.config["datasets"][dataset]
        function, known = entry["dataset"], self.rates["datasets"]
        told = known.get(entry.get("name")) or known.get(function) or known.get(dataset) or {}
        defaults = {one.name: one.default for one in source.registered("dataset")[function].parameters}
        values = defaults | told | entry
        size = values.get("size")
        shape = values["channels"], values.get("height", size), values.get("width", size)
        images = {split: images_of(self.plan.config, dataset, split) or told.get(split) for split in ("train", "test")}
        return Data(shape, images, told.get("classes"))

    def _passes(self, kind: str, name: str, settings: dict, dataset: str, what=("gradients", "forwards"), **values) -> list:
        """The registered cost of one image, as `registry.Entry.passes` has it."""
        facts = {"gradients": "0", "forwards": "0"}
        own = self.rates["captum"].get(name.partition(":")[2], {})  # of a class of Captum's, which is not registered itself
        facts |= own or source.lookup(kind, name).facts
        texts = {one: re.sub(r"number of (\w+)", r"len(\1)", facts[one].removesuffix(", at most")) for one in what}
        known = Entry(kind, name, lambda: None, texts)  # the settings hold every parameter: the function is not imported for them
        try:
            return [known.passes(one, self.data(dataset).shape, **(own | settings | values)) for one in what]
        except (SyntaxError, NameError, TypeError):  # a class of Captum's that the rates have not, or not for these arguments
            self.unknown.add(f"{kind} {name}, which says “{facts[what[0]]}” of its cost")
            return [0] * len(what)

    def _images(self, dataset: str, shard: str) -> int:
        """Images of a shard, of those that are there."""
        start, stop = shard_range(shard)
        there = self.data(dataset).images[shard_split(shard)]
        return stop - start if there is None else max(0, min(stop, there) - start)

    def _about(self, job: Job, entry: str, dataset: str, network: str, split: str = "test") -> dict:
        _, height, width = self.data(dataset).shape
        return {"rule": job.rule, "entry": entry, "network": network, "split": split, "pixels": height * width}

    def _whole(self, dataset: str, split: str, what: str) -> int:
        found = self.data(dataset).images[split]
        if found is None:
            self.unknown.add(f"{what} of {dataset}: how many {split} images it has is not known before its index")
        return found or 0

    def _train_model(self, job: Job, dataset: str, network: str) -> Cost:
        settings = dict(job.told["entry"]["training"])
        way = settings.pop("training", "classification")
        defaults = {one.name: one.default for one in source.registered("training")[way].parameters if not one.required}
        networks, epochs = TRAININGS.get(way, TRAININGS["classification"])
        values = {"len": len} | defaults | settings
        trained, trainings = (eval(text, {"__builtins__": {}}, values) for text in (epochs, networks))
        images = self._whole(dataset, "train", "trainings")
        about = self._about(job, network.partition("-")[0], dataset, network, "train")
        return Cost(**about, count=images, trained=trained * images, trainings=trainings)

    def _logits(self, job: Job, dataset: str, network: str, split: str, part: str) -> Cost:
        number, parts = map(int, part.split("-of-"))
        whole, classes = self._whole(dataset, split, "logits"), self.data(dataset).classes or 0
        count = whole * (number + 1) // parts - whole * number // parts
        return Cost(**self._about(job, split, dataset, network, split), count=count, each=(0, 1), bytes=4 * count * classes)

    def _baselines(self, job: Job, dataset: str, network: str, entry: str, shard: str) -> Cost:
        settings, count = dict(job.told["settings"]), self._images(dataset, shard)
        each = self._passes("baseline", settings["baseline"], settings, dataset)
        number = baselines_of(settings)
        size = 4 * count * number * self.data(dataset).elements
        return Cost(**self._about(job, entry, dataset, network), count=count, each=tuple(each), maps=number, bytes=size)

    def _attribute(self, job: Job, dataset: str, network: str, entry: str, shard: str) -> Cost:
        settings, count, maps = dict(job.told["settings"]), self._images(dataset, shard), _maps(job.told["settings"])
        own = [baselines_of(self.plan.made[str(file)].told["settings"]) for file in job.inputs["baselines"]]
        gradients, forwards = self._passes("method", settings["method"], settings, dataset, baselines=sum(own))
        forwards += "logits" in source.lookup("method", settings["method"]).facts.get("needs", ())
        about = self._about(job, entry, dataset, network, shard_split(shard))
        size = BYTES[job.told["dtype"]] * count * maps * self.data(dataset).elements
        return Cost(**about, count=count, each=(gradients, forwards), maps=maps, bytes=size)

    def _probe(self, job: Job, dataset: str, network: str, entry: str, shard: str) -> Cost:
        settings, count = dict(job.told["settings"]), self._images(dataset, shard)
        (forwards,) = self._passes("probe", settings["probe"], settings, dataset, ("forwards",))
        size = 4 * count * forwards * (self.data(dataset).classes or 0)  # it keeps the logits of every pass
        return Cost(**self._about(job, entry, dataset, network), count=count, each=(0, forwards), bytes=size)

    def _measure(self, job: Job, dataset: str, network: str, _method: str, entry: str, shard: str) -> Cost:
        settings, facts = dict(job.told["settings"]), source.lookup("metric", job.told["settings"]["metric"]).facts
        forwards = 0  # of a metric with a probe: it reads what the probe was answered
        if not facts.get("probe"):
            (forwards,) = self._passes("metric", settings["metric"], settings, dataset, ("forwards",))
        unsigned = facts.get("unsigned", False)
        maps = _maps(self._map_settings(job), unsigned=settings.get(unsigned, unsigned is True))
        count = self._images(dataset, shard) * maps
        return Cost(**self._about(job, entry, dataset, network), count=count, each=(0, forwards), maps=maps)

    def _retrain(self, job: Job, dataset: str, network: str, _method: str, entry: str, shard: str) -> Cost:
        settings, maps = dict(job.told["settings"]), _maps(self._map_settings(job))
        (tunings,) = self._passes("metric", settings["metric"], settings, dataset, ("forwards",))
        tunings *= len(set(settings.get("shares", [1])))  # each of them is asked once of each test image
        trained = maps * tunings * settings.get("epochs", 1) * settings["train"]
        about, count = self._about(job, entry, dataset, network), maps * self._images(dataset, shard)
        return Cost(**about, count=count, each=(0, tunings), maps=maps, trained=trained, tunings=maps * tunings)

    def _map_settings(self, job: Job) -> dict:
        """Settings of the maps that a job scores."""
        return self.plan.made[str(job.inputs["maps"][0])].told["settings"]


class Bill(Prices):
    """The cost of every file of a plan, and which papers ask for it.

    `rate`: gradients a second of one GPU, by default what stands in the rates. `only`: papers that count, by default all. Raises
    `InputError` for one that is not there.
    """

    def __init__(self, plan: Plan, rates: dict, rate: float | None = None, only=()):
        super().__init__(plan, rates)
        self.gpu = {kind: _rate(rates["gpu"], kind) for kind in ("gradients", "forwards")}
        if rate:
            self.gpu = {kind: value * rate / self.gpu["gradients"] for kind, value in self.gpu.items()}
        for one in only:
            if one not in plan.config["papers"]:
                raise InputError(f"TARGET: found {one!r}; {among(one, plan.config['papers'])}")
        # paper -> {path: None} of all that it needs
        self.asked = {paper: self._behind(paper) for paper in only or plan.config["papers"]}
        found = {path: self.of(path) for path in dict.fromkeys(path for paths in self.asked.values() for path in paths)}
        self.files = {path: cost for path, cost in found.items() if cost}

    def _behind(self, paper: str) -> dict[str, None]:
        """Paths of all that a paper's artefacts and claims are made of, in a fixed order."""
        ends = [self.plan.artefact(paper, name) for name in self.plan.artefacts_of(paper)]
        ends += [self.plan.judge(paper, name) for name in self.plan.claims_of(paper)]
        return dict.fromkeys(self.plan.behind(ends))

    # --- sums ---------------------------------------------------------------------------------------------------------

    def first(self) -> dict[str, list[Cost]]:
        """Paper -> files that no paper before it asks for: every file once."""
        taken, found = set(), {}
        for paper, paths in self.asked.items():
            found[paper] = [self.files[path] for path in paths if path in self.files and path not in taken]
            taken |= paths.keys()
        return found

    def alone(self, paper: str) -> list[Cost]:
        """All files that a paper asks for."""
        return [self.files[path] for path in self.asked[paper] if path in self.files]

    def shared(self) -> list[Cost]:
        """Files that several papers ask for."""
        return [cost for path, cost in self.files.items() if sum(path in paths for paths in self.asked.values()) > 1]

    def gpu_hours(self, costs: Iterable[Cost]) -> float:
        """Hours of one GPU at the rate assumed or stated."""
        return sum(self._seconds(one, self.gpu, self.rates["gpu"]["side"]) for one in costs) / 3600

    def core_hours(self, costs: Iterable[Cost]) -> float:
        """Hours of one core at the measured rate of the nearest size of image."""
        hours = 0.0
        for one in costs:
            known = min(self.rates["cpu"], key=lambda rate: abs(math.log(rate["side"] ** 2 / one.pixels)))
            rate = {kind: _rate(known, kind) / known["cores"] for kind in ("gradients", "forwards")}
            hours += self._seconds(one, rate, known["side"]) / 3600
        return hours

    def _seconds(self, one: Cost, rate: dict, side: int) -> float:
        passes = (one.gradients + self.rates["trained"] * one.trained) / rate["gradients"] + one.forwards / rate["forwards"]
        return passes * one.pixels / side**2

    # --- the page -----------------------------------------------------------------------------------------------------

    def page(self, name: str) -> str:
        """Everything as Markdown; `name`: what the configuration is called."""
        first = self.first()
        rows = [[paper, *self._sums(costs), _shown(self.gpu_hours(self.alone(paper)))] for paper, costs in first.items()]
        rows += [["total", *self._sums(self.files.values()), ""], ["of it shared", *self._sums(self.shared()), ""]]
        sums = ["files", "gradients", "forward passes", "trained images", "fine-tunings", "trainings", "GPU h", "core h", "GB"]
        parts = [self._head(name), _table(["paper", *sums, "alone, GPU h"], rows)]
        stages = {rule: [one for one in self.files.values() if one.rule == rule] for rule in STAGES}
        parts += [
            "## By what is made",
            _table(["", *sums], [[STAGES[rule], *self._sums(costs)] for rule, costs in stages.items() if costs]),
            "## By method and model",
            fill(BY_METHOD.format(**self.plan.config["resources"]), 132),
            shares(self.by_method(self.files)),
            "## By metric, probe and network",
            BY_METRIC,
            self._entries(("measure", "probe", "retrain", "logits", "train_model")),
            "## Not counted",
            self._not_counted(),
        ]
        return "\n\n".join(parts) + "\n"

    def _head(self, name: str) -> str:
        gpu = self.rates["gpu"]
        assumed = math.isclose(self.gpu["gradients"], _rate(gpu, "gradients"))
        rows = []
        for one in self.rates["cpu"]:
            gradients, forwards = (_shown(_rate(one, kind) / one["cores"]) for kind in ("gradients", "forwards"))
            rows.append(
                f"{gradients} gradients and {forwards} forward passes a second of {one['network']} at {one['side']} pixels "
                f"({one['source']})"
            )
        told = {
            "name": name,
            "rate": f"{_shown(self.gpu['gradients'])} gradients and {_shown(self.gpu['forwards'])} forward passes a second",
            "network": f"{gpu['network']} at {gpu['side']} pixels",
            "source": f"**{gpu['source']}**" if assumed else "as stated by RATE",
            "measured": "; ".join(rows),
            "trained": self.rates["trained"],
        }
        lines = [fill(line.format(**told), 132, subsequent_indent="  " * line.startswith("- ")) for line in HEAD.splitlines()]
        return "\n".join(lines)

    def _sums(self, costs: Iterable[Cost]) -> list[str]:
        """Cells of some files together; passes in millions."""
        costs = list(costs)
        passes = [_shown(sum(getattr(one, what) for one in costs) / 1e6) for what in ("gradients", "forwards", "trained")]
        trained = [_shown(sum(getattr(one, what) for one in costs)) for what in ("tunings", "trainings")]
        hours = [_shown(self.gpu_hours(costs)), _shown(self.core_hours(costs))]
        return [_shown(len(costs)), *passes, *trained, *hours, _shown(sum(one.bytes for one in costs) / 1e9)]

    def _entries(self, rules: tuple) -> str:
        """A row for all files of an entry that cost the same an image, the dearest first."""
        groups: dict[tuple, list[Cost]] = {}
        for one in self.files.values():
            if one.rule in rules:
                groups.setdefault((one.rule, one.entry, one.each), []).append(one)
        rows = []
        for key, costs in sorted(groups.items(), key=lambda item: (-self.gpu_hours(item[1]), item[0])):
            rule, entry, (gradients, forwards) = key
            counts: dict[str, int] = {}
            for one in costs:
                counts[one.network] = counts.get(one.network, 0) + one.count
            spread = sorted({min(counts.values()), max(counts.values())})
            scored = sorted({min(one.maps for one in costs), max(one.maps for one in costs)})
            row = [STAGES[rule], entry, _shown(gradients), _shown(forwards), " to ".join(map(_shown, spread)), str(len(counts))]
            row += [" to ".join(map(_shown, scored)), _shown(self.gpu_hours(costs)), _shown(sum(one.bytes for one in costs) / 1e9)]
            rows.append(row)
        told = ["gradients each", "forward passes each", "images or maps a network", "networks", "maps an image", "GPU h", "GB"]
        return _table(["", "entry", *told], rows)

    def _not_counted(self) -> str:
        own = [
            f"{drawn.paper}.{drawn.name}"
            for drawn in self.plan.study.drawn.values()
            if {"weights", "trainings"} & set(drawn.needs) and drawn.paper in self.asked
        ]
        lines = [f"- What these artefacts and claims ask of a network themselves, on few images: {', '.join(own)}."] if own else []
        lines += [f"- {one[0].upper()}{one[1:]}." for one in [*sorted(self.unknown), *self.plan.study.left_out()]]
        return "\n".join([*lines, REST])


HEAD = """# What {name} costs

Made by `make docs` for `config/imagenet.yaml`; `make cost CONFIG=...` prints it for any configuration, `make cost` for \
`config.yaml`, in seconds: nothing is run.

- A *gradient* is one forward and backward pass of one image. Gradients, forward passes and *trained images* (images x epochs \
that weights are trained on) are in millions, at the registered costs: upper bounds where a method or the search for a baseline \
stops early. Trainings with a grid of strengths count each network.
- *GPU h*: hours of one GPU at {rate} of {network}: {source}. `make cost RATE=...` takes another number of gradients a second; \
all hours scale with it.
- *Core h*: hours of one CPU core at the measured rate of the nearest size of image: {measured}.
- One rate stands for all networks, in proportion to an image's pixels: too cheap for networks that keep small images large, as \
those for CIFAR do. A trained image counts as {trained} gradients (assumed). Reading images, starting jobs and arithmetic beside \
the networks come on top.
- *GB* (1e9 bytes): the arrays of maps, baselines and logits, and the logits of each pass of a probe.
- Every file is counted once, for the first paper of the configuration that asks for it. *Of it shared*: those that several ask \
for. *Alone*: all that a paper takes by itself."""
BY_METHOD = """Of entries that give the same maps the first stands for all, and a run with `upto` is one run. Images: of the test \
and the training split, as far as anything asks for them. Baselines count with the first method that has them. *Of the scores*: \
forward passes of all metrics of its maps. *h*: hours of one job at `resources.gradients_per_second`, {gradients_per_second}. A \
row with more than `resources.method_hours`, {method_hours}, ends a run before its first job."""
BY_METRIC = """Passes of a metric are for one map of an image, those of probes and logits for one image; a metric with a probe has
none of its own. Of fine-tunings: one pass of each fine-tuned network, trainings apart."""
REST = """- The test accuracy of each network, LPI's K-means, figures, tables, verdicts; the size of scores, weights and tables."""


def _rate(row: dict, kind: str) -> float:
    """Passes a second."""
    return row[kind]["passes"] / row[kind]["seconds"]


def _maps(settings: dict, unsigned: bool = False) -> int:
    """Maps an image in a file of these settings; `unsigned`: those scored where absolute values score as the signed do."""
    upto, variants = settings.get("upto") or {}, settings["variants"]
    if unsigned and "vanilla" in variants:
        variants = [one for one in variants if one != "absolute"]
    parts = sum(map(len, upto.values())) if isinstance(upto, dict) else len(upto)
    return len(variants) * (1 + parts)


def _shown(value: float) -> str:
    """A number to three digits at least, thousands apart."""
    if 0 < value < 0.01:
        return "<0.01"
    whole = float(value).is_integer() or abs(value) >= 100
    return f"{value:,.0f}".replace(",", " ") if whole else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2g}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    """An aligned Markdown table; numbers stand to the right."""
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    right = [bool(rows) and all(not row[at] or row[at].lstrip("<")[0] in "0123456789?" for row in rows) for at in range(len(head))]

    def line(cells):
        filled = (cell.rjust(width) if side else cell.ljust(width) for cell, width, side in zip(cells, widths, right, strict=True))
        return f"| {' | '.join(filled)} |"

    rule = "|".join("-" * (width + 1) + (":" if side else "-") for width, side in zip(widths, right, strict=True))
    return "\n".join([line(head), f"|{rule}|", *map(line, rows)])


def shares(rows: list[MethodCost]) -> str:
    """A table of what methods take on models."""
    head = ["method", "model", "images", "gradients an image", "forward passes an image", "of the scores", "h", "GB"]
    cells = []
    for one in rows:
        each, more = (map(_shown, one.each), "") if one.known else (("?", "?"), " and more")
        took = [_shown(one.scoring), _shown(one.hours) + more, _shown(one.bytes / 1e9)]
        cells.append([one.method, one.model, _shown(one.images), *each, *took])
    return _table(head, cells)


def page(files: Iterable, rate: float | None = None, root: Path = ROOT, only=()) -> str:
    """The page of `config.yaml` with configuration files laid over it, or of some of its papers. Raises `InputError`."""
    files = list(files)
    name = " with ".join(f"`{_name(file, root)}`" for file in files or ["config.yaml"])
    name = f"{', '.join(only)} of " * bool(only) + name
    return Bill(planned(files, root), read_yaml(root / "resources" / "rates.yaml"), rate, only).page(name)


def _name(file, root: Path) -> str:
    path = Path(file).resolve()
    return str(path.relative_to(root.resolve())) if path.is_relative_to(root.resolve()) else Path(file).name


def _positive(text: str) -> float:
    if not float(text) > 0 or math.isinf(float(text)):
        raise ValueError
    return float(text)


def main(arguments=None):
    """`python -m pathattr.cost [CONFIG ...] [--target PAPER ...] [--rate GRADIENTS_A_SECOND]`: print the page."""
    parser = argparse.ArgumentParser(prog="pathattr.cost", description="What a configuration costs; nothing is run.")
    parser.add_argument("config", nargs="*", help="configuration files laid over config.yaml, as by --configfile")
    parser.add_argument("--target", nargs="*", default=(), help="the papers that count; by default all of the configuration")
    parser.add_argument("--rate", type=_positive, help="gradients a second of one GPU at the size that resources/rates.yaml names")
    given = parser.parse_args(arguments)
    try:
        print(page(given.config, given.rate, only=given.target), end="")
    except InputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
