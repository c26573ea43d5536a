"""The library seen as text: what is registered where, what imports what, and a digest of it. Imports no torch.

The workflow reads this at every start, also on a head node with nothing but Snakemake, so it parses the sources instead
of importing them. A digest is taken over syntax trees without docstrings: comments, formatting, docstrings and file times
do not change it, any change of what the code does is seen, in the module itself or in one that it imports.
"""

import ast
import functools
import hashlib
import inspect
import json
import textwrap
from dataclasses import dataclass
from pathlib import Path
from types import EllipsisType

from .errors import InputError
from .values import BOUNDS, among

LIBRARY = Path(__file__).resolve().parent
_NAME = {"type": "string"}
_FORM = {"anyOf": [_NAME, {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": {"type": "object"}}]}
_LIST = {"type": "array", "minItems": 1, "uniqueItems": True}
_GRID = {"type": "object", "minProperties": 1, "additionalProperties": _LIST}
NAMES = {  # annotation of a parameter that names something of the configuration -> the shape of its value
    "Model": _NAME,  # a model of the paper
    "Models": {**_LIST, "items": _NAME},
    "Method": _FORM,  # an entry of `methods`, or {entry: {parameter: value}}
    "Methods": {**_LIST, "items": _FORM},
    "Pairs": {**_LIST, "items": {"type": "array", "items": _FORM, "minItems": 2, "maxItems": 2}},
    "Sweep": {"type": "object", "minProperties": 1, "additionalProperties": _GRID},
    "Forms": {"anyOf": [{"enum": ["all"]}, {**_LIST, "items": _NAME}]},  # ENTRY or ENTRY:VARIANT; all: each method once
    "Variants": {**_LIST, "items": {"enum": ["vanilla", "absolute", "valid_interpolations", "valid_references"]}},
    "Metric": _NAME,  # an entry of `metrics`
    "Score": _NAME,  # a number that the metric gives
    "Scores": {**_LIST, "items": _NAME},
    "MetricScores": {**_GRID, "additionalProperties": {**_LIST, "items": _NAME}},  # {metric: scores that it gives}
    "Images": {"type": "integer", "minimum": 1, "maximum": 9_999_999},  # the first ones of the test split
    "Table": _NAME,  # an artefact of the same paper
    "Reported": _NAME,  # a table of the paper's printed numbers
}


@dataclass(frozen=True)
class Parameter:
    """One keyword parameter of a registered function: `type` is a JSON-schema fragment, `default` None if there is none.

    `names`: what in the configuration the value names (a key of `NAMES`), "" if nothing.
    """

    name: str
    type: dict
    default: object
    required: bool
    names: str = ""


@dataclass(frozen=True)
class Registered:
    """A registered function as its source shows it, found without importing it. `open`: it takes any other parameter too."""

    name: str
    module: str
    facts: dict
    parameters: tuple[Parameter, ...]
    open: bool = False
    function: str = ""
    doc: str = ""

    def values(self, entry: dict) -> dict:
        """Parameters of an entry of the configuration: its own, or by default."""
        return {one.name: entry.get(one.name, one.default) for one in self.parameters}


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


@functools.cache
def registered(kind: str) -> dict[str, Registered]:
    """Name -> what is registered under it by a decorator of that kind ("method", "metric", "dataset", "artefact", ...)."""
    found = {}
    for path in sorted((LIBRARY / kind).glob("*.py")):
        for node in _tree(path).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == kind:
                    name = ast.literal_eval(call.args[0])
                    module = f"{__package__}.{kind}.{path.stem}"
                    if name in found:
                        raise ValueError(f"{kind} {name!r} is registered twice: {found[name].module}, {module}")
                    facts = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
                    parameters, doc = _parameters(node, path), ast.get_docstring(node) or ""
                    found[name] = Registered(name, module, facts, parameters, node.args.kwarg is not None, node.name, doc)
    return found


def lookup(kind: str, name: str) -> Registered:
    """What is registered under a name, FAMILY:MEMBER for a family. Raises `InputError` naming what is known."""
    known = registered(kind)
    base, colon, member = name.partition(":")
    if base not in known or bool(member) != known[base].facts.get("family", False) or bool(colon) != bool(member):
        names = [one + ":NAME" * known[one].facts.get("family", False) for one in sorted(known)]
        raise InputError(f"no registered {kind} {name!r}; {among(name, names)}")
    return known[base]


@functools.cache
def parameters(function) -> tuple[Parameter, ...]:
    """The keyword parameters of a function that is there."""
    return _parameters(ast.parse(textwrap.dedent(inspect.getsource(function))).body[0], Path(inspect.getfile(function)))


def _parameters(function: ast.FunctionDef, path: Path) -> tuple[Parameter, ...]:
    arguments = function.args
    return tuple(
        Parameter(
            argument.arg,
            _schema(argument.annotation, f"{path.name}: {function.name}({argument.arg})"),
            None if default is None else _constant(default),
            default is None,
            _names(argument.annotation),
        )
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    )


def _names(annotation: ast.expr | None) -> str:
    if isinstance(annotation, ast.BinOp):
        annotation = annotation.left
    return annotation.id if isinstance(annotation, ast.Name) and annotation.id in NAMES else ""


def _constant(expression: ast.expr):
    """Value of a default: literals and arithmetic on them, such as 8 / 255."""
    return eval(compile(ast.Expression(expression), "default", "eval"), {"__builtins__": {}})


def _schema(annotation: ast.expr | None, where: str) -> dict:
    """JSON schema of an annotation."""
    match annotation:
        case ast.Name(id=name) if name in BOUNDS:
            return BOUNDS[name]
        case ast.Name(id=name) if name in NAMES:
            return NAMES[name]
        case ast.Subscript(value=ast.Name(id="Literal")):
            values = ast.literal_eval(annotation.slice)
            return {"enum": list(values) if isinstance(values, tuple) else [values]}
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[item, ast.Constant(value=EllipsisType())])):
            return {"type": "array", "items": _schema(item, where), "minItems": 1, "uniqueItems": True}
        case ast.BinOp(op=ast.BitOr(), left=left, right=ast.Constant(value=None)):
            return {"anyOf": [_schema(left, where), {"type": "null"}]}
    names = ", ".join(NAMES)
    kinds = f"{', '.join(BOUNDS)}, Literal[...], tuple[one of these, ...], one | None"
    raise TypeError(f"{where}: annotate with {kinds}, or one of {names}")


@functools.cache
def _imports(path: Path) -> tuple[Path, ...]:
    """Files of the library that the file at `path` imports, anywhere in it."""
    return _imported(path, ast.walk(_tree(path)))


def _imported(path: Path, nodes) -> tuple[Path, ...]:
    """Files of the library that import statements among the nodes, of the file at `path`, name."""
    found = []
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            if node.level:
                base = path.parents[node.level - 1]
            elif (node.module or "").split(".")[0] == LIBRARY.name:
                base = LIBRARY.parent
            else:
                continue
            stem = base.joinpath(*(node.module or "").split(".")) if node.module else base
            found += [stem.with_suffix(".py")] + [stem / f"{alias.name}.py" for alias in node.names]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == LIBRARY.name:
                    found.append(LIBRARY.parent.joinpath(*alias.name.split(".")).with_suffix(".py"))
    return tuple(dict.fromkeys(file for file in found if file.is_file()))


def neighbour(folder: Path, name: str) -> Path | None:
    """The file that `import NAME` means in a user's file of that folder, NAME.py or NAME/__init__.py, None where there is none."""
    found = (folder / name / "__init__.py", folder / f"{name}.py")
    return next((path for path in found if name != LIBRARY.name and path.is_file()), None)


def own(path, function: str = "") -> list[Path]:
    """The user's file at `path` and the files beside it, or in packages beside it, that it imports, directly or not; none where it
    is not there. Raises `InputError` for one that is no Python, and for a file that gives the name `function` to nothing."""
    path = Path(path).resolve()
    folder, found, todo = path.parent, set(), [path] if path.is_file() else []
    while todo:
        file = todo.pop()
        if file in found:
            continue
        found.add(file)
        try:
            nodes = list(ast.walk(_tree(file)))
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            raise InputError(f"{file.name}:{line}: {getattr(error, 'msg', error)}; accepted: Python") from None
        if function and file == path:
            known = {name for node in nodes if isinstance(node, ast.stmt) for name in _defines(node)}
            if not known & {function, "*"}:
                raise InputError(f"{file.name} has no {function!r}; accepted: a function (classes, channels, size)")
        for node in nodes:
            named = []  # (folder, dotted name)
            if isinstance(node, ast.Import):
                named = [(folder, alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = file.parents[node.level - 1] if node.level else folder
                named = [(base, f"{node.module or ''}.{alias.name}".strip(".")) for alias in node.names]
            for base, dotted in named:
                for name in dotted.split("."):
                    todo += [one for one in [neighbour(base, name)] if one]
                    base = base / name
    return sorted(found)


@functools.cache
def part(path: Path, name: str) -> tuple[tuple[str, ...], tuple[Path, ...]]:
    """What one definition of a file is made of: the dumped statements of the file that it reaches by name, itself among
    them, without docstrings; and the files of the library that these import.

    So one function among many in a file has a digest of its own.
    """
    defined: dict[str, list[ast.stmt]] = {}
    for node in _bare(path).body:
        for one in _defines(node):
            defined.setdefault(one, []).append(node)
    reached, todo = {}, [name]
    while todo:
        for node in defined.pop(todo.pop(), ()):
            reached[node.lineno] = node
            todo += [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]
    nodes = [reached[line] for line in sorted(reached)]
    imported = _imported(path, (inner for node in nodes for inner in ast.walk(node)))
    kept = [node for node in nodes if not isinstance(node, ast.Import | ast.ImportFrom)]
    return tuple(map(ast.dump, kept)), imported


def _defines(node: ast.stmt) -> list[str]:
    """Names that a statement of a module gives a meaning to."""
    match node:
        case ast.FunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Import() | ast.ImportFrom():
            return [(alias.asname or alias.name).split(".")[0] for alias in node.names]
    return [one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]


@functools.cache
def _bare(path: Path) -> ast.Module:
    """The syntax tree of a file without docstrings."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        match body:
            case [ast.Expr(value=ast.Constant(value=str())), *_]:
                del body[0]
    return tree


def closure(roots) -> list[Path]:
    """The files at `roots` and all files of the library that they import, directly or not, sorted."""
    seen, todo = set(), [Path(root).resolve() for root in roots]
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += _imports(path)
    return sorted(seen)


def module_path(module: str) -> Path:
    """File of a module of the library, given by its dotted name."""
    return LIBRARY.parent.joinpath(*module.split(".")).with_suffix(".py")


@functools.cache
def _source_digest(path: Path) -> str:
    return hashlib.sha256(ast.dump(_bare(path)).encode()).hexdigest()


@functools.cache
def _code(roots: tuple) -> tuple[list[str], list]:
    """Digests of all files that the roots are made of, and the dumped definitions of those that name one."""
    parts = [part(Path(root[0]).resolve(), root[1]) for root in roots if isinstance(root, tuple)]
    files = [root for root in roots if not isinstance(root, tuple)] + [file for _, imported in parts for file in imported]
    return [_source_digest(path) for path in closure(files)], [dumped for dumped, _ in parts]


def digest(roots=(), **values) -> str:
    """16 hex digits over the code of `roots` with all that it imports, and over `values` (JSON-like).

    A root is a file, or (file, name) for one definition in it.
    """
    code, own = _code(tuple(roots))
    text = json.dumps([code, *([own] if own else []), values], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
