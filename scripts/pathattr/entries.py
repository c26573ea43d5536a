"""What is wrong with an entry of the configuration: its registered function, and that function's parameters. No torch."""

import re

from . import installed, source
from .errors import InputError
from .study import DEFAULTS, baselines_of, form_of, images_of
from .values import accepted, among, broken, fault, near


def check_entry(kind: str, where: str, name: str, entry: dict, config: dict) -> list[str]:
    """Problems of a dataset, method or metric: its registered function, and that function's parameters."""
    function = entry.get(kind, name)
    try:
        known = source.lookup(kind, function)
    except InputError as error:
        return [f"{where}: {error}"]
    if known.facts.get("family"):
        return _check_captum(where, function.partition(":")[2], known, entry)
    own, common = list(known.parameters), {kind}
    if kind == "metric" and known.facts.get("probe"):
        own += source.registered("probe")[known.facts["probe"]].parameters
    if kind == "method":
        common |= {"objective", "variants", "upto", "label"}
        if known.facts.get("baseline"):
            common.add("baseline")
            fitter = entry.get("baseline", known.facts["baseline"])
            if wrong := one_of(f"{where}.baseline", fitter, sorted(source.registered("baseline"))):
                return wrong
            own += source.registered("baseline")[fitter].parameters
    parameters = {parameter.name: parameter for parameter in own}
    problems = []
    for key, value in entry.items():
        if key in common:
            continue
        if key not in parameters:
            problems.append(f"{where}: unknown key {key!r}; {among(key, [*parameters, *sorted(common)])}")
            continue
        per_model = kind == "method" and isinstance(value, dict)
        for place, single in value.items() if per_model else [(None, value)]:
            at = f"{where}.{key}" + (f".{place}" if per_model else "")
            if per_model and place not in config["models"] and place != "other":
                problems.append(f"{at}: no model {place!r}; {among(place, [*config['models'], 'other'])}")
            problems += check_value(at, single, parameters[key].type)
    missing = [key for key, parameter in parameters.items() if parameter.required and key not in entry]
    problems += [f"{where}: {key} missing; accepted: {accepted(parameters[key].type)}" for key in missing]
    if not problems:
        values = {key: entry.get(key, parameter.default) for key, parameter in parameters.items()}
        needs = "baselines" in known.facts.get("needs", ())
        more = {"baselines": baselines_of({"baseline": fitter, **values})} if needs else {}
        single = {key: value for key, value in values.items() if not isinstance(value, dict)}
        said = broken(known.facts.get("holds"), single, more)
        problems += [f"{where}: {said}"] if said else []
    if kind == "method" and "upto" in entry and not problems:
        problems += _check_upto(where, known, entry, parameters)
    return problems + (_check_kept(where, known, entry) if kind == "method" else [])


def _check_kept(where: str, known, entry: dict) -> list[str]:
    """Problems of a method's variants and objective."""
    problems = []
    for key, single in (("variants", False), ("objective", True)):
        gives = known.facts.get("objectives" if single else key, DEFAULTS[key])
        found = {entry[key]} if single and key in entry else set(entry.get(key, ()))
        if found - set(gives):
            problems.append(f"{where}.{key}: found {', '.join(sorted(found - set(gives)))}; accepted: {', '.join(gives)}")
    return problems


def _check_captum(where: str, name: str, known, entry: dict) -> list[str]:
    """Problems of an entry that runs one of Captum's classes, as far as they are known: where Captum is installed."""
    classes = installed.attributions()
    if classes and name not in classes:
        return [f"{where}.method: captum has no attribution class {name!r}; {among(name, sorted(classes))}"]
    given = [key for key in entry if key not in ("method", "objective", "variants", "label")]
    sets = known.facts["sets"]
    problems = [f"{where}: found the key {key!r}, which pathattr sets itself; accepted: without" for key in given if key in sets]
    takes = installed.keywords(name) if classes and not problems else None
    if takes:
        problems += [f"{where}: unknown key {key!r}; {among(key, sorted(takes[0]))}" for key in given if key not in takes[0]]
        missing = takes[1] - set(given) - {"layer"}  # which has a default
        problems += [f"{where}: {key} missing; accepted: what captum's {name} takes" for key in sorted(missing)]
    return problems + _check_kept(where, known, entry)


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
            faults = check_value(f"{where}.upto.{key}", value, parameters[key].type)
            if not faults and isinstance(value, str) and whole != "both":
                faults = [f"{where}.upto.{key}: found {value!r}; accepted where {key} is 'both'; it is {whole!r}"]
            if not faults and not isinstance(value, str) and not isinstance(whole, dict) and value >= whole:
                faults = [f"{where}.upto.{key}: found {value}; accepted: numbers below its {key}, {whole}"]
            problems += faults
    return problems


def check_value(where: str, value, schema: dict, there=None) -> list[str]:
    """The first problem of a value, by the schema of its parameter; `there` as for `values.accepted`."""
    if not (found := fault(value, schema, there)):
        return []
    place, single, inner = found
    says = among(single, inner["enum"]) if "enum" in inner else f"accepted: {accepted(inner, there)}"
    return [f"{'.'.join([where, *map(str, place)])}: found {single!r}; {says}"]


def one_of(where: str, value, names) -> list[str]:
    return [] if value in names else [f"{where}: found {value!r}; {among(value, names)}"]


def check_model(name: str, entry: dict, config: dict) -> list[str]:
    where, problems = f"models.{name}", []
    problems += one_of(f"{where}.dataset", entry["dataset"], config["datasets"])
    kind, _, variant = entry["architecture"].partition(".")
    known = source.registered("model")
    named = kind in known and bool(variant) == known[kind].facts.get("published", False)
    if not named and not re.fullmatch(r".+\.py:\w+", entry["architecture"]):
        choices = [architecture + ".NAME" * known[architecture].facts.get("published", False) for architecture in sorted(known)]
        problems += one_of(f"{where}.architecture", entry["architecture"], [*choices, "FILE.py:FUNCTION"])
    elif not named:
        path, _, function = entry["architecture"].rpartition(":")
        try:
            source.own(path, function)
        except InputError as error:
            problems.append(f"{where}.architecture: {error}")
    if named and variant:
        problems += _check_network(f"{where}.architecture", kind, variant.partition(".")[0])
    if entry["weights"] == "trained" and "training" not in entry:
        problems.append(f"{where}: training missing; accepted: a mapping, as weights are trained")
    if "start" in entry:
        trained = [one for one, other in config["models"].items() if other["weights"] == "trained" and "start" not in other]
        problems += one_of(f"{where}.start", entry["start"], trained)
    if "training" in entry:
        own = {key: value for key, value in entry["training"].items() if key != "seeds"}
        problems += check_entry("training", f"{where}.training", "classification", own, config)
    if "randomised" in entry or entry["weights"] in config["models"]:
        problems += _check_randomised(where, name, entry, config)
        return problems
    if entry["weights"] == "published" and not (named and variant):
        problems.append(f"{where}.weights: found 'published'; accepted for {entry['architecture']}: trained or the path of a file")
    told = {"mean", "std"} & set(entry)
    if entry["weights"] not in ("trained", "published") and len(told) < 2 and (told or kind != "timm"):  # which has its own
        problems.append(f"{where}: mean and std missing; accepted: a number a channel, as the weights come from a file")
    return problems


def _check_network(where: str, library: str, name: str) -> list[str]:
    """Whether torchvision or timm has a classifier of that name."""
    known = installed.networks(library)
    if library == "timm" and not known and installed.networks("torchvision"):
        return [f"{where}: found timm.{name}, but timm is not installed; accepted: pip install timm, or another architecture"]
    if known and name not in known:
        accepted = "the names that timm.list_models() gives" if library == "timm" else ", ".join(known)
        return [f"{where}: {library} has no classifier {name!r}; accepted: {accepted}{near(name, known)}"]
    return []


def check_steps(name: str, entry: dict, config: dict) -> list[str]:
    """Whether there are training images enough for the steps that a learning-rate cycle takes."""
    images, of = images_of(config, entry["dataset"], "train"), entry["training"]
    if not images or of["epochs"] * (images // of["batch_size"]) >= 4:
        return []
    found = f"{of['epochs']} epochs of {images // of['batch_size']} batches out of {images} images"
    return [f"models.{name}.training: found {found}; accepted: at least 4 batches in all"]


def _check_randomised(where: str, name: str, entry: dict, config: dict) -> list[str]:
    """Problems of a model that is another one, its top blocks randomised."""
    others = [one for one in config["models"] if one != name and config["models"][one]["weights"] not in config["models"]]
    if entry["weights"] not in others:
        return [f"{where}.weights: found {entry['weights']!r}, beside `randomised`; {among(entry['weights'], others)}"]
    if "randomised" not in entry:
        return [f"{where}: randomised missing; accepted: how many of the top blocks of {entry['weights']}"]
    other = [key for key in ("dataset", "architecture") if entry[key] != config["models"][entry["weights"]][key]]
    return [f"{where}.{key}: found {entry[key]!r}; accepted: that of {entry['weights']}" for key in other]
