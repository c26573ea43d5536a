"""Configuration files read as text: what YAML itself passes over in silence, told with file and line. No torch."""

from pathlib import Path

import yaml

from .errors import InputError


def read_yaml(path) -> dict:
    """The mapping that a YAML file holds, {} where it is empty. Raises `InputError` with one line a problem."""
    if problems := problems_of(path):
        raise InputError("\n".join(problems))
    value = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    if not isinstance(value, dict):
        raise InputError(f"{path}: found {type(value).__name__}; accepted: a mapping")
    return value


def problems_of(path) -> list[str]:
    """What is wrong with a YAML (or JSON) file as such, a line each: no YAML, a key that comes twice, a key that is no text."""
    try:
        tree = yaml.compose(Path(path).read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return [f"{path}, line {mark.line + 1}: {error.problem or error.context}; accepted: YAML"]
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        return [f"{path}: {str(error).splitlines()[0]}; accepted: YAML in UTF-8"]
    except OSError as error:
        return [f"{path}: {error.strerror}; accepted: a YAML file"]
    problems, todo, seen = [], [tree], set()
    while todo:
        node = todo.pop()
        if node is None or id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            first = {}
            for key, value in node.value:
                todo.append(value)
                place = f"{path}, line {key.start_mark.line + 1}"
                if key.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"):
                    said = key.value if isinstance(key, yaml.ScalarNode) else "a list or mapping"
                    problems.append(f"{place}: the key {said} is no text to YAML; accepted: text, '{said}' in quotes")
                elif key.value in first:
                    problems.append(f"{place}: key {key.value!r} twice, first in line {first[key.value]}; accepted: once")
                first.setdefault(key.value if isinstance(key, yaml.ScalarNode) else id(key), key.start_mark.line + 1)
        elif isinstance(node, yaml.SequenceNode):
            todo += node.value
    return sorted(problems)
