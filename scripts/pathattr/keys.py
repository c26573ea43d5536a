"""Every key of the configuration as Markdown, config/README.md: from the schema, and from the sources of the registered functions.
No torch."""

import inspect
import re
from pathlib import Path

from . import source
from .strict import read_yaml
from .values import accepted

NAMED = {  # annotation of a parameter that names something (a key of `source.NAMES`) -> what it is, in words
    "Model": "a model of the paper",
    "Models": "a list of models of the paper",
    "Method": "an entry of `methods`, or `{ENTRY: {PARAMETER: VALUE}}`: that entry with other parameters",
    "Methods": "a list of entries of `methods`, or of `{ENTRY: {PARAMETER: VALUE}}`",
    "Pairs": "a list of pairs of methods",
    "Sweep": "`{ENTRY: {PARAMETER: [VALUES]}}`: that entry at each of the values, or at each combination",
    "Forms": "a list of ENTRY or ENTRY:VARIANT; `all`: every method, variant and form once",
    "Variants": "a list of variants: vanilla, absolute, valid_interpolations, valid_references",
    "Metric": "an entry of `metrics`",
    "Score": "a number that the metric gives",
    "Scores": "a list of numbers that the metric gives",
    "MetricScores": "`{METRIC: [SCORES]}`: entries of `metrics`, and of each some of the numbers that it gives",
    "Images": "a whole number: the first images of the test split",
    "Table": "an artefact of the same paper, whose table is read",
    "Reported": "a table of the paper's printed numbers",
}
KINDS = {  # registered kind -> the section that its entries stand in, what they are called, what is said of them
    "dataset": ("datasets", "Data sets", "`dataset: NAME`, and its parameters."),
    "model": (
        "models",
        "Architectures",
        "`architecture: NAME`; they have no parameters. Besides, `torchvision.NAME` is any classifier of torchvision's, "
        "`timm.NAME` of timm's where it is installed, and `FILE.py:FUNCTION` one of your own: `FUNCTION(classes, channels, size)` "
        "returns a module.",
    ),
    "training": ("models", "Trainings", "`training: {training: NAME, ...}`; `classification` unless said."),
    "method": (
        "methods",
        "Methods",
        "`method: NAME`, by default the entry's own name. Of each parameter a mapping `{MODEL: VALUE}` gives one value a model, "
        "`other` that of all without. "
        "What they compute: [docs/methods.md](../docs/methods.md).",
    ),
    "baseline": (
        "methods",
        "Baselines",
        "`baseline: NAME` of a method that needs some; its parameters are keys of the same entry.",
    ),
    "metric": ("metrics", "Metrics", "`metric: NAME`, by default the entry's own name."),
    "probe": (
        "metrics",
        "Probes",
        "What a metric asks the network once for all maps; its parameters are keys of the metric's entry.",
    ),
    "artefact": (
        "papers",
        "Artefacts",
        "`artefact: NAME`. What an entry leaves out is taken from the paper's `defaults`. The text is the caption, with parameters "
        "in *italics*.",
    ),
    "claim": ("papers", "Comparisons", "`claim: NAME`. What an entry leaves out is taken from the paper's `defaults`."),
}


def page(root) -> str:
    """The whole page, for the repository at `root`. Raises `InputError`."""
    root = Path(root)
    schema, config = read_yaml(root / "resources" / "config.schema.yaml"), read_yaml(root / "config.yaml")
    overlays = sorted((root / "config").glob("*.yaml"))
    opening = (root / "resources" / "pages" / "configuration.md").read_text(encoding="utf-8")
    lines = [opening.format(overlays="\n".join(f"| [`config/{file.name}`]({file.name}) | {_opening(file)} |" for file in overlays))]
    sections = {of for of, _, _ in KINDS.values()}
    lines += ["## How a run goes", "", *_table(schema, config, [key for key in schema["properties"] if key not in sections])]
    for section in schema["properties"]:
        if section in sections:
            lines += ["", f"## {section}", "", schema["properties"][section]["description"], ""]
            lines += _table(schema, config, [section])
            for kind, (of, title, said) in KINDS.items():
                if of == section:
                    described = schema["$defs"].get(kind, {}).get("properties", {})
                    lines += ["", f"### {title}", "", said, *_functions(kind, described)]
    return "\n".join(lines) + "\n"


def cell(text) -> str:
    """A cell of a Markdown table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def code(value) -> str:
    """A value as it is written in YAML, set as code."""
    if value is None or isinstance(value, bool):
        return f"`{str(value).lower().replace('none', 'null')}`"
    if isinstance(value, list | tuple):
        return f"`[{', '.join(code(one).strip('`') for one in value)}]`"
    return f"`{value:.6g}`" if isinstance(value, float) else f"`{value}`" if value != "" else '`""`'


def paragraphs(doc: str, fields=()) -> str:
    """A docstring as Markdown: `fields` of a caption in italics, reStructuredText's mathematics as code, no HTML."""
    parts = re.sub(r":math:(`[^`]*`)", r"\1", inspect.cleandoc(doc)).split("`")
    for at in range(0, len(parts), 2):  # not in code
        parts[at] = re.sub(r"<(?=\w)", r"\<", parts[at])
        parts[at] = re.sub(r"\{(\w+)\}", lambda found: f"*{found[1]}*" if found[1] in fields else found[0], parts[at])
    return "`".join(parts)


def words(schema: dict) -> str:
    """What a schema takes, in words, and what each value of a list is."""
    items = schema.get("items") or next((one["items"] for one in schema.get("anyOf", ()) if "items" in one), None)
    return accepted(schema) + (f"; each: {accepted(items)}" if items else "")


def _opening(file: Path) -> str:
    """The first sentence of a file's opening comment."""
    words = []
    for line in file.read_text().splitlines():
        if not line.startswith("#"):
            break
        words.append(line.lstrip("# "))
    return re.split(r"(?<=[.:;])\s", " ".join(words))[0].rstrip(".:;")


def _table(schema: dict, config: dict, names: list[str]) -> list[str]:
    lines = ["| key | accepted | in `config.yaml` | what it is |", "|---|---|---|---|"]
    for name in names:
        part = schema["properties"][name]
        lines += _rows(name, part, config.get(name), name in schema["required"], top=part.get("type") != "object")
    return lines


def _rows(path: str, schema: dict, value, required: bool, top: bool = True) -> list[str]:
    """A row for a key, unless it is a section, and for each key in it."""
    inner, extra = schema.get("properties", {}), schema.get("additionalProperties")
    open_ended = isinstance(extra, dict) and "properties" in extra
    shown = value if not isinstance(value, dict) else None
    here = code(shown) if "NAME" not in path and (shown is not None or "null" in str(schema.get("type"))) and not inner else ""
    row = [f"`{path}`", words(schema), here, schema.get("description", "") + ("" if required else " Optional.")]
    rows = [f"| {' | '.join(map(cell, row))} |"] if top else []
    for key, part in inner.items():
        rows += _rows(f"{path}.{key}", part, value.get(key) if isinstance(value, dict) else None, key in schema.get("required", ()))
    if open_ended:
        required = extra.get("required", ())
        rows += [
            line for key, part in extra["properties"].items() for line in _rows(f"{path}.NAME.{key}", part, None, key in required)
        ]
    elif isinstance(extra, dict) and not top:
        rows.append(f"| `{path}.NAME` | {cell(words(extra))} | | {cell(schema['description'])} |")
    return rows


def _functions(kind: str, described: dict) -> list[str]:
    """The registered functions of a kind, each with what it says of itself, and its parameters with what is said of these."""
    lines = []
    for name, known in sorted(source.registered(kind).items()):
        if kind == "model" and known.facts.get("published"):
            continue  # a family, whose parameters are its name's
        opening = known.doc.split("\n\n")[0] if kind == "method" else known.doc
        fields = {"models", "model", "dataset", *(one.name for one in known.parameters)} if kind == "artefact" else ()
        lines += ["", f"#### {name}{':CLASS' * known.facts.get('family', False)}", "", paragraphs(opening, fields)]
        if known.open:
            lines += ["", "Parameters: those of the class."]
        elif known.parameters:
            lines += [
                "",
                "| parameter | accepted | default |" + " what it is |" * bool(described),
                "|---|---|---|" + "---|" * bool(described),
            ]
            for one in known.parameters:
                said = f" {cell(described.get(one.name, {}).get('description', ''))} |" * bool(described)
                lines.append(f"| `{one.name}` | {cell(_takes(one))} | {cell(_default(one))} |{said}")
    return lines


def _takes(parameter) -> str:
    if not parameter.names:
        return words(parameter.type)
    optional = not parameter.required and parameter.default is None
    return NAMED[parameter.names] + "; or null" * optional


def _default(parameter) -> str:
    if not parameter.required:
        return code(parameter.default)
    return "all" if parameter.names == "Models" else "required"
