"""What figures, tables and claims are drawn and judged without: methods that do not apply to a network, told beside the rest."""

import pandas as pd

from . import source
from .errors import NotApplicable
from .found import NOT_APPLICABLE
from .plot.names import label

NAMED = {  # what a parameter holds -> the names of methods in one of its values
    "Method": lambda one: {one},
    "Methods": lambda one: {one},
    "Pairs": set,
    "Sweep": lambda one: {one["name"]},
    "Forms": lambda one: {one["entry"]},
}


def artefact(entry, found, values: dict) -> tuple:
    """What an artefact gives, (figure or None, data, as shown): without the methods that do not apply, each a row of the data."""
    try:
        first, second = entry.function(found, **_left(entry, found, values))
    except NotApplicable:  # to anything
        import matplotlib.pyplot as plt

        first, second = (None if entry.facts["table"] else plt.figure(figsize=(4, 0.5))), None
    figure, data, shown = (None, first, second) if entry.facts["table"] else (first, second, second)
    if not found.not_applicable or (entry.facts["gaps"] and data is not None):
        return figure, data, shown
    rows = [{"model": one[0], "method": one[1], NOT_APPLICABLE: why} for one, why in found.not_applicable.items()]
    told = pd.concat([*([] if data is None else [data.assign(**{NOT_APPLICABLE: ""})]), pd.DataFrame(rows)], ignore_index=True)
    return figure, told, told if figure or shown is None else shown


def claim(entry, found, values: dict):
    """What a claim finds, a `Judged`: without the methods that do not apply, each a note. Raises `NotApplicable` where there is
    nothing left."""
    judged = entry.function(found, **_left(entry, found, values))
    lines = [line for line in told(found, found.models) if line not in judged.notes]
    judged.notes += [line for line in lines if line.startswith("not applicable")]
    return judged


def told(found, models) -> list[str]:
    """A line for each method that is left out on some of the models: not run, or not applicable, and why."""
    lines = []
    for model in models:
        where = f"{found.models[model].stands_for or model}: " if len(models) > 1 else ""
        for name, why in found.not_run.get(model, {}).items():
            reason = found.not_applicable.get((model, name))
            lines.append(f"not applicable: {where}{label(name)}: {reason}" if reason else f"not run: {where}{label(name)}: {why}")
    return lines


def note(found) -> str:
    """Below a figure or a table: which methods do not apply to which networks and why, what daggers say; "" for nothing."""
    lines = [line for line in told(found, found.models) if line.startswith("not applicable")]
    return "\n".join([*(line[0].upper() + line[1:] + "." for line in lines), *found.note().splitlines()])


def _left(entry, found, values: dict) -> dict:
    """Parameters of an artefact or a claim without methods that do not apply to one of its models; where that would leave none of a
    list, without those models instead. A kind with `gaps` leaves cells out by itself. Raises `NotApplicable` where nothing is left.
    """
    if entry.facts["gaps"] or not found.not_applicable:
        return values
    values = dict(values)
    given = [one for one in source.registered(entry.kind)[entry.name].parameters if one.names and values.get(one.name)]
    of_models = [one for one in given if one.names in ("Model", "Models")]
    models = {model for one in of_models for model in _listed(values[one.name])}

    def not_on(names: set) -> set:
        """Models that one of the methods does not apply to."""
        return {model for model, method in found.not_applicable if model in models and method in names}

    for one in (one for one in given if one.names in NAMED):
        every, names = _listed(values[one.name]), NAMED[one.names]
        must = one.required or one.default is not None
        nowhere = [not_on(names(each)) for each in every]
        if must and all(nowhere):
            models -= set.intersection(*nowhere) or set.union(*nowhere)
        left = [each for each in every if not not_on(names(each))]
        values[one.name] = left[0] if left and one.names == "Method" else left or None
    for one in of_models:
        left = [model for model in _listed(values[one.name]) if model in models]
        if not left:
            raise NotApplicable("; ".join(f"{label(method)}: {why}" for (_, method), why in found.not_applicable.items()))
        values[one.name] = left[0] if one.names == "Model" else left
    return values


def _listed(value) -> list:
    return value if isinstance(value, list) else [value]
