"""The library seen as text: digests and the registry found without importing."""

import ast
import importlib.util
import inspect
import shutil
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pathattr import InputError, registry, source

KINDS = ("method", "baseline", "metric", "probe", "training", "dataset", "model", "artefact", "claim")
ENTRIES = [entry for kind in KINDS for entry in registry.entries(kind)]

every_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.kind}-{entry.name}")


class Copy:
    """A copy of the library in another folder. `text(file)` and `write(file, text)` take names inside the library."""

    def __init__(self, folder: Path):
        self.library = folder / "pathattr"
        shutil.copytree(source.LIBRARY, self.library, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "script.py").write_text("from pathattr.api import attribute\n\nprint(attribute)\n")

    def fresh(self):
        """Its module `source`, imported anew: nothing remembered of earlier texts."""
        spec = importlib.util.spec_from_file_location("pathattr.source", self.library / "source.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def digest(self, *files: str, **values) -> str:
        return self.fresh().digest([self.library / file for file in files], **values)

    def text(self, file: str) -> str:
        return (self.library / file).read_text()

    def write(self, file: str, text: str):
        assert not (self.library / file).exists() or text != self.text(file)
        (self.library / file).write_text(text)

    def replace(self, file: str, old: str, new: str):
        assert old in self.text(file), f"{file} has no {old!r}"
        self.write(file, self.text(file).replace(old, new))


@pytest.fixture
def copied(tmp_path):
    return Copy(tmp_path)


def test_a_copy_of_the_library_has_the_same_digest(copied):
    assert copied.digest("method/lpi.py") == source.digest([source.LIBRARY / "method/lpi.py"])


def every_docstring(text: str, change) -> str:
    """The source with each docstring changed: `change(node)` gets the module, class or function."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            change(node)
    return ast.unparse(ast.fix_missing_locations(tree))


def reworded(node):
    if ast.get_docstring(node):
        node.body[0].value.value = "Another text."


def removed(node):
    if ast.get_docstring(node) and len(node.body) > 1:
        del node.body[0]


def added(node):
    if not ast.get_docstring(node):
        node.body.insert(0, ast.Expr(ast.Constant("A new docstring.")))


WITHOUT_MEANING = {
    "comments": lambda text: "# a comment\n" + text.replace("\n\n\n", "\n\n\n# another\n"),
    "formatting": lambda text: ast.unparse(ast.parse(text)),
    "empty lines": lambda text: text.replace("\n\n\n", "\n\n\n\n\n"),
    "docstrings reworded": lambda text: every_docstring(text, reworded),
    "docstrings removed": lambda text: every_docstring(text, removed),
    "docstrings added": lambda text: every_docstring(text, added),
}


@pytest.mark.parametrize("edit", WITHOUT_MEANING.values(), ids=WITHOUT_MEANING)
def test_edits_without_meaning_keep_the_digest(copied, edit):
    before = copied.digest("method/lpi.py")
    for path in sorted(copied.library.rglob("*.py")):
        if path.read_text().strip():
            path.write_text(edit(path.read_text()))
    assert copied.digest("method/lpi.py") == before


def test_file_times_keep_the_digest(copied):
    before = copied.digest("method/lpi.py")
    for path in copied.library.rglob("*.py"):
        path.touch()
    assert copied.digest("method/lpi.py") == before


@pytest.mark.parametrize(
    "file, old, new",
    [
        ("method/lpi.py", "n_init=3", "n_init=4"),  # the module itself
        ("method/sampled.py", "1 / references", "2 / references"),  # imported within a function
        ("batching.py", "MULTIPLE = 16", "MULTIPLE = 8"),  # imported by what it imports
    ],
)
def test_edits_with_meaning_change_the_digest_wherever_they_are(copied, file, old, new):
    before = {root: copied.digest(root) for root in ("method/lpi.py", "dataset/digits.py")}
    copied.replace(file, old, new)
    assert copied.digest("method/lpi.py") != before["method/lpi.py"]
    assert copied.digest("dataset/digits.py") == before["dataset/digits.py"]


def test_an_edit_elsewhere_keeps_the_digest(copied):
    before = copied.digest("method/lpi.py")
    copied.replace("method/adversarial.py", "0.05", "0.06")
    copied.replace("plot/style.py", "import", "import os\nimport")
    assert copied.digest("method/lpi.py") == before


TWO = """from ..plot import style
from ..rng import generator
from ..scores import summarise

SIZE = 3


def helper():
    return generator, SIZE


def one(found):
    \"\"\"A caption.\"\"\"
    return helper()


def other(found):
    return summarise
"""


def test_one_function_among_many_has_a_digest_of_its_own(copied):
    """It covers what the function reaches by name in its file and the modules that these names come from, and no more."""

    def digests():
        fresh, path = copied.fresh(), copied.library / "artefact" / "two.py"
        return {name: fresh.digest([(path, name)]) for name in ("one", "other")}

    copied.write("artefact/two.py", TWO)
    before = digests()
    for old, new, changed in (
        ("SIZE = 3", "SIZE = 4", {"one"}),
        ("return helper()", "return helper(), 1", {"one"}),
        ("return summarise", "return summarise, 1", {"other"}),
        ("A caption.", "Another caption.", set()),
        ("return generator, SIZE", "# a comment\n    return generator, SIZE", set()),
    ):
        copied.write("artefact/two.py", TWO.replace(old, new))
        after = digests()
        assert {name for name in before if before[name] != after[name]} == changed, old
        copied.write("artefact/two.py", TWO + "\n# as it was\n")
    copied.replace("rng.py", "sha256(text", "sha512(text")
    assert all(digests()[name] != before[name] for name in before)  # both draw from it


def test_an_import_that_a_function_does_not_reach_is_no_part_of_it(copied):
    copied.write("artefact/two.py", TWO)
    path = copied.library / "artefact" / "two.py"
    before = {name: copied.fresh().digest([(path, name)]) for name in ("one", "other")}
    copied.replace("plot/style.py", "COLUMN, PAGE = 3.4, 7.0", "COLUMN, PAGE = 3.5, 7.0")
    copied.replace("scores.py", "DRAWS, CHUNK = 2000", "DRAWS, CHUNK = 3000")
    after = {name: copied.fresh().digest([(path, name)]) for name in ("one", "other")}
    assert after["one"] == before["one"] and after["other"] != before["other"]


def test_what_a_parameter_names_is_told():
    found = source.registered("artefact")["removal_curves"]
    assert {one.name: one.names for one in found.parameters} == {
        "model": "Model",
        "methods": "Methods",
        "metric": "Metric",
        "images": "Images",
        "scores": "Scores",
        "variants": "Variants",
    }
    assert found.doc.startswith("{scores}") and found.function == "removal_curves"


def test_values_are_part_of_the_digest_their_order_is_not(copied):
    first = copied.digest("rng.py", settings={"steps": 20, "rule": "right"}, seed=0)
    assert copied.digest("rng.py", seed=0, settings={"rule": "right", "steps": 20}) == first
    for values in ({"settings": {"steps": 21, "rule": "right"}, "seed": 0}, {"settings": {"steps": 20, "rule": "right"}}):
        assert copied.digest("rng.py", **values) != first
    assert len(first) == 16 and int(first, 16) >= 0


def test_the_closure_of_a_script_is_the_library_that_it_uses(copied, tmp_path):
    names = {path.relative_to(tmp_path).as_posix() for path in copied.fresh().closure([tmp_path / "script.py"])}
    used = ("api", "integrate", "batching", "objective", "registry", "source", "rng", "errors")
    assert {"script.py", *(f"pathattr/{name}.py" for name in used)} <= names
    assert not any("plot" in name or "dataset" in name or "method/" in name for name in names)


IMPORTS = {
    "import pathattr.rng": "rng.py",
    "from pathattr import rng": "rng.py",
    "from pathattr.rng import generator": "rng.py",
    "from pathattr.dataset import made": "dataset/made.py",
    "def f():\n    from pathattr.dataset.made import Made": "dataset/made.py",
}


@pytest.mark.parametrize("line, file", IMPORTS.items(), ids=IMPORTS)
def test_every_form_of_import_is_followed(copied, tmp_path, line, file):
    (tmp_path / "script.py").write_text(line + "\n")
    assert copied.library / file in copied.fresh().closure([tmp_path / "script.py"])


RELATIVE_IMPORTS = {
    "from ..rng import generator": "rng.py",
    "from .. import rng": "rng.py",
    "from .made import Made": "dataset/made.py",
}


@pytest.mark.parametrize("line, file", RELATIVE_IMPORTS.items(), ids=RELATIVE_IMPORTS)
def test_relative_imports_are_followed(copied, line, file):
    copied.write("dataset/new.py", line + "\n")
    assert copied.library / file in copied.fresh().closure([copied.library / "dataset/new.py"])


@pytest.mark.parametrize("file", ["net.py", "blocks.py", "parts/__init__.py", "parts/deep.py", "unused.py"])
def test_the_digest_of_a_users_file_covers_what_it_imports_beside_it(copied, tmp_path, file):
    (tmp_path / "parts").mkdir()
    texts = {
        "net.py": "def make():\n    import blocks\n    import torch",
        "blocks.py": "from parts.deep import VALUE",
        "parts/__init__.py": "",
        "parts/deep.py": "VALUE = 1\nfrom pathattr import rng",
        "unused.py": "",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)

    def digest():
        fresh = copied.fresh()
        return fresh.digest(fresh.own(tmp_path / "net.py"))

    before = digest()
    (tmp_path / file).write_text(texts[file] + "\n# a comment\n")
    assert digest() == before
    (tmp_path / file).write_text(texts[file] + "\nMORE = 1\n")
    assert (digest() == before) == (file == "unused.py")
    (tmp_path / file).write_text(texts[file])
    assert digest() == before
    copied.replace("rng.py", "sha256(text", "sha512(text")
    assert digest() != before


@pytest.mark.parametrize("text", [b"def net(:\n", b"x = '\xff'\n", b"x = 1\0\n"])
def test_a_users_file_that_is_no_python_is_named(tmp_path, text):
    (tmp_path / "net.py").write_text("import blocks\n")
    (tmp_path / "blocks.py").write_bytes(text)
    with pytest.raises(InputError, match=r"^blocks\.py:1: .*; accepted: Python$"):
        source.own(tmp_path / "net.py")


def test_a_name_that_a_users_file_gives_to_nothing_is_refused_where_that_can_be_seen(tmp_path):
    file = tmp_path / "net.py"
    file.write_text("import blocks\nif blocks:\n    from blocks import one as other\nclass Net: pass\ntwo = blocks.two\n")
    for name in ("other", "Net", "two"):
        assert source.own(file, name) == [file]
    with pytest.raises(InputError, match=r"^net\.py has no 'one'; accepted: a function"):
        source.own(file, "one")
    (tmp_path / "late.py").write_text("from blocks import *\n")
    assert source.own(tmp_path / "late.py", "one") and source.own(tmp_path / "nowhere.py", "one") == []


def test_import_rings_end(copied):
    copied.write("dataset/one.py", "from .two import b\na = 1\n")
    copied.write("dataset/two.py", "from .one import a\nb = 1\n")
    assert len(copied.fresh().closure([copied.library / "dataset/one.py"])) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_found_in_the_source_is_what_registers_itself(kind):
    assert [entry.name for entry in registry.entries(kind)] == sorted(source.registered(kind))


@every_entry
def test_the_source_tells_what_the_registry_knows(entry):
    found = source.registered(entry.kind)[entry.name]
    assert found.module == entry.function.__module__
    for fact, value in found.facts.items():
        assert entry.facts[fact] == value
    known = entry.parameters()
    assert [parameter.name for parameter in found.parameters] == list(known)
    for parameter in found.parameters:
        assert parameter.required == (known[parameter.name] is inspect.Parameter.empty)
        if not parameter.required:
            assert parameter.default == known[parameter.name] and type(parameter.default) is type(known[parameter.name])


@every_entry
def test_every_default_is_accepted_by_its_own_type(entry):
    for parameter in source.registered(entry.kind)[entry.name].parameters:
        if not parameter.required:
            default = list(parameter.default) if isinstance(parameter.default, tuple) else parameter.default  # as YAML has it
            assert Draft202012Validator(parameter.type).is_valid(default), parameter.name


def test_a_new_method_is_found_without_importing_it(copied):
    copied.write(
        "method/new.py",
        """
from typing import Literal
from ..registry import method
raise RuntimeError("imported")

@method("new", paper="p", equation="e", gradients="n", needs=("background",))
def new(image, integral, *, n: int, scale: float = 0.5, kind: Literal["a", "b"] = "a", name: str | None = None, on: bool = False):
    yield
""",
    )
    found = copied.fresh().registered("method")["new"]
    assert found.module == "pathattr.method.new" and found.facts["needs"] == ("background",)
    assert {parameter.name: (parameter.type, parameter.default, parameter.required) for parameter in found.parameters} == {
        "n": ({"type": "integer", "minimum": 1, "maximum": 1_000_000}, None, True),
        "scale": ({"type": "number"}, 0.5, False),
        "kind": ({"enum": ["a", "b"]}, "a", False),
        "name": ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None, False),
        "on": ({"type": "boolean"}, False, False),
    }


def test_a_name_registered_twice_is_an_error(copied):
    copied.write("method/other.py", copied.text("method/simple.py"))
    with pytest.raises(ValueError, match="registered twice"):
        copied.fresh().registered("method")
    with pytest.raises(ValueError, match="registered twice"):
        registry.method("ig", paper="", equation="", gradients="1")(test_import_rings_end)


def test_a_parameter_without_a_type_is_an_error(copied):
    copied.replace("method/straight.py", "steps: int = 20", "steps=20")
    with pytest.raises(TypeError, match=r"straight.py: ig\(steps\)"):
        copied.fresh().registered("method")


def test_the_same_module_may_register_again():
    """A notebook reloads modules."""
    entry = registry.get("method", "ig")
    registry.method("ig", **entry.facts)(entry.function)
    assert registry.get("method", "ig") == entry
