"""What a checked configuration means: names resolved to entries and parameters, papers to what they show. No torch."""

import copy
import functools
import itertools
import json
import re
from pathlib import Path

from . import absent, installed, source
from .dataset.stamp import count_of, missing, named, numbered
from .errors import InputError
from .values import broken

SECTIONS = {"artefacts": "artefact", "claims": "claim"}  # of a paper -> kind of their functions
VARIANTS = ("vanilla", "absolute", "valid_interpolations", "valid_references", "per_unit")
DEFAULTS = {  # of a method's facts, as `registry.method` has them
    "variants": ("vanilla", "absolute"),
    "objective": ("logit", "probability", "log_probability", "loss"),
}


def images_of(config: dict, dataset: str, split: str = "test") -> int | None:
    """Images of a split of a made dataset; None where only its index will tell."""
    known = source.registered("dataset")[config["datasets"][dataset]["dataset"]]
    if not known.facts.get("made"):
        return None
    defaults = {parameter.name: parameter.default for parameter in known.parameters}
    return config["datasets"][dataset].get(split, defaults[split])


def baselines_of(settings: dict) -> int:
    """How many baselines an image gets, by `baseline` and its parameters."""
    return len(settings["blurs"]) if settings["baseline"] == "compute_baseline" else 1


def of_model(value, model: str):
    """A parameter's value for a model: of a mapping the model's own, else that of `other`. Raises `KeyError` if it has neither."""
    return value[model if model in value else "other"] if isinstance(value, dict) else value


FORMS = ("as_released", "as_printed")  # parameters that give a method's form as its code, or as its paper's text has it


def form_of(entry: dict) -> str:
    """Of an entry: "as_released", "as_printed" or, of the method itself, ""."""
    return next((form for form in FORMS if entry.get(form)), "")


def shown(config: dict) -> list[tuple[str, str, str]]:
    """What `forms: all` stands for, as (entry, variant, form): each of a registered method once, entries that have a label of their
    own besides.

    All variants of a method come of one entry, so of the same gradients: of the one that gives most of them, vanilla among them;
    of several, of that of the method's own name, else of the first by name. The absolute values are no map of their own: a signed
    one shows them; IG per unit is IG1. Entries of one method stand together.
    """
    found = {}
    for name, entry in sorted(config["methods"].items(), key=lambda one: (one[1].get("method", one[0]) != one[0], one[0])):
        key = entry.get("method", name), entry.get("label", ""), form_of(entry)
        variants = [one for one in VARIANTS if one in entry.get("variants", ["vanilla"]) and one not in ("absolute", "per_unit")]
        most = found.get(key, ("", []))[1]
        if ("vanilla" in variants, len(variants)) > ("vanilla" in most, len(most)):
            found[key] = name, variants
    return [(name, variant, form) for (*_, form), (name, variants) in sorted(found.items()) for variant in variants]


def split_form(form) -> tuple[str, dict]:
    """Entry of `methods` and its changed parameters: of "ig" or of {"ig": {"steps": 5}}."""
    if isinstance(form, str):
        return form, {}
    ((base, own),) = form.items()
    return base, own


def form_name(form) -> str:
    """What a form is called in tables: the entry, and the parameters that it changes."""
    base, own = split_form(form)
    words = (f"{key}{'_' * isinstance(value, str)}{str(value).lower()}" for key, value in sorted(own.items()))
    return "-".join([base, *words])


def grid_points(grid: dict) -> list[dict]:
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def filled(config: dict, paper: str, section: str, name: str) -> dict:
    """Parameters of an artefact or claim: its own, else the paper's defaults, else the function's. All models unless said."""
    of = config["papers"][paper]
    entry, values = of[section][name], {}
    for parameter in source.registered(SECTIONS[section])[entry[SECTIONS[section]]].parameters:
        if parameter.name in entry:
            values[parameter.name] = entry[parameter.name]
        elif parameter.name in of.get("defaults", {}):
            values[parameter.name] = of["defaults"][parameter.name]
        elif parameter.names == "Models":
            values[parameter.name] = list(of["models"])
        elif not parameter.required:
            default = parameter.default
            values[parameter.name] = list(default) if isinstance(default, tuple) else default
        if parameter.names == "Table" and not parameter.required and of["artefacts"].get(str(values[parameter.name]), "") is None:
            values[parameter.name] = None  # the artefact is left out, and this one can do without
    return values


def has_attention(architecture: str) -> bool:
    """Whether a registered architecture has attention blocks; of any other nothing is known before it runs."""
    name, _, variant = architecture.partition(".")
    known = source.registered("model").get(name)
    attention = known.facts.get("attention", False) if known else False
    return variant.startswith(tuple(attention)) if variant and attention else bool(attention)


class Drawn:
    """An artefact or a claim of the configuration, with every name resolved.

    `known`: its registered function; `values`: that function's parameters. `models`: key -> model of the configuration.
    `forms`: name in scores and maps -> (entry of `methods`, changed parameters); `variants`: (name, variant) pairs needed.
    `not_run`: key of a model -> name of a form that is left out there -> why. `stands_for`: key -> the paper's model, or None.

    What its data sets and models do not allow is left out. `left_out`: methods, and models that another role shows, -> why;
    `absent`: why there is nothing to draw or judge at all, or "".
    """

    def __init__(self, config: dict, paper: str, section: str, name: str):
        self.config, self.paper, self.section, self.name = config, paper, section, name
        self.entry = config["papers"][paper][section][name]
        self.known = source.registered(SECTIONS[section])[self.entry[SECTIONS[section]]]
        self.values = filled(config, paper, section, name)
        self.models, self.forms, self.variants, self.left_out, self.absent = {}, {}, [], {}, ""
        wanted, given = [], [one for one in self.known.parameters if one.names and self.values[one.name] is not None]
        for parameter in given:
            if parameter.names in ("Model", "Models"):
                self._add_models(parameter)
        shown_twice = list(self.left_out)
        for parameter in given:
            value, there = self.values[parameter.name], self._usable
            match parameter.names:
                case "Method":
                    found = self._form(value) if there(value) else None
                case "Methods":
                    found = [self._form(form) for form in value if there(form)]
                case "Pairs":
                    found = [[self._form(form) for form in pair] for pair in value if all([there(form) for form in pair])]
                case "Sweep":
                    found = [
                        {"name": self._form({base: point}), "series": base, "values": point}
                        for base, grid in value.items()
                        if there(base)
                        for point in grid_points(grid)
                    ]
                case "Forms":
                    found = self._every_form(value, config)
                case "Variants":
                    wanted += [variant for variant in value if variant not in wanted]
                    continue
                case _:
                    continue
            self.values[parameter.name] = found
            if not found:
                self.absent = "; ".join(f"{one} {why}" for one, why in self.left_out.items() if one not in shown_twice)
        told, places = (config["papers"][paper].get(key, {}) for key in ("not_run", "stands_for"))
        self.stands_for = {key: places.get(key, config["models"][model].get("stands_for")) for key, model in self.models.items()}
        self.not_run = {key: {name: why for name, why in told.get(key, {}).items() if name in self.forms} for key in self.models}
        if not self.variants:
            self.variants = [(name, variant) for name in self.forms for variant in wanted or ["vanilla"]]
        self.absent = self.absent or absent.of_drawing(config, self.known, self.forms, self.metrics, self.models.values())
        if self.left_out and not self.absent:
            self.absent = broken(self.known.facts.get("holds"), self.values)
        for table in (self.values[one.name] for one in given if one.names == "Table"):
            if not self.absent and (why := Drawn(config, paper, "artefacts", table).absent):
                self.absent = f"its table {table} is left out: {why}"

    def _add_models(self, parameter):
        """The models of a parameter. Scores of several are compared, so there each is one, the first of the roles that it has."""
        value, of, first = self.values[parameter.name], self.config["papers"][self.paper]["models"], {}
        for key in [value] if parameter.names == "Model" else value:
            first.setdefault(of[key] if "scores" in self.needs else key, key)
            if key not in first.values():
                self.left_out[key] = f"is {of[key]}, as is {first[of[key]]}"
        self.models |= {key: of[key] for key in first.values()}
        if parameter.names == "Models":
            self.values[parameter.name] = list(first.values())

    def _usable(self, form, strict: bool = True) -> bool:
        """Whether a method can be used on all of the models; if not, it is `left_out`."""
        base, own = split_form(form)
        for model in self.models.values():
            if why := absent.of_method(self.config, base, own, model, strict):
                self.left_out[form_name(form)] = why
                return False
        return True

    @functools.cached_property
    def not_applicable(self) -> dict[str, dict[str, str]]:
        """Key of a model -> name of a form that is left out there -> why: its method has no rule for the architecture."""
        return {key: self._without_rule(key, model) for key, model in self.models.items()}

    def _without_rule(self, key: str, model: str) -> dict[str, str]:
        """Forms whose method has no rule for a model's architecture -> why; but for those that are not run anyway."""
        architecture, entries = self.config["models"][model]["architecture"], self.config["methods"]
        if not has_attention(architecture):
            return {}
        forms = {name: base for name, (base, _) in self.forms.items() if name not in self.not_run[key]}
        known = {name: source.lookup("method", entries[base].get("method", base)) for name, base in forms.items()}
        without = [name for name, one in known.items() if "attention" in one.facts.get("excludes", ())]
        return dict.fromkeys(without, f"no rule for the attention blocks of {architecture}")

    def without(self, key: str) -> set[str]:
        """Forms that have neither maps nor scores on a model."""
        return {*self.not_run[key], *self.not_applicable[key]}

    def _form(self, form) -> str:
        name = form_name(form)
        self.forms[name] = split_form(form)
        return name

    def _every_form(self, value, config) -> list[dict]:
        """What `Forms` stands for: entry, method, variant and form, of each."""
        found = []
        chosen = shown(config) if value == "all" else [(*one.partition(":")[::2], None) for one in value]
        for entry, variant, _ in chosen:
            if not self._usable(entry, strict=value != "all"):
                continue
            own, variant = config["methods"][self._form(entry)], variant or "vanilla"
            self.variants.append((entry, variant))
            found.append({"entry": entry, "method": own.get("method", entry), "variant": variant, "form": form_of(own)})
        return found

    @property
    def metrics(self) -> list[str]:
        """Metrics that its parameters name."""
        named = [(one.names, self.values[one.name]) for one in self.known.parameters if one.names in ("Metric", "MetricScores")]
        return list(dict.fromkeys(sum([[value] if names == "Metric" else list(value) for names, value in named if value], [])))

    @property
    def needs(self):
        """Roles of the files it needs (see `registry.artefact`)."""
        return self.known.facts.get("needs", ())

    @property
    def title(self) -> str:
        """What it is called: as the configuration says, or as its name does (fig6l: Fig. 6 left)."""
        if "title" in self.entry:
            return self.entry["title"]
        kind, number, side = re.fullmatch(r"(fig|table|.*?)(\d*)([a-z]*)", self.name).groups()
        words = {"fig": "Fig.", "table": "Table", "l": " left", "r": " right"}
        if not number or kind not in words:
            return self.name.replace("_", " ").capitalize()
        return f"{words[kind]} {number}{words.get(side, side)}"

    def first(self, role: str) -> int:
        """How many of the first test images a role is needed for."""
        return self.values[self.needs[role] if isinstance(self.needs, dict) else "images"]


class Study:
    """A checked configuration, with every name resolved. `drawn`: (paper, section, name) -> what it draws or judges; `absent`: the
    same -> why nothing is drawn or judged there."""

    def __init__(self, config: dict, dropped: dict | None = None):
        self.config = config
        self.seed = config["seed"]
        self._points: dict[str, dict] = {}  # forms that change parameters: name -> entry
        self._owners: dict[tuple, str] = {}
        self._parts: dict[str, tuple[str, str]] = {}  # forms whose maps another entry's run gives besides: name -> entry, which
        every = {
            (paper, section, name): Drawn(config, paper, section, name)
            for paper, entry in config["papers"].items()
            for section in SECTIONS
            for name, one in entry.get(section, {}).items()
            if one is not None
        }
        self.drawn = {place: drawn for place, drawn in every.items() if not drawn.absent}
        self.absent = (dropped or {}) | {place: drawn.absent for place, drawn in every.items() if drawn.absent}
        for drawn in self.drawn.values():
            for model in drawn.models.values():
                for base, own in drawn.forms.values():
                    self.point(base, own, model)

    def missing(self, local: bool = False) -> list[str]:
        """What the artefacts and claims need and that is not there, a line each: files, folders, class folders that are wrong and,
        where jobs run on this machine (`local`), a GPU."""
        lines = []
        if local and self.config["device"] == "cuda" and not installed.has_gpu():
            lines.append("device: found 'cuda', but this machine has no GPU; accepted: cpu, or a machine with a GPU")

        def need(where: str, path):
            if not Path(path).expanduser().exists():
                lines.append(f"{where}: {path} does not exist; accepted: the path of what is to be read")

        used = {model for drawn in self.drawn.values() for model in drawn.models.values()}
        for dataset in {self.config["models"][model]["dataset"] for model in used}:
            entry = self.config["datasets"][dataset]
            known = source.registered("dataset")[entry["dataset"]]
            lines += [f"datasets.{dataset}.{line}" for line in missing(known, entry)]
        for model in used:
            entry = self.config["models"][model]
            if ".py:" in entry["architecture"]:
                need(f"models.{model}.architecture", entry["architecture"].rpartition(":")[0])
            if entry["weights"] not in ("trained", "published", *self.config["models"]):
                need(f"models.{model}.weights", entry["weights"])
        return sorted(lines)

    def cited(self, drawn: Drawn) -> list[str]:
        """Artefacts of the paper that a claim names, those that are drawn."""
        return [name for name in drawn.entry.get("artefacts", ()) if (drawn.paper, "artefacts", name) in self.drawn]

    def left_out(self) -> list[str]:
        """What is left out of its papers, and why, a line a reason; of a paper of which nothing is left, its name alone."""
        drawn, reasons, lost = {paper for paper, _, _ in self.drawn}, {}, set()
        for (paper, _, name), why in self.absent.items():
            if paper in drawn:
                reasons.setdefault(why, []).append(f"{paper}.{name}")
            elif paper not in lost:
                reasons.setdefault(why, []).append(paper)
                lost.add(paper)
        return [f"left out: {', '.join(places)}: {why}" for why, places in reasons.items()]

    # --- classes ------------------------------------------------------------------------------------------------------

    @functools.cache
    def numbers(self, dataset: str) -> dict[str, int | None]:
        """Numbers of a data set's classes by name, as far as its `classes` or its folders name them."""
        entry = self.config["datasets"][dataset]
        return named(source.registered("dataset")[entry["dataset"]], entry)

    @functools.cache
    def class_names(self, dataset: str) -> dict[int, str]:
        """Classes by number, as far as the data set's `classes` name them, each up to its first comma."""
        numbers = numbered(self.config["datasets"][dataset].get("classes") or {})
        return {number: name.partition(",")[0] for name, number in numbers.items() if number is not None}

    def target(self, dataset: str) -> str | int | None:
        """What is explained of the images of a data set: "label", "predicted", or the number of a class; None: it has no such."""
        told = self.config["target"]
        return told if told in ("label", "predicted") or not isinstance(told, str) else self.numbers(dataset).get(told)

    def class_count(self, model: str) -> int | None:
        """How many classes a network has, as far as it says so itself or its data set's `classes` do."""
        entry = self.config["models"][model]
        return entry.get("classes") or count_of(self.config["datasets"][entry["dataset"]].get("classes"))

    # --- models -------------------------------------------------------------------------------------------------------

    def trainings(self, model: str) -> list[str]:
        """A model's trainings by name, the first by the model's own."""
        seeds = self.config["models"][model].get("training", {}).get("seeds", 1)
        return [model, *(f"{model}-{number}" for number in range(1, seeds))]

    def model(self, training: str) -> tuple[dict, int]:
        """Entry of a model, without what does not shape its weights, and the number of the training."""
        name, _, number = training.partition("-")
        entry = {key: value for key, value in self.config["models"][name].items() if key != "stands_for"}
        if "training" in entry:
            entry["training"] = {key: value for key, value in entry["training"].items() if key != "seeds"}
        return entry, int(number or 0)

    # --- methods and metrics ------------------------------------------------------------------------------------------

    def method(self, name: str, model: str) -> dict:
        """What a method's name means for a model: `method`, `objective`, `variants` and its own parameters, all resolved."""
        entry = self.config["methods"].get(name) or self._points.get(name)
        if entry is None and name not in self.config["methods"]:
            known = ", ".join([*self.config["methods"], *self._points])
            raise InputError(f"no method {name!r} in the configuration; accepted: {known}")
        entry = copy.deepcopy(entry or {})
        function = entry.pop("method", name)
        entry.pop("label", None)  # changes no map
        known = source.lookup("method", function)
        settings = {
            "method": function,
            "objective": entry.pop("objective", known.facts.get("objectives", DEFAULTS["objective"])[0]),
            "variants": entry.pop("variants", ["vanilla"]),
        }
        if known.facts.get("nested"):
            settings["upto"] = entry.pop("upto", {})
        if known.facts.get("family"):
            return settings | entry
        return settings | self._resolved(known.parameters, entry, model)

    def owner(self, name: str, model: str) -> str:
        """The first entry that gives the same maps as this one on a model: its files are there for both."""
        base = model.partition("-")[0]
        if self.within(name, base):
            return self.owner(self._run_with(name, base)[0], model)
        if (name, base) not in self._owners:
            mine = self._meaning(name, base)
            same = (other for other in self._runs() if self._meaning(other, base) == mine)
            self._owners[name, base] = next(same, name)
        return self._owners[name, base]

    def _runs(self) -> list[str]:
        """All entries and forms that have maps of their own."""
        return [*self.config["methods"], *(point for point in self._points if point not in self._parts)]

    def computed(self, name: str, model: str) -> dict:
        """As `method`, with the variants that any entry with the same maps asks for."""
        mine, base = self._meaning(name, model), model.partition("-")[0]
        same = [other for other in self._runs() if self._meaning(other, base) == mine]
        variants = {variant for other in same for variant in self.method(other, base)["variants"]}
        return self.method(name, base) | {"variants": [one for one in VARIANTS if one in variants]}

    @functools.cache
    def _meaning(self, name: str, model: str) -> str:
        """What decides an entry's maps, as text; nothing of an entry that has no value for the model."""
        model = model.partition("-")[0]
        try:
            settings = self.method(name, model)
            baselines = self.baseline(name, model) if source.lookup("method", settings["method"]).facts.get("baseline") else None
        except KeyError:
            return name
        del settings["variants"]
        return json.dumps([settings, baselines], sort_keys=True, default=str)

    def baseline(self, name: str, model: str) -> dict:
        """How a method's baselines are computed for a model: `baseline` and its own parameters."""
        entry = self.config["methods"].get(name) or self._points.get(name) or {}
        function = entry.get("baseline", source.lookup("method", entry.get("method", name)).facts["baseline"])
        return {"baseline": function} | self._resolved(source.registered("baseline")[function].parameters, entry, model)

    @staticmethod
    def _resolved(parameters, entry: dict, model: str) -> dict:
        """Parameters with their values: the entry's, one a model where it has a mapping, or the default."""
        values = {one.name: entry.get(one.name, one.default) for one in parameters}
        values = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}  # as YAML has it
        return {name: of_model(value, model.partition("-")[0]) for name, value in values.items()}

    def metric(self, name: str) -> dict:
        """What a metric's name means: `metric` and its own parameters, those of its probe not among them unless it has them too."""
        known = self._metric(name)
        return {"metric": known.name} | self._resolved(known.parameters, self.config["metrics"][name], "")

    def probe(self, name: str) -> dict:
        """What a metric's probe computes: `probe` and its parameters; {} for a metric without."""
        function = self._metric(name).facts.get("probe")
        if not function:
            return {}
        return {"probe": function} | self._resolved(
            source.registered("probe")[function].parameters, self.config["metrics"][name], ""
        )

    def retrains(self, name: str) -> int:
        """How many training images a metric trains networks on; 0 for one that trains none."""
        return self.metric(name)["train"] if self._metric(name).facts.get("retrains") else 0

    def _metric(self, name: str):
        return source.registered("metric")[self.config["metrics"][name].get("metric", name)]

    def point(self, base: str, own: dict, model: str) -> str:
        """Name of an entry with some parameters changed, on a model: the entry's own where nothing differs."""
        settings = self.method(base, model)
        if source.lookup("method", settings["method"]).facts.get("baseline"):
            settings |= self.baseline(base, model)
        differences = {key: value for key, value in own.items() if settings[key] != value}
        name = form_name({base: differences})
        if differences:
            entry = {key: value for key, value in self.config["methods"][base].items() if key != "upto"}
            self._points[name] = {"method": settings["method"], **entry, **differences}
        if len(differences) == 1:
            ((key, value),) = differences.items()
            if value in settings.get("upto", {}).get(key, ()):
                self._parts[name] = base, f"@{key}={value}"
        return name

    def within(self, name: str, model: str) -> str:
        """Which map of a longer run a form's is: "@references=5", its variants' in that part; "per_unit", that variant; "", none:
        it has a run of its own."""
        return self._run_with(name, model.partition("-")[0])[1]

    @functools.cache
    def _run_with(self, name: str, model: str) -> tuple[str, str]:
        """The entry whose run gives a form's maps besides, and which they are; or ("", "")."""
        if name in self._parts:
            return self._parts[name]
        try:
            mine = self.method(name, model)
            method, which = source.lookup("method", mine["method"]).facts.get("within") or ("", "")
            if not method or mine["variants"] != ["vanilla"]:
                return "", ""
            for other, entry in self.config["methods"].items():
                if entry.get("method", other) == method and not form_of(entry):
                    settings = self.method(other, model)
                    parts = [f"{key}={value}" for key, values in settings.get("upto", {}).items() for value in values]
                    alike = all(settings[key] == value for key, value in mine.items() if key not in ("method", "variants", "upto"))
                    if alike and which in settings["variants"] + parts:
                        return other, which if which in settings["variants"] else f"@{which}"
        except KeyError:  # an entry without a value for this model
            pass
        return "", ""
