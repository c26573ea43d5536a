"""The configuration, checked against its schema and the registered functions: all that is wrong, a line each. No torch."""

import re
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, validators

from . import source
from .errors import InputError
from .study import DEFAULTS, SECTIONS, Drawn, Study, filled, form_of, grid_points, images_of, split_form

# JSON takes 4.0 for a whole number; a count of 4.0 is a slip.
Validator = validators.extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int),
)

OF_ALL = {"artefact": ("artefact", "title"), "claim": ("claim", "says", "where", "artefacts")}  # keys of any artefact, claim


def check(config: dict, schema_path) -> list[str]:
    """Everything wrong with a configuration, a line each: the key, what was found, what is accepted."""
    schema = yaml.safe_load(Path(schema_path).read_text())
    problems = sorted({_line(error) for error in Validator(schema).iter_errors(config)})
    if problems:
        return problems
    config = shown_papers(config)
    for kind, key in (("dataset", "datasets"), ("method", "methods"), ("metric", "metrics")):
        for name, entry in config[key].items():
            problems += _check_entry(kind, f"{key}.{name}", name, entry, config)
    for name, entry in config["models"].items():
        problems += _check_model(name, entry, config)
    if (config["precision"], config["device"]) == ("tf32", "cpu"):
        problems.append("precision: found tf32, which is a GPU's; accepted where device is cpu: float32, bfloat16")
    if not problems:
        printed = Path(schema_path).parent / "reported"
        for paper in config["papers"]:
            problems += _check_paper(paper, config, printed)
    return sorted(set(problems))


def load(config: dict, schema_path) -> Study:
    """The study of a configuration. Raises `InputError` with one line a problem."""
    problems = check(config, schema_path)
    if problems:
        raise InputError("\n".join(f"config: {problem}" for problem in problems))
    config["papers"] = shown_papers(config)["papers"]
    return Study(config)


def shown_papers(config: dict) -> dict:
    """The configuration without the papers that it leaves out by null."""
    return {**config, "papers": {name: paper for name, paper in config["papers"].items() if paper is not None}}


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
        "exclusiveMaximum": "below {}",
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
    if kind == "metric" and known.facts.get("probe"):
        own += source.registered("probe")[known.facts["probe"]].parameters
    if kind == "method":
        common |= {"objective", "variants", "upto"}
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
    if kind == "method" and "upto" in entry and not problems:
        problems += _check_upto(where, known, entry, parameters)
    if kind == "method":
        for key, single in (("variants", False), ("objective", True)):
            gives = known.facts.get("objectives" if single else key, DEFAULTS[key])
            found = {entry[key]} if single and key in entry else set(entry.get(key, ()))
            if found - set(gives):
                problems.append(f"{where}.{key}: found {', '.join(sorted(found - set(gives)))}; accepted: {', '.join(gives)}")
    return problems


def _check_upto(where: str, known, entry: dict, parameters: dict) -> list[str]:
    """Problems of the values whose maps shall come of the same run."""
    nested, problems = known.facts.get("nested", ()), []
    for key, values in entry["upto"].items():
        if key not in nested or form_of(entry):
            takes = ", ".join(nested) if nested and not form_of(entry) else f"none, {known.name} has no nested parameter"
            problems.append(
                f"{where}.upto: found {key}; accepted: {takes}" + f", {form_of(entry).replace('_', ' ')}" * bool(form_of(entry))
            )
            continue
        whole = entry.get(key, parameters[key].default)
        for value in values:
            faults = _check_value(f"{where}.upto.{key}", value, parameters[key].type)
            if not faults and isinstance(value, str) and whole != "both":
                faults = [f"{where}.upto.{key}: found {value!r}; accepted where {key} is 'both'; it is {whole!r}"]
            if not faults and not isinstance(value, str) and value >= whole:
                faults = [f"{where}.upto.{key}: found {value}; accepted: numbers below its {key}, {whole}"]
            problems += faults
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
    if "start" in entry:
        trained = [one for one, other in config["models"].items() if other["weights"] == "trained" and "start" not in other]
        problems += _one_of(f"{where}.start", entry["start"], trained)
    if "training" in entry:
        own = {key: value for key, value in entry["training"].items() if key != "seeds"}
        problems += _check_entry("training", f"{where}.training", "classification", own, config)
    if "randomised" in entry or entry["weights"] in config["models"]:
        problems += _check_randomised(where, name, entry, config)
        return problems
    if entry["weights"] == "published" and kind != "torchvision":
        problems.append(f"{where}.weights: found 'published'; accepted for {entry['architecture']}: trained or the path of a file")
    if entry["weights"] not in ("trained", "published") and not {"mean", "std"} <= set(entry):
        problems.append(f"{where}: mean and std missing; accepted: a number a channel, as the weights come from a file")
    return problems


def _check_randomised(where: str, name: str, entry: dict, config: dict) -> list[str]:
    """Problems of a model that is another one, its top blocks randomised."""
    others = [one for one in config["models"] if one != name and config["models"][one]["weights"] not in config["models"]]
    if entry["weights"] not in others:
        return [f"{where}.weights: found {entry['weights']!r}; accepted beside `randomised`: {', '.join(others)}"]
    if "randomised" not in entry:
        return [f"{where}: randomised missing; accepted: how many of the top blocks of {entry['weights']}"]
    other = [key for key in ("dataset", "architecture") if entry[key] != config["models"][entry["weights"]][key]]
    return [f"{where}.{key}: found {entry[key]!r}; accepted: that of {entry['weights']}" for key in other]


def _check_paper(name: str, config: dict, printed: Path) -> list[str]:
    """Problems of a paper's models, and of its artefacts and claims by the types of their functions' parameters."""
    where, paper, problems = f"papers.{name}", config["papers"][name], []
    for key, model in paper["models"].items():
        if model not in config["models"]:
            problems.append(f"{where}.models.{key}: found {model!r}; accepted: {', '.join(config['models'])}")
    for key, methods in paper.get("not_run", {}).items():
        problems += _one_of(f"{where}.not_run", key, paper["models"])
        problems += sum([_one_of(f"{where}.not_run.{key}", method, config["methods"]) for method in methods], [])
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
        datasets = sorted({config["models"][model]["dataset"] for model in drawn.models.values()})
        for key in (key for key, parameter in parameters.items() if parameter.names == "Images" and values[key]):
            place = at if key in entry else f"papers.{paper}.defaults"
            problems += sum([_check_images(f"{place}.{key}", values[key], dataset, config) for dataset in datasets], [])[:1]
        bases = {base for base, _ in drawn.forms.values()}
        for key, model in drawn.models.items():
            problems += _check_uses(bases - set(drawn.not_run[key]), model, config)
        problems += _check_scores(at, drawn, config) + _check_variants(at, drawn, config) + _check_masks(at, drawn, config)
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
            return _one_of(where, value, [name for name, entry in of["artefacts"].items() if entry is not None])
        case "Reported":
            if "reported" not in of:
                return [f"{where}: found {value!r}, but papers.{paper}.reported is missing; accepted: a file of resources/reported"]
            return _one_of(where, value, sorted(printed_tables(printed / f"{of['reported']}.csv")))
        case "Forms":
            forms = [] if value == "all" else [form.partition(":") for form in value]
            return sum([_one_of(where, name, config["methods"]) for name, _, _ in forms], [])
        case "Method" | "Methods" | "Pairs" | "Sweep":
            lists = {"Method": lambda: [value], "Methods": lambda: value, "Pairs": lambda: sum(value, [])}
            lists["Sweep"] = lambda: [{name: point} for name, grid in value.items() for point in grid_points(grid)]
            problems = []
            for form in lists[kind]():
                base, own = split_form(form)
                problems += _one_of(where, base, config["methods"])
                if base in config["methods"] and own:
                    entry = {key: value for key, value in config["methods"][base].items() if key != "upto"}
                    problems += _check_entry("method", f"{where}.{base}", base, {**entry, **own}, config)
            return problems
    return []


def _check_scores(at: str, drawn: "Drawn", config: dict) -> list[str]:
    """Whether the metric gives the scores asked for."""
    given = []
    for metric in drawn.metrics:
        scores = _registered("metric", metric, config).facts["scores"]
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


def _check_masks(at: str, drawn: "Drawn", config: dict) -> list[str]:
    """Whether the data sets say where the object is, where a metric asks for it: made ones do, others by `boxes`."""
    asking = [one for one in drawn.metrics if {"mask", "box"} & set(_registered("metric", one, config).facts.get("needs", ()))]
    datasets = dict.fromkeys(config["models"][model]["dataset"] for model in drawn.models.values())
    made = [one for one in datasets if _registered("dataset", one, config).facts.get("made")]
    blind = [one for one in datasets if one not in made and not config["datasets"][one].get("boxes")]
    return [f"{at}: metric {metric} needs masks or boxes; the dataset {one} has neither" for metric in asking for one in blind]


def _registered(kind: str, name: str, config: dict) -> source.Registered:
    """The registered function of an entry of `metrics` or `datasets`."""
    return source.registered(kind)[config[f"{kind}s"][name].get(kind, name)]


def printed_tables(path) -> set[str]:
    """Names of the tables in a file of printed numbers."""
    import csv

    with open(path, newline="") as file:
        return {row["table"] for row in csv.DictReader(file)}


def _check_images(where: str, images: int, dataset: str, config: dict) -> list[str]:
    """Whether a made dataset has that many test images."""
    there = images_of(config, dataset)
    if there is None or images <= there:
        return []
    return [f"{where}: found {images}; accepted: at most the {there} test images of {dataset}"]


def _check_uses(methods, model: str, config: dict) -> list[str]:
    """Whether methods of the configuration can be used on a model: a value for it, and a rule for its architecture."""
    problems = []
    for method in sorted(set(methods) & set(config["methods"])) if model in config["models"] else ():
        entry = config["methods"][method]
        known = source.lookup("method", entry.get("method", method))
        for parameter, value in entry.items():
            if isinstance(value, dict) and parameter != "upto" and not known.open and model not in value:
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
