"""What is installed here, found as text, so that a mistake is told before the first job and nothing heavy is imported: Captum's
classes, torchvision's and timm's networks, a GPU. On a machine without them nothing is known, and the job tells. No torch."""

import ast
import functools
import os
import re
from importlib.util import find_spec
from pathlib import Path


def _folder(package: str, *below: str) -> Path | None:
    spec = find_spec(package)
    return Path(spec.submodule_search_locations[0], *below) if spec and spec.submodule_search_locations else None


@functools.cache
def networks(library: str) -> list[str]:
    """Names of torchvision's or timm's classifiers; none where it is not installed."""
    folder = _folder(library, "models")
    text = "\n".join(path.read_text() for path in sorted(folder.glob("*.py"))) if folder else ""
    return sorted(set(re.findall(r"^@register_model(?:\(\))?\n(?:@.*\n)*def (\w+)\(", text, re.MULTILINE)))


@functools.cache
def attributions() -> dict[str, Path]:
    """Captum's attribution classes -> their files; {} where it is not installed."""
    folder = _folder("captum", "attr", "_core")
    found = {}
    for path in sorted(folder.rglob("*.py")) if folder else ():
        found |= dict.fromkeys(re.findall(r"^class (\w+)\(", path.read_text(), re.MULTILINE), path)
    public = (folder.parent / "__init__.py").read_text() if folder else ""
    return {name: path for name, path in found.items() if f'"{name}"' in public and not name.endswith("Provider")}


@functools.cache
def keywords(name: str) -> tuple[set[str], set[str]] | None:
    """What an attribution class of Captum's and its `attribute` take by keyword, and what of it they must get; None: anything."""
    path = attributions()[name]
    (found,) = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef) and node.name == name]
    takes, must = set(), set()
    for method in ("__init__", "attribute"):
        own = [node for node in found.body if isinstance(node, ast.FunctionDef) and node.name == method]
        if not own or own[-1].args.kwarg:  # it is a base's, or passes on what it gets
            return None
        signature = own[-1].args  # the last: those before are overloads for type checkers
        names = [one.arg for one in signature.args[2:]]  # after self and the network, or the inputs
        takes |= {*names, *(one.arg for one in signature.kwonlyargs)}
        must |= set(names[: len(names) - len(signature.defaults)])
    return takes - {"target"}, must - {"target"}


def has_gpu() -> bool:
    """Whether CUDA may find a GPU here."""
    places = ("/proc/driver/nvidia/gpus/*", "/dev/nvidia[0-9]*", "/dev/dxg", "/dev/kfd")  # Linux, WSL, ROCm
    return os.environ.get("CUDA_VISIBLE_DEVICES") not in ("", "-1") and any(
        any(Path("/").glob(place.lstrip("/"))) for place in places
    )
