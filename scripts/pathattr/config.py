"""The configuration: checked against its schema and the registered functions, then asked what a name means. No torch."""

import copy
import itertools
import re
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, validators

from . import source
from .errors import InputError

# JSON takes 4.0 for a whole number; a count of 4.0 is a slip.
Validator = validators.extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int),
)

DEFAULTS = {  # of a method's facts, as `registry.method` has them
    "variants": ("vanilla", "absolute"),
    "objective": ("logit", "probability", "log_probability", "loss"),
}


def check(config: dict, schema_path) -> list[str]:
    """Everything wrong with a configuration, a line each: the key, what was found, what is accepted."""
    schema = yaml.safe_load(Path(schema_path).read_text())
    problems = sorted({_line(error) for error in Validator(schema).iter_errors(config)})
    if problems:
        return problems
    for kind, key in (("dataset", "datasets"), ("method", "methods"), ("metric", "metrics")):
        for name, entry in config[key].items():
            problems += _check_entry(kind, f"{key}.{name}", name, entry, config)
    for name, entry in config["models"].items():
        problems += _check_model(name, entry, config)
    if not problems:
        for name, paper in config["papers"].items():
            problems += _check_paper(f"papers.{name}", paper, config)
        problems += _check_overview(config)
    return sorted(set(problems))


def load(config: dict, schema_path) -> "Study":
    """The study of a configuration. Raises `InputError` with one line a problem."""
    problems = check(config, schema_path)
    if problems:
        raise InputError("\n".join(f"config: {problem}" for problem in problems))
    return Study(config)


def _line(error) -> str:
    where = ".".join(str(part) for part in error.absolute_path) or "top level"
    if error.validator == "additionalProperties":
        extra = sorted(set(error.instance) - set(error.schema["properties"]))
        return f"{where}: unknown key {', '.join(map(repr, extra))}; accepted: {', '.join(error.schema['properties'])}"
    if error.validator == "required":
        missing = sorted(set(error.schema["required"]) - set(error.instance))
        return f"{where}: {', '.join(missing)} missing; accepted: {', '.join(error.schema['required'])}"
    return f"{where}: found {error.instance!r}; accepted: {accepted(error.schema)}"


def accepted(schema: dict) -> str:
    """What a schema takes, in words."""
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(accepted(option) for option in schema["anyOf"])
    if "pattern" in schema:
        return f"text like {schema['pattern']}"
    words = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "text",
             "null": "null", "array": "a list", "object": "a mapping"}  # fmt: skip
    types = schema.get("type", "any value")
    text = " or ".join(words.get(kind, kind) for kind in ([types] if isinstance(types, str) else types))
    limits = {
        "minimum": "at least {}",
        "maximum": "at most {}",
        "exclusiveMinimum": "above {}",
        "multipleOf": "a multiple of {}",
        "minItems": "at least {} long",
        "minProperties": "with at least {} key",
        "uniqueItems": "each value once",
    }
    return ", ".join([text, *(words.format(schema[key]) for key, words in limits.items() if key in schema)])


def _check_entry(kind: str, where: str, name: str, entry: dict, config: dict) -> list[str]:
    """Problems of a dataset, method or metric: its registered function, and that function's parameters."""
    function = entry.get(kind, name)
    try:
        known = source.lookup(kind, function)
    except InputError as error:
        return [f"{where}: {error}"]
    own, common = list(known.parameters), {kind}
    if kind == "method":
        common |= {"objective", "variants"}
        if known.facts.get("baseline"):
            common.add("baseline")
            fitter = entry.get("baseline", known.facts["baseline"])
            if fitter not in source.registered("baseline"):
                return [f"{where}.baseline: found {fitter!r}; accepted: {', '.join(sorted(source.registered('baseline')))}"]
            own += source.registered("baseline")[fitter].parameters
    parameters = {parameter.name: parameter for parameter in own}
    problems = []
    for key, value in entry.items():
        if key in common or (known.open and key not in parameters):
            continue
        if key not in parameters:
            taken = ", ".join([*parameters, *sorted(common)])
            problems.append(f"{where}: unknown key {key!r}; accepted: {taken}")
            continue
        per_model = kind == "method" and isinstance(value, dict)
        for place, single in value.items() if per_model else [(None, value)]:
            at = f"{where}.{key}" + (f".{place}" if per_model else "")
            if per_model and place not in config["models"]:
                problems.append(f"{at}: no model {place!r}; accepted: {', '.join(config['models'])}")
            problems += _check_value(at, single, parameters[key].type)
    if not known.facts.get("family"):
        missing = [key for key, parameter in parameters.items() if parameter.required and key not in entry]
        problems += [f"{where}: {key} missing; accepted: {accepted(parameters[key].type)}" for key in missing]
    if kind == "method":
        for key, single in (("variants", False), ("objective", True)):
            gives = known.facts.get("objectives" if single else key, DEFAULTS[key])
            found = {entry[key]} if single and key in entry else set(entry.get(key, ()))
            if found - set(gives):
                problems.append(f"{where}.{key}: found {', '.join(sorted(found - set(gives)))}; accepted: {', '.join(gives)}")
    return problems


def _check_value(where: str, value, schema: dict) -> list[str]:
    return [f"{where}: found {value!r}; accepted: {accepted(schema)}" for _ in Validator(schema).iter_errors(value)][:1]


def _check_model(name: str, entry: dict, config: dict) -> list[str]:
    where, problems = f"models.{name}", []
    if entry["dataset"] not in config["datasets"]:
        problems.append(f"{where}.dataset: found {entry['dataset']!r}; accepted: {', '.join(config['datasets'])}")
    kind, _, variant = entry["architecture"].partition(".")
    known = source.registered("model")
    named = kind in known and bool(variant) == known[kind].facts.get("published", False)
    if not named and not re.fullmatch(r".+\.py:\w+", entry["architecture"]):
        choices = [architecture + ".NAME" * known[architecture].facts.get("published", False) for architecture in sorted(known)]
        problems.append(f"{where}.architecture: found {entry['architecture']!r}; accepted: {', '.join(choices)}, FILE.py:FUNCTION")
    if entry["weights"] == "trained" and "training" not in entry:
        problems.append(f"{where}: training missing; accepted: a mapping, as weights are trained")
    if entry["weights"] == "published" and kind != "torchvision":
        problems.append(f"{where}.weights: found 'published'; accepted for {entry['architecture']}: trained or the path of a file")
    if entry["weights"] not in ("trained", "published") and not {"mean", "std"} <= set(entry):
        problems.append(f"{where}: mean and std missing; accepted: a number a channel, as the weights come from a file")
    return problems


def _check_paper(where: str, paper: dict, config: dict) -> list[str]:
    problems = []

    def name(key, value, section):
        if value not in config[section]:
            problems.append(f"{where}.{key}: found {value!r}; accepted: {', '.join(config[section])}")
            return False
        return True

    known_dataset = name("dataset", paper["dataset"], "datasets")
    name("metric", paper["metric"], "metrics")
    for key, model in paper["models"].items():
        if name(f"models.{key}", model, "models") and known_dataset and config["models"][model]["dataset"] != paper["dataset"]:
            problems.append(
                f"{where}.models.{key}: {model} classifies {config['models'][model]['dataset']}; "
                f"accepted: a model of {paper['dataset']}"
            )
    for key in ("methods", "table_methods"):
        for position, method in enumerate(paper[key]):
            name(f"{key}.{position}", method, "methods")
    swept = {method for grids in paper["sweeps"].values() for method in grids}
    for key, model in paper["models"].items():
        used = {*paper["methods"], *paper["table_methods"]} | (swept if key == paper["sweep_model"] else set())
        problems += _check_uses(used, model, config)
    for sweep, grids in paper["sweeps"].items():
        for method, grid in grids.items():
            if name(f"sweeps.{sweep}", method, "methods"):
                for values in itertools.product(*grid.values()):
                    entry = {**config["methods"][method], **dict(zip(grid, values, strict=True))}
                    problems += _check_entry("method", f"{where}.sweeps.{sweep}.{method}", method, entry, config)
    if not problems:
        for key in ("dark_image_among", "gallery_images"):
            if paper[key] > paper["images"]:
                problems.append(f"{where}.{key}: found {paper[key]}; accepted: at most the {paper['images']} images evaluated")
        problems += _check_images(f"{where}.images", paper["images"], paper["dataset"], config)
    return list(dict.fromkeys(problems))


def _check_overview(config: dict) -> list[str]:
    """Problems of the section that shows every method on one model."""
    overview, problems = config["overview"], []
    for key, section in (("model", "models"), ("metric", "metrics")):
        if overview[key] not in config[section]:
            problems.append(f"overview.{key}: found {overview[key]!r}; accepted: {', '.join(config[section])}")
    if problems:
        return problems
    if overview["gallery_images"] > overview["images"]:
        most, found = overview["images"], overview["gallery_images"]
        problems.append(f"overview.gallery_images: found {found}; accepted: at most the {most} images evaluated")
    problems += _check_images("overview.images", overview["images"], config["models"][overview["model"]]["dataset"], config)
    return problems + _check_uses({name for name, _, _ in shown(config)}, overview["model"], config)


def _check_images(where: str, images: int, dataset: str, config: dict) -> list[str]:
    """Whether a made dataset has that many test images."""
    known = source.registered("dataset")[config["datasets"][dataset]["dataset"]]
    if not known.facts.get("made"):
        return []
    defaults = {parameter.name: parameter.default for parameter in known.parameters}
    there = config["datasets"][dataset].get("test", defaults["test"])
    return [f"{where}: found {images}; accepted: at most the {there} test images of {dataset}"] if images > there else []


def _check_uses(methods, model: str, config: dict) -> list[str]:
    """Whether methods of the configuration can be used on a model: a value for it, and a rule for its architecture."""
    problems = []
    for method in sorted(set(methods) & set(config["methods"])) if model in config["models"] else ():
        entry = config["methods"][method]
        known = source.lookup("method", entry.get("method", method))
        for parameter, value in entry.items():
            if isinstance(value, dict) and not known.open and model not in value:
                problems.append(f"methods.{method}.{parameter}: no value for model {model}; accepted: one a model in use")
        architecture = config["models"][model]["architecture"]
        if "attention" in known.facts.get("excludes", ()) and _has_attention(architecture):
            problems.append(
                f"methods.{method}: {known.name} has no rule for the attention blocks of model {model} ({architecture}); "
                "accepted: an architecture without them"
            )
    return problems


def _has_attention(architecture: str) -> bool:
    """Whether a registered architecture has attention blocks; of the user's own nothing is known before it runs."""
    name, _, variant = architecture.partition(".")
    attention = source.registered("model")[name].facts.get("attention", False) if name in source.registered("model") else False
    return variant.startswith(tuple(attention)) if variant and attention else bool(attention)


def shown(config: dict) -> list[tuple[str, str, bool]]:
    """What the overview shows, as (entry, variant, whether as released): each of a registered method once.

    Of several entries that give the same, that of the method's own name is taken, else the first by name. The absolute values
    are no map of their own: a signed one shows them. Entries of one method stand together.
    """
    found = {}
    for name, entry in sorted(config["methods"].items(), key=lambda one: (one[1].get("method", one[0]) != one[0], one[0])):
        method, released = entry.get("method", name), bool(entry.get("as_released", False))
        for variant in entry.get("variants", ["vanilla"]):
            if variant != "absolute":
                found.setdefault((method, released, variant), (name, variant, released))
    return [one for _, one in sorted(found.items(), key=lambda item: (item[0][0], item[0][2] != "vanilla", item[0][1], item[0][2]))]


class Study:
    """A checked configuration, with every name resolved."""

    def __init__(self, config: dict):
        self.config = config
        self.seed = config["seed"]
        self._points: dict[str, dict] = {}  # sweep points: name -> entry
        for paper in config["papers"].values():
            for grids in paper["sweeps"].values():
                self.points(grids, paper["models"][paper["sweep_model"]])

    def missing(self) -> list[str]:
        """Files and folders outside that the papers in use need and that are not there, a line each."""
        lines = []

        def need(where: str, path: str):
            if not Path(path).expanduser().exists():
                lines.append(f"{where}: {path} does not exist; accepted: the path of what is to be read")

        used = {model for paper in self.config["papers"].values() for model in paper["models"].values()}
        used.add(self.config["overview"]["model"])
        datasets = {self.config["models"][model]["dataset"] for model in used}
        for dataset in datasets | {paper["dataset"] for paper in self.config["papers"].values()}:
            entry = self.config["datasets"][dataset]
            for key in source.registered("dataset")[entry["dataset"]].facts.get("paths", ()):
                if entry.get(key) is not None:
                    need(f"datasets.{dataset}.{key}", entry[key])
        for model in used:
            entry = self.config["models"][model]
            if ".py:" in entry["architecture"]:
                need(f"models.{model}.architecture", entry["architecture"].rpartition(":")[0])
            if entry["weights"] not in ("trained", "published"):
                need(f"models.{model}.weights", entry["weights"])
        return sorted(lines)

    def method(self, name: str, model: str) -> dict:
        """What a method's name means for a model: `method`, `objective`, `variants` and its own parameters, all resolved."""
        entry = self.config["methods"].get(name) or self._points.get(name)
        if entry is None and name not in self.config["methods"]:
            known = ", ".join([*self.config["methods"], *self._points])
            raise InputError(f"no method {name!r} in the configuration; accepted: {known}")
        entry = copy.deepcopy(entry or {})
        function = entry.pop("method", name)
        known = source.lookup("method", function)
        settings = {
            "method": function,
            "objective": entry.pop("objective", known.facts.get("objectives", DEFAULTS["objective"])[0]),
            "variants": entry.pop("variants", ["vanilla"]),
        }
        if known.facts.get("family"):
            return settings | entry
        return settings | self._resolved(known.parameters, entry, model)

    def baseline(self, name: str, model: str) -> dict:
        """How a method's baselines are computed for a model: `baseline` and its own parameters."""
        entry = self.config["methods"].get(name) or self._points.get(name) or {}
        function = entry.get("baseline", source.lookup("method", entry.get("method", name)).facts["baseline"])
        return {"baseline": function} | self._resolved(source.registered("baseline")[function].parameters, entry, model)

    @staticmethod
    def _resolved(parameters, entry: dict, model: str) -> dict:
        """Parameters with their values: the entry's, one a model where it has a mapping, or the default."""
        values = {parameter.name: entry.get(parameter.name, parameter.default) for parameter in parameters}
        return {name: value[model] if isinstance(value, dict) else value for name, value in values.items()}

    def metric(self, name: str) -> dict:
        """What a metric's name means: `metric` and its own parameters."""
        entry = dict(self.config["metrics"][name])
        function = entry.pop("metric", name)
        parameters = source.registered("metric")[function].parameters
        return {"metric": function, **{p.name: entry.get(p.name, p.default) for p in parameters}}

    def points(self, grids: dict, model: str) -> list[tuple[str, str, dict]]:
        """The points of a sweep as (name, method, values). A point that equals its method's own entry goes by that name."""
        points = []
        for method, grid in grids.items():
            own = self.method(method, model)
            for values in itertools.product(*grid.values()):
                point = dict(zip(grid, values, strict=True))
                differences = {key: value for key, value in point.items() if own[key] != value}
                name = "-".join([method, *(f"{key}{str(value).lower()}" for key, value in sorted(differences.items()))])
                if differences:
                    self._points[name] = {"method": own["method"], **self.config["methods"][method], **differences}
                points.append((name, method, point))
        return points
