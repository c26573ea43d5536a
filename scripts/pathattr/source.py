"""The library seen as text: what is registered where, what imports what, and a digest of it. Imports no torch.

The workflow reads this at every start, also on a head node with nothing but Snakemake, so it parses the sources instead
of importing them. A digest is taken over syntax trees without docstrings: comments, formatting, docstrings and file times
do not change it, any change of what the code does is seen, in the module itself or in one that it imports.
"""

import ast
import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from types import EllipsisType

from .errors import InputError

LIBRARY = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Parameter:
    """One keyword parameter of a registered function: `type` is a JSON-schema fragment, `default` None if there is none."""

    name: str
    type: dict
    default: object
    required: bool


@dataclass(frozen=True)
class Registered:
    """A registered function as its source shows it, found without importing it. `open`: it takes any other parameter too."""

    name: str
    module: str
    facts: dict
    parameters: tuple[Parameter, ...]
    open: bool = False


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


@functools.cache
def registered(kind: str) -> dict[str, Registered]:
    """Name -> what is registered under it by a decorator of that kind ("method", "metric", "dataset", "model")."""
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
                    found[name] = Registered(name, module, facts, _parameters(node, path), node.args.kwarg is not None)
    return found


def lookup(kind: str, name: str) -> Registered:
    """What is registered under a name, FAMILY:MEMBER for a family. Raises `InputError` naming what is known."""
    known = registered(kind)
    base, colon, member = name.partition(":")
    if base not in known or bool(member) != known[base].facts.get("family", False) or bool(colon) != bool(member):
        names = [one + ":NAME" * known[one].facts.get("family", False) for one in sorted(known)]
        raise InputError(f"no registered {kind} {name!r}; accepted: {', '.join(names)}")
    return known[base]


def _parameters(function: ast.FunctionDef, path: Path) -> tuple[Parameter, ...]:
    arguments = function.args
    return tuple(
        Parameter(
            argument.arg,
            _schema(argument.annotation, f"{path.name}: {function.name}({argument.arg})"),
            None if default is None else _constant(default),
            default is None,
        )
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    )


def _constant(expression: ast.expr):
    """Value of a default: literals and arithmetic on them, such as 8 / 255."""
    return eval(compile(ast.Expression(expression), "default", "eval"), {"__builtins__": {}})


def _schema(annotation: ast.expr | None, where: str) -> dict:
    """JSON schema of an annotation. Whole numbers are counts here, so they are at least 1."""
    match annotation:
        case ast.Name(id="int"):
            return {"type": "integer", "minimum": 1}
        case ast.Name(id="float"):
            return {"type": "number"}
        case ast.Name(id="bool"):
            return {"type": "boolean"}
        case ast.Name(id="str"):
            return {"type": "string"}
        case ast.Subscript(value=ast.Name(id="Literal")):
            return {"enum": list(ast.literal_eval(annotation.slice))}
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[item, ast.Constant(value=EllipsisType())])):
            return {"type": "array", "items": _schema(item, where), "minItems": 1}
        case ast.BinOp(op=ast.BitOr(), left=left, right=ast.Constant(value=None)):
            return {"anyOf": [_schema(left, where), {"type": "null"}]}
    raise TypeError(f"{where}: annotate with int, float, bool, str, Literal[...], tuple[one of these, ...] or one | None")


@functools.cache
def _imports(path: Path) -> tuple[Path, ...]:
    """Files of the library that the file at `path` imports, anywhere in it."""
    found = []
    for node in ast.walk(_tree(path)):
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
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        match body:
            case [ast.Expr(value=ast.Constant(value=str())), *_]:
                del body[0]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def digest(roots=(), **values) -> str:
    """16 hex digits over the code of `roots` with all that it imports, and over `values` (JSON-like)."""
    code = [_source_digest(path) for path in closure(roots)]
    text = json.dumps([code, values], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
