"""The configuration: checked against its schema and the registered functions, then asked what a name means. No torch."""

import copy
import functools
import itertools
import json
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

SECTIONS = {"artefacts": "artefact", "claims": "claim"}  # of a paper -> kind of their functions
OF_ALL = {"artefact": ("artefact", "title"), "claim": ("claim", "says", "where", "artefacts")}  # keys of any artefact, claim
VARIANTS = ("vanilla", "absolute", "valid_interpolations", "valid_references")
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
        printed = Path(schema_path).parent / "reported"
        for paper in config["papers"]:
            problems += _check_paper(paper, config, printed)
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
    for error in Validator(schema).iter_errors(value):
        place = ".".join([where, *map(str, error.absolute_path)])
        return [f"{place}: found {error.instance!r}; accepted: {accepted(error.schema)}"]
    return []


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


def _check_paper(name: str, config: dict, printed: Path) -> list[str]:
    """Problems of a paper's models, and of its artefacts and claims by the types of their functions' parameters."""
    where, paper, problems = f"papers.{name}", config["papers"][name], []
    for key, model in paper["models"].items():
        if model not in config["models"]:
            problems.append(f"{where}.models.{key}: found {model!r}; accepted: {', '.join(config['models'])}")
    if "reported" in paper and not (printed / f"{paper['reported']}.csv").is_file():
        there = ", ".join(sorted(path.stem for path in printed.glob("*.csv")))
        problems.append(f"{where}.reported: found {paper['reported']!r}; accepted: {there}")
    every = {one.name for kind in SECTIONS.values() for known in source.registered(kind).values() for one in known.parameters}
    for key in sorted(set(paper.get("defaults", {})) - every):
        problems.append(f"{where}.defaults: unknown key {key!r}; accepted: {', '.join(sorted(every))}")
    for section, kind in SECTIONS.items():
        for key, entry in paper.get(section, {}).items() if not problems else ():
            if entry is not None:
                problems += _check_drawn(name, section, kind, key, config, printed)
    return list(dict.fromkeys(problems))


def _check_drawn(paper: str, section: str, kind: str, name: str, config: dict, printed: Path) -> list[str]:
    """Problems of an artefact or a claim."""
    at, entry = f"papers.{paper}.{section}.{name}", config["papers"][paper][section][name]
    if entry[kind] not in source.registered(kind):
        return [f"{at}.{kind}: found {entry[kind]!r}; accepted: {', '.join(sorted(source.registered(kind)))}"]
    known = source.registered(kind)[entry[kind]]
    parameters = {parameter.name: parameter for parameter in known.parameters}
    problems = [
        f"{at}: unknown key {key!r}; accepted: {', '.join([*parameters, *OF_ALL[kind]])}"
        for key in entry
        if key not in parameters and key not in OF_ALL[kind]
    ]
    values = filled(config, paper, section, name)
    for key, parameter in parameters.items():
        place = at if key in entry or key not in config["papers"][paper].get("defaults", {}) else f"papers.{paper}.defaults"
        if key not in values:
            problems.append(f"{at}: {key} missing; accepted: {accepted(parameter.type)}")
        else:
            problems += _check_value(f"{place}.{key}", values[key], parameter.type)
            if not problems and parameter.names and values[key] is not None:
                problems += _check_name(f"{place}.{key}", parameter.names, values[key], paper, config, printed)
    if not problems:
        drawn = Drawn(config, paper, section, name)
        bases = {base for base, _ in drawn.forms.values()}
        for model in drawn.models.values():
            problems += _check_uses(bases, model, config)
        problems += _check_scores(at, drawn, config) + _check_variants(at, drawn, config)
    for other in entry.get("artefacts", []) if not problems else ():
        problems += _one_of(f"{at}.artefacts", other, config["papers"][paper]["artefacts"])
    return problems


def _one_of(where: str, value, names) -> list[str]:
    return [] if value in names else [f"{where}: found {value!r}; accepted: {', '.join(map(str, names)) or 'none here'}"]


def _check_name(where: str, kind: str, value, paper: str, config: dict, printed: Path) -> list[str]:
    """Whether what a value names is there. `kind`: a key of `source.NAMES`."""
    of = config["papers"][paper]
    match kind:
        case "Model" | "Models":
            return sum([_one_of(where, one, of["models"]) for one in ([value] if kind == "Model" else value)], [])
        case "Metric":
            return _one_of(where, value, config["metrics"])
        case "Table":
            return _one_of(where, value, of["artefacts"])
        case "Images":
            datasets = {config["models"][model]["dataset"] for model in of["models"].values()}
            return sum([_check_images(where, value, dataset, config) for dataset in sorted(datasets)], [])
        case "Reported":
            if "reported" not in of:
                return [f"{where}: found {value!r}, but papers.{paper}.reported is missing; accepted: a file of resources/reported"]
            return _one_of(where, value, sorted(printed_tables(printed / f"{of['reported']}.csv")))
        case "Forms":
            forms = [] if value == "all" else [form.partition(":") for form in value]
            return sum([_one_of(where, name, config["methods"]) for name, _, _ in forms], [])
        case "Method" | "Methods" | "Pairs" | "Sweep":
            lists = {"Method": lambda: [value], "Methods": lambda: value, "Pairs": lambda: sum(value, [])}
            lists["Sweep"] = lambda: [{name: point} for name, grid in value.items() for point in _grid(grid)]
            problems = []
            for form in lists[kind]():
                base, own = split_form(form)
                problems += _one_of(where, base, config["methods"])
                if base in config["methods"] and own:
                    problems += _check_entry("method", f"{where}.{base}", base, {**config["methods"][base], **own}, config)
            return problems
    return []


def _check_scores(at: str, drawn: "Drawn", config: dict) -> list[str]:
    """Whether the metric gives the scores asked for."""
    metrics = [drawn.values[parameter.name] for parameter in drawn.known.parameters if parameter.names == "Metric"]
    given = []
    for metric in filter(None, metrics):
        scores = source.registered("metric")[config["metrics"][metric].get("metric", metric)].facts["scores"]
        given += [name for score in scores for name in (score, f"{score}_auc")]
    problems = []
    for parameter in drawn.known.parameters:
        value = drawn.values[parameter.name]
        if parameter.names in ("Score", "Scores") and value:
            for score in [value] if parameter.names == "Score" else value:
                problems += _one_of(f"{at}.{parameter.name}", score, given)
    return problems


def _check_variants(at: str, drawn: "Drawn", config: dict) -> list[str]:
    """Whether the methods' entries have the variants asked for."""
    problems = []
    for name, variant in drawn.variants:
        base, _ = drawn.forms[name]
        has = config["methods"][base].get("variants", ["vanilla"])
        if variant not in has:
            problems.append(f"{at}: {variant} of {base} is asked for; accepted: {', '.join(has)}, its `variants`")
    return problems


def printed_tables(path) -> set[str]:
    """Names of the tables in a file of printed numbers."""
    import csv

    with open(path, newline="") as file:
        return {row["table"] for row in csv.DictReader(file)}


def _check_images(where: str, images: int, dataset: str, config: dict) -> list[str]:
    """Whether a made dataset has that many test images."""
    there = test_images(config, dataset)
    if there is None or images <= there:
        return []
    return [f"{where}: found {images}; accepted: at most the {there} test images of {dataset}"]


def test_images(config: dict, dataset: str) -> int | None:
    """Test images of a made dataset; None where only its index will tell."""
    known = source.registered("dataset")[config["datasets"][dataset]["dataset"]]
    if not known.facts.get("made"):
        return None
    defaults = {parameter.name: parameter.default for parameter in known.parameters}
    return config["datasets"][dataset].get("test", defaults["test"])


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


def split_form(form) -> tuple[str, dict]:
    """Entry of `methods` and its changed parameters: of "ig" or of {"ig": {"steps": 5}}."""
    if isinstance(form, str):
        return form, {}
    ((base, own),) = form.items()
    return base, own


def form_name(form) -> str:
    """What a form is called in tables: the entry, and the parameters that it changes."""
    base, own = split_form(form)
    return "-".join([base, *(f"{key}{str(value).lower()}" for key, value in sorted(own.items()))])


def _grid(grid: dict) -> list[dict]:
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
    return values


class Drawn:
    """An artefact or a claim of the configuration, with every name resolved.

    `known`: its registered function; `values`: that function's parameters. `models`: key -> model of the configuration.
    `forms`: name in scores and maps -> (entry of `methods`, changed parameters); `variants`: (name, variant) pairs needed.
    """

    def __init__(self, config: dict, paper: str, section: str, name: str):
        self.paper, self.section, self.name = paper, section, name
        self.entry = config["papers"][paper][section][name]
        self.known = source.registered(SECTIONS[section])[self.entry[SECTIONS[section]]]
        self.values = filled(config, paper, section, name)
        self.models, self.forms, self.variants = {}, {}, []
        wanted = ["vanilla"]
        for parameter in self.known.parameters:
            value = self.values[parameter.name]
            if value is None or not parameter.names:
                continue
            match parameter.names:
                case "Model" | "Models":
                    keys = [value] if parameter.names == "Model" else value
                    self.models |= {key: config["papers"][paper]["models"][key] for key in keys}
                case "Method":
                    self.values[parameter.name] = self._form(value)
                case "Methods":
                    self.values[parameter.name] = [self._form(form) for form in value]
                case "Pairs":
                    self.values[parameter.name] = [[self._form(form) for form in pair] for pair in value]
                case "Sweep":
                    self.values[parameter.name] = [
                        {"name": self._form({base: point}), "series": base, "values": point}
                        for base, grid in value.items()
                        for point in _grid(grid)
                    ]
                case "Forms":
                    self.values[parameter.name] = self._every_form(value, config)
                case "Variants":
                    wanted = value
        if not self.variants:
            self.variants = [(name, variant) for name in self.forms for variant in wanted]

    def _form(self, form) -> str:
        name = form_name(form)
        self.forms[name] = split_form(form)
        return name

    def _every_form(self, value, config) -> list[dict]:
        """What `Forms` stands for: entry, method, variant and whether as released, of each."""
        found = []
        for entry, variant, released in shown(config) if value == "all" else [(*form.partition(":")[::2], None) for form in value]:
            own = config["methods"][self._form(entry)]
            variant = variant or "vanilla"
            released = bool(own.get("as_released", False)) if released is None else released
            self.variants.append((entry, variant))
            found.append({"entry": entry, "method": own.get("method", entry), "variant": variant, "as_released": released})
        return found

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
    """A checked configuration, with every name resolved."""

    def __init__(self, config: dict):
        self.config = config
        self.seed = config["seed"]
        self._points: dict[str, dict] = {}  # forms that change parameters: name -> entry
        self._owners: dict[tuple, str] = {}
        self.drawn = {  # (paper, section, name) -> what it draws or judges
            (paper, section, name): Drawn(config, paper, section, name)
            for paper, entry in config["papers"].items()
            for section in SECTIONS
            for name, one in entry.get(section, {}).items()
            if one is not None
        }
        for drawn in self.drawn.values():
            for model in drawn.models.values():
                for base, own in drawn.forms.values():
                    self.point(base, own, model)

    def missing(self) -> list[str]:
        """Files and folders outside that the artefacts and claims need and that are not there, a line each."""
        lines = []

        def need(where: str, path: str):
            if not Path(path).expanduser().exists():
                lines.append(f"{where}: {path} does not exist; accepted: the path of what is to be read")

        used = {model for drawn in self.drawn.values() for model in drawn.models.values()}
        for dataset in {self.config["models"][model]["dataset"] for model in used}:
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
        known = source.lookup("method", function)
        settings = {
            "method": function,
            "objective": entry.pop("objective", known.facts.get("objectives", DEFAULTS["objective"])[0]),
            "variants": entry.pop("variants", ["vanilla"]),
        }
        if known.facts.get("family"):
            return settings | entry
        return settings | self._resolved(known.parameters, entry, model)

    def owner(self, name: str, model: str) -> str:
        """The first entry that gives the same maps as this one on a model: its files are there for both."""
        base = model.partition("-")[0]
        if (name, base) not in self._owners:
            mine = self._meaning(name, base)
            same = (other for other in [*self.config["methods"], *self._points] if self._meaning(other, base) == mine)
            self._owners[name, base] = next(same, name)
        return self._owners[name, base]

    def computed(self, name: str, model: str) -> dict:
        """As `method`, with the variants that any entry with the same maps asks for."""
        mine, base = self._meaning(name, model), model.partition("-")[0]
        same = [other for other in [*self.config["methods"], *self._points] if self._meaning(other, base) == mine]
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
        values = {parameter.name: entry.get(parameter.name, parameter.default) for parameter in parameters}
        model = model.partition("-")[0]
        return {name: value[model] if isinstance(value, dict) else value for name, value in values.items()}

    def metric(self, name: str) -> dict:
        """What a metric's name means: `metric` and its own parameters."""
        entry = dict(self.config["metrics"][name])
        function = entry.pop("metric", name)
        parameters = source.registered("metric")[function].parameters
        return {"metric": function, **{p.name: entry.get(p.name, p.default) for p in parameters}}

    def point(self, base: str, own: dict, model: str) -> str:
        """Name of an entry with some parameters changed, on a model: the entry's own where nothing differs."""
        settings = self.method(base, model)
        differences = {key: value for key, value in own.items() if settings[key] != value}
        name = form_name({base: differences})
        if differences:
            self._points[name] = {"method": settings["method"], **self.config["methods"][base], **differences}
        return name
