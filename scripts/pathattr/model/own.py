"""A network of the user's own: FILE.py:FUNCTION, with the files beside it that it imports.

The folder of the file is a package with a name of its own, and `import NAME` means NAME.py or NAME/__init__.py there before
anything else, whenever it runs. So a neighbour is found, also late, and one called like a module of somebody else hides nothing
and is hidden by nothing. Nothing is written beside the files.
"""

import builtins
import functools
import importlib.machinery
import importlib.util
import inspect
import re
import sys
import types
from hashlib import sha256
from pathlib import Path

from .. import source
from ..errors import OWN, InputError, problem
from .torchvision import import_torchvision


def load(path: str, name: str, *arguments):
    """What the function `name` of the file at `path` returns for the arguments. Raises `InputError`."""
    where, file = f"architecture {path}:{name}", Path(path).resolve()
    wanted = "accepted: a function (classes, channels, size) that returns a network"
    if not file.is_file():
        raise InputError(f"{where}: {path} does not exist; accepted: FILE.py:FUNCTION")
    package = OWN + sha256(str(file.parent).encode()).hexdigest()[:16]
    for one in [one for one in sys.modules if one.partition(".")[0] == package]:
        del sys.modules[one]  # read anew: it may have changed
    sys.modules[package] = types.ModuleType(package)
    sys.modules[package].__path__ = [str(file.parent)]
    full = f"{package}.{re.sub(r'[^a-zA-Z0-9]', '_', file.stem)}"
    spec = importlib.util.spec_from_loader(full, _Loader(full, str(file)))
    module = sys.modules[full] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise InputError(f"{where}: the file raises {problem(error)}; accepted: one that can be imported") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise InputError(f"{where}: {path} has no function {name!r}; {wanted}")
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError as error:
        raise InputError(f"{where}: {name}{inspect.signature(function)}: {error}; {wanted}") from error
    try:
        return function(*arguments)
    except (Exception, SystemExit) as error:
        raise InputError(f"{where}: the function raises {problem(error)}; {wanted}") from error


class _Loader(importlib.machinery.SourceFileLoader):
    """Reads a file as it is now, with no compiled one beside it, and gives it its own meaning of `import`."""

    def get_code(self, fullname):
        return self.source_to_code(self.get_data(self.path), self.path)

    def exec_module(self, module):
        package = module.__name__.partition(".")[0]
        module.__builtins__ = {**vars(builtins), "__import__": functools.partial(_import, package)}
        super().exec_module(module)


class _Finder:
    """Finds the modules of these packages; one of Python's meta path."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.startswith(OWN) and path:
            kinds = (_Loader, importlib.machinery.SOURCE_SUFFIXES)
            return importlib.machinery.FileFinder(path[0], kinds).find_spec(name)
        return None


sys.meta_path.insert(0, _Finder)  # before the one that reads compiled files


def _import(package, name, globals=None, locals=None, fromlist=(), level=0):
    """`import` in a user's file: a neighbour first, else as everywhere."""
    top = name.partition(".")[0]
    if level or not source.neighbour(Path(sys.modules[package].__path__[0]), top):
        if top == "torchvision" and not level:
            import_torchvision()  # which knows how, beside a CPU-only torch
        return builtins.__import__(name, globals, locals, fromlist, level)
    found = builtins.__import__(f"{package}.{name}", globals, locals, fromlist, 0)
    return found if fromlist else sys.modules[f"{package}.{top}"]
