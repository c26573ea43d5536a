"""The configuration, checked against its schema and the registered functions: all that is wrong, a line each. No torch.

Entries of datasets, models, methods and metrics are checked in `entries`, what papers make of them in `uses`, and what YAML passes
over in silence in `strict`.
"""

import math
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, validators

from .entries import check_entry, check_model, check_steps
from .errors import InputError
from .overlay import likened, without_dropped
from .strict import problems_of
from .study import Study, images_of
from .uses import check_paper, check_target
from .values import accepted, among, is_number, is_whole

# JSON takes 4.0 for a whole number; a count of 4.0 is a slip. A number that is none (.nan, .inf) passes any bound.
KINDS = {"integer": lambda _, value: is_whole(value), "number": lambda _, value: is_number(value)}
Validator = validators.extend(Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(KINDS))


def check(config: dict, schema_path) -> list[str]:
    """Everything wrong with a configuration, a line each: the key, what was found, what is accepted."""
    schema = yaml.safe_load(Path(schema_path).read_text())
    if problems := _keys(config):
        return problems
    config, problems = likened(config)
    if problems := problems or sorted({_line(error) for error in Validator(schema).iter_errors(config)}):
        return problems
    config, _ = without_dropped(shown_papers(config))
    for kind, key in (("dataset", "datasets"), ("method", "methods"), ("metric", "metrics")):
        for name, entry in config[key].items():
            problems += check_entry(kind, f"{key}.{name}", name, entry, config)
    problems += sum([check_model(name, entry, config) for name, entry in config["models"].items()], [])
    if (config["precision"], config["device"]) == ("tf32", "cpu"):
        problems.append("precision: found tf32, which is a GPU's; accepted where device is cpu: float32, bfloat16")
    if not problems:
        problems += sum([check_steps(name, entry, config) for name, entry in config["models"].items() if "training" in entry], [])
        printed = Path(schema_path).parent / "reported"
        for paper in config["papers"]:
            problems += check_paper(paper, config, printed)
        problems += [] if problems else _check_shards(config) + check_target(config)
    return sorted(set(problems))


def _check_shards(config: dict) -> list[str]:
    """Whether there are enough training images to be split as asked for."""
    used = {config["models"][model]["dataset"] for paper in config["papers"].values() for model in paper["models"].values()}
    counts = [(images_of(config, dataset, "train"), dataset) for dataset in used]
    least, dataset = min([one for one in counts if one[0]], default=(math.inf, ""))
    found = config["training_shards"]
    return [f"training_shards: found {found}; accepted: at most the {least} training images of {dataset}"] if found > least else []


def load(config: dict, schema_path, files=()) -> Study:
    """The study of a configuration, which was read from `files`. Raises `InputError` with one line a problem."""
    there = [path for path in files if Path(path).is_file()]  # a pipe is empty by now
    problems = sum([problems_of(path) for path in there], []) or check(config, schema_path)
    if problems:
        raise InputError("\n".join(f"config: {problem}" for problem in problems))
    whole, dropped = without_dropped(shown_papers(likened(config)[0]))
    config.update(whole)
    return Study(config, dropped)


def shown_papers(config: dict) -> dict:
    """The configuration without the papers that it leaves out by null."""
    return {**config, "papers": {name: paper for name, paper in config["papers"].items() if paper is not None}}


def _keys(value, where: str = "", above=()) -> list[str]:
    """Keys of a configuration, or of what lies in it, that are no text: YAML reads 5 as a number, and yes as true."""
    if isinstance(value, list | dict) and id(value) in above:
        return [f"{where}: holds itself; accepted: an alias outside of its anchor"]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    problems = []
    for key, one in inner:
        if isinstance(value, dict) and not (isinstance(key, str) and key.isprintable()):
            problems.append(
                f"{where or 'top level'}: found the key {key!r}; accepted: text, in quotes where YAML reads another thing"
            )
        else:
            problems += _keys(one, f"{where}.{key}".lstrip("."), (*above, id(value)))
    return problems


def _line(error) -> str:
    where = ".".join(str(part) for part in error.absolute_path) or "top level"
    if error.validator == "additionalProperties":
        extra = sorted(set(error.instance) - set(error.schema["properties"]))
        return f"{where}: unknown key {', '.join(map(repr, extra))}; {among(extra[0], error.schema['properties'])}"
    if error.validator == "required":
        missing = sorted(set(error.schema["required"]) - set(error.instance))
        return f"{where}: {', '.join(missing)} missing; accepted: {', '.join(error.schema['required'])}"
    return f"{where}: found {error.instance!r}; accepted: {accepted(error.schema)}"
