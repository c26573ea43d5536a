"""What is wrong with a paper: with what its artefacts and claims make of the configuration's entries. No torch."""

import re
from pathlib import Path

from . import source
from .absent import has_target, lacks
from .dataset.stamp import named, numbered
from .entries import check_entry, check_value, one_of
from .errors import InputError
from .study import DEFAULTS, SECTIONS, Drawn, filled, grid_points, images_of, of_model, split_form
from .values import accepted, among, broken, is_number

OF_ALL = {"artefact": ("artefact", "title"), "claim": ("claim", "says", "where", "artefacts")}  # keys of any artefact, claim


def check_paper(name: str, config: dict, printed: Path) -> list[str]:
    """Problems of a paper's models, and of its artefacts and claims by the types of their functions' parameters."""
    where, paper, problems = f"papers.{name}", config["papers"][name], []
    for key, model in paper["models"].items():
        problems += one_of(f"{where}.models.{key}", model, config["models"])
    for key, methods in paper.get("not_run", {}).items():
        problems += one_of(f"{where}.not_run", key, paper["models"])
        problems += sum([one_of(f"{where}.not_run.{key}", method, config["methods"]) for method in methods], [])
    if "reported" in paper and not (printed / f"{paper['reported']}.csv").is_file():
        problems += one_of(f"{where}.reported", paper["reported"], sorted(path.stem for path in printed.glob("*.csv")))
    every = {one.name for kind in SECTIONS.values() for known in source.registered(kind).values() for one in known.parameters}
    for key in sorted(set(paper.get("defaults", {})) - every):
        problems.append(f"{where}.defaults: unknown key {key!r}; {among(key, sorted(every))}")
    for section, kind in SECTIONS.items():
        for key, entry in paper.get(section, {}).items() if not problems else ():
            if entry is not None:
                problems += _check_drawn(name, section, kind, key, config, printed)
    artefacts = [name for name, entry in paper["artefacts"].items() if entry is not None]
    if artefacts and not problems and all(has_target(config, config["models"][one]["dataset"]) for one in paper["models"].values()):
        absent = [f"{one}: {why}" for one in artefacts if (why := Drawn(config, name, "artefacts", one).absent)]
        problems += [f"{where}: nothing of it can be drawn, {absent[0]}"] if len(absent) == len(artefacts) else []
    return list(dict.fromkeys(problems))


def check_target(config: dict) -> list[str]:
    """Whether the models' data sets have the class that is explained, and what trainings need."""
    target, problems = config["target"], []
    models = {model: config["models"][model] for paper in config["papers"].values() for model in paper["models"].values()}
    datasets = {of["dataset"]: config["datasets"][of["dataset"]] for of in models.values()}
    for dataset, entry in datasets.items():
        try:
            numbered(entry.get("classes") or {})
        except InputError as error:
            problems.append(f"datasets.{dataset}.{error}")
        if target == "label" and "labels" in lacks(config, dataset):
            problems.append(f"target: found label, but the data set {dataset} has no labels; accepted: predicted, or a class")
    for model, of in models.items():
        if of["weights"] == "trained" and (gone := lacks(config, of["dataset"])):
            problems.append(
                f"models.{model}.weights: found trained, but the data set {of['dataset']} has no {' and no '.join(gone)}"
            )
    if datasets and not problems and not any(has_target(config, dataset) for dataset in datasets):
        names = [name for entry in datasets.values() for name in named(source.registered("dataset")[entry["dataset"]], entry)]
        problems.append(f"target: found {target!r}; {among(target, ['label', 'predicted', 'a number', *dict.fromkeys(names)])}")
    return problems


def _check_drawn(paper: str, section: str, kind: str, name: str, config: dict, printed: Path) -> list[str]:
    """Problems of an artefact or a claim."""
    at, entry = f"papers.{paper}.{section}.{name}", config["papers"][paper][section][name]
    if entry[kind] not in source.registered(kind):
        return one_of(f"{at}.{kind}", entry[kind], sorted(source.registered(kind)))
    known = source.registered(kind)[entry[kind]]
    parameters = {parameter.name: parameter for parameter in known.parameters}
    problems = [
        f"{at}: unknown key {key!r}; {among(key, [*parameters, *OF_ALL[kind]])}"
        for key in entry
        if key not in parameters and key not in OF_ALL[kind]
    ]
    values = filled(config, paper, section, name)
    for key, parameter in parameters.items():
        place = at if key in entry or key not in config["papers"][paper].get("defaults", {}) else f"papers.{paper}.defaults"
        if key not in values:
            problems.append(f"{at}: {key} missing; accepted: {accepted(parameter.type)}")
        else:
            problems += check_value(f"{place}.{key}", values[key], parameter.type)
            if not problems and parameter.names and values[key] is not None:
                problems += _check_name(f"{place}.{key}", parameter.names, values[key], paper, config, printed)
    tables = [values[key] for key, parameter in parameters.items() if parameter.names == "Table" and values.get(key)]
    if not problems and not any(_check_drawn(paper, "artefacts", "artefact", one, config, printed) for one in tables):
        drawn = Drawn(config, paper, section, name)
        datasets = sorted({config["models"][model]["dataset"] for model in drawn.models.values()})
        for key in (key for key, parameter in parameters.items() if parameter.names == "Images" and values[key]):
            place = at if key in entry else f"papers.{paper}.defaults"
            problems += sum([_check_images(f"{place}.{key}", values[key], dataset, config) for dataset in datasets], [])[:1]
        if drawn.absent:
            return problems
        problems += _check_scores(at, drawn, config) + _check_variants(at, drawn, config)
        problems += _check_on_models(at, drawn, config) + _check_conditions(at, drawn, config)
    for other in entry.get("artefacts", []) if not problems else ():
        problems += one_of(f"{at}.artefacts", other, config["papers"][paper]["artefacts"])
    return problems


def _reads_a_table(entry: dict) -> bool:
    """Whether an artefact is drawn from the table of another one; none is drawn from its."""
    known = source.registered("artefact").get(entry["artefact"])
    return bool(known) and any(one.names == "Table" and entry.get(one.name, one.default) for one in known.parameters)


def _check_name(where: str, kind: str, value, paper: str, config: dict, printed: Path) -> list[str]:
    """Whether what a value names is there. `kind`: a key of `source.NAMES`."""
    of = config["papers"][paper]
    match kind:
        case "Model" | "Models":
            return sum([one_of(where, one, of["models"]) for one in ([value] if kind == "Model" else value)], [])
        case "Metric":
            return one_of(where, value, config["metrics"])
        case "MetricScores":
            return sum([one_of(where, metric, config["metrics"]) for metric in value], [])
        case "Table":
            tables = [name for name, entry in of["artefacts"].items() if entry is not None and not _reads_a_table(entry)]
            return one_of(where, value, tables)
        case "Reported":
            if "reported" not in of:
                return [f"{where}: found {value!r}, but papers.{paper}.reported is missing; accepted: a file of resources/reported"]
            return one_of(where, value, sorted(printed_tables(printed / f"{of['reported']}.csv")))
        case "Forms":
            forms = [] if value == "all" else [form.partition(":") for form in value]
            return sum([one_of(where, name, config["methods"]) for name, _, _ in forms], [])
        case "Method" | "Methods" | "Pairs" | "Sweep":
            lists = {"Method": lambda: [value], "Methods": lambda: value, "Pairs": lambda: sum(value, [])}
            lists["Sweep"] = lambda: [{name: point} for name, grid in value.items() for point in grid_points(grid)]
            problems = []
            for form in lists[kind]():
                base, own = split_form(form)
                problems += one_of(where, base, config["methods"])
                if base in config["methods"] and own:
                    problems += _check_form(f"{where}.{base}", base, own, config)
            return problems
    return []


def _check_scores(at: str, drawn: Drawn, config: dict) -> list[str]:
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
                problems += one_of(f"{at}.{parameter.name}", score, given)
        for metric, scores in value.items() if parameter.names == "MetricScores" and value else ():
            gives = [name for score in _registered("metric", metric, config).facts["scores"] for name in (score, f"{score}_auc")]
            problems += sum([one_of(f"{at}.{parameter.name}.{metric}", score, gives) for score in scores], [])
    return problems


def _check_variants(at: str, drawn: Drawn, config: dict) -> list[str]:
    """Whether the methods' entries have the variants asked for."""
    problems = []
    for name, variant in drawn.variants:
        base, _ = drawn.forms[name]
        has = config["methods"][base].get("variants", ["vanilla"])
        if variant not in has:
            problems.append(f"{at}: {variant} of {base} is asked for; accepted: {', '.join(has)}, its `variants`")
    return problems


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


def _check_form(where: str, base: str, own: dict, config: dict) -> list[str]:
    """Problems of an entry of `methods` with some parameters changed; their values become a part of file names."""
    for key, value in own.items():
        if key in ("method", "variants", "upto"):
            return [f"{where}: found {key}, which makes another entry; accepted: parameters of its method"]
        if not re.fullmatch(r"[A-Za-z0-9_.+-]{1,30}", str(value)):
            return [f"{where}.{key}: found {value!r}; accepted: one number or word"]
    entry = {key: value for key, value in config["methods"][base].items() if key != "upto"}
    return check_entry("method", where, base, {**entry, **own}, config)


def _check_on_models(at: str, drawn: Drawn, config: dict) -> list[str]:
    """Whether methods and metrics can be used on the models: a value for each, enough of its data."""
    problems = []
    for key, model in drawn.models.items():
        for name, (base, own) in drawn.forms.items():
            if name not in drawn.without(key):
                problems += _check_method(at, base, own, model, config)
        for metric in drawn.metrics:
            known, entry = _registered("metric", metric, config), config["metrics"][metric]
            problems += _check_limits(f"metrics.{metric}", known.parameters, entry, {}, model, config)
    return problems


def _check_method(at: str, base: str, own: dict, model: str, config: dict) -> list[str]:
    """Problems of a method's entry, with some parameters changed, on a model."""
    entry, where, problems = config["methods"][base], f"methods.{base}", []
    known = source.lookup("method", entry.get("method", base))
    for parameter, value in entry.items():
        if isinstance(value, dict) and parameter != "upto" and not known.open and not {model, "other"} & set(value):
            problems.append(f"{where}.{parameter}: no value for model {model}; accepted: one a model in use, or one for `other`")
    needs = known.facts.get("needs", ())
    sampled = config["background_images"] if "background" in needs and "neighbourhoods" not in needs else None
    values = {**entry, **own}
    if not problems:
        problems = _check_limits(f"{at}, {base}" if own else where, known.parameters, values, own, model, config, sampled)
    return problems


def _check_limits(where: str, parameters, entry: dict, own: dict, model: str, config: dict, sampled=None) -> list[str]:
    """Whether values are within what a model and its data set have. `sampled`: of the training images, how many count."""
    of, problems = config["models"][model], []
    dataset, train = config["datasets"][of["dataset"]], images_of(config, of["dataset"], "train")
    known = source.registered("dataset")[dataset["dataset"]]
    defaults = {one.name: one.default for one in known.parameters}
    classes = of.get("classes") or known.facts.get("classes")
    there = {
        "other classes": classes and classes - 1,
        "training images": train and min(train, sampled or train),
        "pixels of the image's shorter side": known.facts.get("size") or dataset.get("size", defaults.get("size")),
    }
    there = {what: number for what, number in there.items() if number}
    for one in parameters:
        value = of_model(entry.get(one.name, one.default), model)
        if one.type.get("limit") in there:
            problems += check_value(f"{where}.{one.name}, on {of['dataset']}", value, one.type, there)
    return problems


def _check_conditions(at: str, drawn: Drawn, config: dict) -> list[str]:
    """Whether an artefact's or claim's parameters fit each other, and its methods are such as it takes."""
    more = {}
    for points in (drawn.values[one.name] for one in drawn.known.parameters if one.names == "Sweep" and drawn.values[one.name]):
        numbers = [{key for key, value in point["values"].items() if is_number(value)} for point in points]
        more = {"series": len({point["series"] for point in points}), "swept": sorted(set.intersection(*numbers))}
        more["changed"] = max(len(point["values"]) for point in points)
    said = broken(drawn.known.facts.get("holds"), drawn.values, more)
    problems = [f"{at}: {said}"] if said else []
    for name, (base, own) in drawn.forms.items():
        entry = {**config["methods"][base], **own}
        known = source.lookup("method", entry.get("method", base))
        facts = {"method": known.name, "needs": known.facts.get("needs", ())}
        facts["gives"] = known.facts.get("variants", DEFAULTS["variants"])
        facts["fitter"] = entry.get("baseline", known.facts["baseline"]) if known.facts.get("baseline") else ""
        if said := broken(drawn.known.facts.get("takes"), {}, facts):
            problems.append(f"{at}: found {name}; {said}")
    return problems
