"""The reference of all methods as Markdown, from what they are registered with and their docstrings."""

import inspect

from . import registry

HEAD = """# Attribution methods

Generated from the registry by `make docs`; a test compares. {count} methods, and any attribution class of Captum's as
`captum:CLASS`.

Every method explains one image x at one class, in pixels of [0, 1]; F is its *objective*, what it differentiates: the raw logit of
the class unless said otherwise (others by `objective=`). A map has the image's shape, signed, a number a channel and pixel.
*Cost* is in gradients, one forward and backward pass of one image, the unit of `make benchmark`. *Variants* come of the same
gradients in the same pass: `absolute` values, and the re-calibrated `valid_interpolations` (Alg. 1) and `valid_references` (Alg. 2)
of Yang et al., ICLR 2023. Where papers and code differ: [deviations.md](deviations.md).
"""
BASELINES = """## Ways to compute baselines

Methods that need baselines of their own get them from one of these, chosen by `baseline:` in the configuration; the rule
`baselines` writes them to `results/baselines/`, one row a baseline: `met` (whether the goal was reached), `iterations`, `distance`,
`gradients`.
"""


def methods() -> str:
    """The whole page."""
    entries = registry.entries("method")
    named = [entry for entry in entries if not entry.facts["family"]]
    lines = [HEAD.format(count=len(named)), "| method | paper | equation | differentiates | cost in gradients | variants |"]
    lines.append("|---|---|---|---|---|---|")
    for entry in entries:
        facts = entry.facts
        variants = ", ".join(one for one in facts["variants"] if one not in ("vanilla", "absolute")) or "-"
        row = [
            f"[{_name(entry)}](#{entry.name})",
            facts["paper"],
            f"`{facts['equation']}`",
            _objective(facts),
            _cost(facts),
            variants,
        ]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    for entry in entries:
        lines += ["", *_section(entry)]
    lines += ["", BASELINES]
    for entry in registry.entries("baseline"):
        lines += [
            f"### {entry.name}",
            "",
            f"{entry.facts['paper']}; `{entry.facts['equation']}`. Gradients: {entry.facts['gradients']}.",
            "",
        ]
        lines += [*_docstring(entry), "", *_parameters(entry), ""]
    return "\n".join(lines).rstrip() + "\n"


def _section(entry) -> list[str]:
    facts = entry.facts
    lines = [f"## {entry.name}", "", f"{facts['paper']}; `{facts['equation']}`", "", *_docstring(entry), ""]
    lines.append(f"- Differentiates: {_objective(facts)}; accepted: {', '.join(facts['objectives'])}.")
    lines.append(f"- Cost in gradients: {_cost(facts)}.")
    if facts["needs"]:
        needs = [f"baselines (by default `{facts['baseline']}`)" if need == "baselines" else need for need in facts["needs"]]
        lines.append(f"- Needs: {', '.join(needs)}.")
    lines.append(f"- Variants: {', '.join(facts['variants'])}.")
    if facts["limits"]:
        lines.append(f"- Limits: {facts['limits']}")
    if facts["excludes"]:
        lines.append(f"- Does not apply to architectures with: {', '.join(facts['excludes'])}.")
    return lines + ["", *_parameters(entry)]


def _parameters(entry) -> list[str]:
    shown = {name: default for name, default in entry.parameters().items() if default is not inspect.Parameter.empty}
    source = entry.facts["defaults"]
    if not shown:
        return [f"No parameters.{' Defaults: ' + source + '.' if source else ''}"]
    values = ", ".join(f"`{name}` = {_value(value)}" for name, value in shown.items())
    return [f"Parameters and defaults: {values}.{' Source: ' + source + '.' if source else ''}"]


def _value(value) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(_value(one) for one in value) + ")"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _docstring(entry) -> list[str]:
    return inspect.cleandoc(entry.function.__doc__).splitlines()


def _objective(facts) -> str:
    """What is differentiated, or read where there are no gradients."""
    if facts["gradients"] == "0":
        return "nothing" if facts["forwards"] == "0" else "nothing; reads the " + facts["objectives"][0]
    return facts["objectives"][0].replace("_", " ")


def _cost(facts) -> str:
    forwards = "" if facts["forwards"] == "0" else f"; forward passes `{facts['forwards']}`"
    return f"`{facts['gradients']}`{forwards}"


def _name(entry) -> str:
    return entry.name + ":CLASS" * entry.facts["family"]
