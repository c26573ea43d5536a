"""Configurations laid over one another, as Snakemake does it, and what entries of one configuration take from others. No torch."""

import functools

from . import source
from .strict import read_yaml
from .study import SECTIONS, filled
from .values import among

NAMING = ("Method", "Methods", "Pairs", "Sweep", "Forms")  # annotations of parameters that name entries of `methods`


def merged(base: dict, differences: dict) -> dict:
    """As Snakemake lays one configuration over another: mappings key by key, all else whole; an empty mapping changes nothing."""
    result = dict(base)
    for key, value in differences.items():
        if isinstance(value, dict):
            below = result.get(key, {})
            value = merged(below if isinstance(below, dict) else {}, value) if value else below
        result[key] = value
    return result


def laid(files, base: dict) -> dict:
    """Configuration files laid over `base`, as by --configfile: first over one another, and with their keys in front, which decides
    who of several equal methods is computed."""
    over = functools.reduce(merged, map(read_yaml, files), {})
    return merged(merged(over, base), over)


def likened(config: dict) -> tuple[dict, list[str]]:
    """The configuration with each paper that is `like` another one laid over that; and every `like` that is wrong, a line each."""
    papers, problems = config.get("papers"), []
    if not isinstance(papers, dict):
        return config, []  # as the schema will say

    def whole(name: str, above: tuple = ()) -> dict:
        paper = papers[name]
        if not isinstance(paper, dict) or "like" not in paper:
            return paper
        own, like = {key: value for key, value in paper.items() if key != "like"}, paper["like"]
        others = [one for one in papers if one != name and papers[one] is not None]
        if like in (name, *above) or like not in others:
            what = "which is like itself" if like in (name, *above) else "which is null" if like in list(papers) else ""
            problems.append(f"papers.{name}.like: found {like!r}{', ' * bool(what)}{what}; {among(like, others)}")
            return own
        below = whole(like, (*above, name))
        return merged(below, own) if isinstance(below, dict) else own

    found = {name: whole(name) for name in papers}
    return {**config, "papers": found}, list(dict.fromkeys(problems))


def without_dropped(config: dict) -> tuple[dict, dict[tuple, str]]:
    """The configuration without the methods that are null; (paper, section, name) -> why an artefact or claim is left out with one.

    Lists of methods lose it. Left out is an artefact that has no method left, or needs that one; and a claim that names it, or
    reads such an artefact's table: with other methods it would be another claim.
    """
    gone = [name for name, entry in config["methods"].items() if entry is None]
    if not gone:
        return config, {}
    papers, fallen = {}, {}
    for paper, of in config["papers"].items():
        left = papers[paper] = dict(of)
        if "not_run" in of:
            left["not_run"] = {
                key: {name: why for name, why in told.items() if name not in gone} for key, told in of["not_run"].items()
            }
        for section, kind in SECTIONS.items():
            left[section] = dict(of.get(section, {}))
            for name, entry in of.get(section, {}).items():
                if entry is None or entry[kind] not in source.registered(kind):
                    continue
                own, why = _without(config, paper, section, name, gone)
                left[section][name] = None if why else own
                if why:
                    fallen[paper, section, name] = f"methods.{why} is null"
    methods = {name: entry for name, entry in config["methods"].items() if entry is not None}
    return {**config, "methods": methods, "papers": papers}, fallen


def _without(config: dict, paper: str, section: str, name: str, gone) -> tuple[dict, str]:
    """The entry of an artefact or claim without the methods that are gone, and the one of them with which it falls, or ""."""
    known = source.registered(SECTIONS[section])[config["papers"][paper][section][name][SECTIONS[section]]]
    entry, values = dict(config["papers"][paper][section][name]), filled(config, paper, section, name)
    for parameter in (one for one in known.parameters if one.name in values):
        value = values[parameter.name]
        table = parameter.names == "Table" and value != name and config["papers"][paper]["artefacts"].get(str(value))
        if table and (why := _without(config, paper, "artefacts", value, gone)[1]):
            return entry, why
        if not (named := [one for one in gone if _names(value, one, parameter.names in NAMING)]):
            continue
        rest = _rest(value, gone)
        if rest and section == "artefacts":
            entry[parameter.name] = rest
        elif parameter.names == "Method" and parameter.default is None and not parameter.required and section == "artefacts":
            entry[parameter.name] = None
        else:
            return entry, named[0]
    return entry, ""


def _names(value, method: str, naming: bool) -> bool:
    """Whether a value names a method: a value of a parameter that is `naming` them anywhere, another under a key `method`."""
    if isinstance(value, dict):
        return any((naming and key == method) or _names(one, method, naming or key == "method") for key, one in value.items())
    if isinstance(value, list):
        return any(_names(one, method, naming) for one in value)
    return naming and isinstance(value, str) and value.partition(":")[0] == method


def _rest(value, gone):
    """What is left of the methods that a value names; nothing of a single one."""
    if isinstance(value, dict):
        return {key: one for key, one in value.items() if key not in gone}
    return [one for one in value if not any(_names(one, name, True) for name in gone)] if isinstance(value, list) else None
