"""A user's network whose file imports files beside it: they are found, by it alone, and its digest covers them."""

import sys

import pytest
import torch

from pathattr import Classifier, source
from pathattr.config import load as load_config
from pathattr.model import load

from .helpers import refused
from .test_config import SCHEMA, changed

NET = """
from torch import nn
IMPORT


class Net(nn.Module):
    def __init__(self, classes, channels, size):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(channels, classes, 3), nn.BatchNorm2d(classes), nn.Flatten())
        self.number = NAME

    def forward(self, x):
        LATE
        return self.body(x)
"""
FORMS = {  # how a network gets at VALUE of blocks.py, or of a package blocks with a file deep.py: (import, name)
    "import": ("import blocks", "blocks.VALUE"),
    "import as": ("import blocks as b", "b.VALUE"),
    "from": ("from blocks import VALUE", "VALUE"),
    "relative": ("from .blocks import VALUE", "VALUE"),
    "from the folder": ("from . import blocks", "blocks.VALUE"),
    "star": ("from blocks import *", "VALUE"),
}
DEEP = {
    "import": ("import blocks.deep", "blocks.deep.VALUE"),
    "import as": ("import blocks.deep as d", "d.VALUE"),
    "from": ("from blocks.deep import VALUE", "VALUE"),
    "module from": ("from blocks import deep", "deep.VALUE"),
    "relative": ("from .blocks.deep import VALUE", "VALUE"),
}


def number(folder, line: str, name: str, late: str = "pass") -> int:
    """What a network found in a file beside its own."""
    folder.mkdir(exist_ok=True)
    (folder / "net.py").write_text(NET.replace("IMPORT", line).replace("NAME", name).replace("LATE", late))
    return load.build({"architecture": f"{folder}/net.py:Net"}, 4, 3, 8).number


@pytest.fixture(params=["file", "package"])
def blocks(request, tmp_path):
    """A function that gives a value to what is beside the network, as a file or as a package."""
    path = tmp_path / ("blocks.py" if request.param == "file" else "blocks/__init__.py")
    path.parent.mkdir(exist_ok=True)
    return lambda value: path.write_text(f"VALUE = {value}\n")


@pytest.mark.parametrize("line, name", FORMS.values(), ids=FORMS)
def test_a_neighbour_is_found_as_it_is_now_and_is_part_of_what_is_read(tmp_path, blocks, line, name):
    for value in (1, 2):  # of one size, within one second
        blocks(value)
        assert number(tmp_path, line, name) == value
    assert [path.name for path in source.own(tmp_path / "net.py")] in (["blocks.py", "net.py"], ["__init__.py", "net.py"])
    assert not list(tmp_path.rglob("__pycache__"))


@pytest.mark.parametrize("line, name", DEEP.values(), ids=DEEP)
def test_a_module_of_a_package_is_found_and_what_it_imports_too(tmp_path, line, name):
    (tmp_path / "blocks").mkdir()
    (tmp_path / "blocks" / "__init__.py").write_text("import other\n")
    (tmp_path / "blocks" / "deep.py").write_text("from ..last import ONE\nfrom .beside import TWO\nVALUE = ONE + TWO\n")
    (tmp_path / "blocks" / "beside.py").write_text("TWO = 2\n")
    (tmp_path / "last.py").write_text("import net  # a ring\nONE = 1\n")
    (tmp_path / "other.py").write_text("")
    (tmp_path / "unused.py").write_text("")
    assert number(tmp_path, line, name) == 3
    read = {path.relative_to(tmp_path).as_posix() for path in source.own(tmp_path / "net.py")}
    assert read == {"net.py", "blocks/__init__.py", "blocks/deep.py", "blocks/beside.py", "last.py", "other.py"}


def test_neighbours_of_one_name_in_two_folders_stay_apart(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "blocks.py").write_text(f"VALUE = {folder!r}\n")
    late = "import blocks; self.late = blocks.VALUE"
    assert [number(tmp_path / folder, "import blocks", "blocks.VALUE") for folder in ("one", "two", "one")] == ["one", "two", "one"]
    networks = []
    for folder in ("one", "two"):
        number(tmp_path / folder, "", "0", late)
        networks.append(load.build({"architecture": f"{tmp_path}/{folder}/net.py:Net"}, 4, 3, 8))
    for network, folder in zip(networks, ("one", "two"), strict=True):
        network(torch.rand(2, 3, 8, 8))
        assert network.late == folder


@pytest.mark.parametrize("name", ["colorsys", "measure", "numpy", "torchvision", "pathattr_"])
def test_a_neighbour_called_like_another_module_is_the_networks_alone(tmp_path, name):
    """Of Python's library, of ours, or installed: those who meant that still get it."""
    before, path = sys.modules.get(name), list(sys.path)
    (tmp_path / f"{name}.py").write_text("VALUE = 5\n")
    assert number(tmp_path, f"import {name}", f"{name}.VALUE") == 5
    assert sys.modules.get(name) is before and sys.path == path


def test_the_library_may_be_imported_but_not_replaced(tmp_path):
    (tmp_path / "pathattr.py").write_text("raise RuntimeError\n")
    assert number(tmp_path, "from pathattr import source", "source.LIBRARY") == source.LIBRARY
    assert [path.name for path in source.own(tmp_path / "net.py")] == ["net.py"]


def test_a_network_with_a_late_import_can_be_folded_and_used(tmp_path):
    (tmp_path / "blocks.py").write_text("VALUE = 3\n")
    number(tmp_path, "", "0", "import blocks")
    network = load.build({"architecture": f"{tmp_path}/net.py:Net"}, 4, 3, 3)
    classifier = Classifier(network, (0.5,) * 3, (0.5,) * 3)
    assert classifier.logits(torch.rand(2, 3, 3, 3)).shape == (2, 4)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in classifier._network.modules())


def test_a_file_whose_name_is_no_word_can_be_used(tmp_path):
    (tmp_path / "my-net.v2.py").write_text(
        "from torch import nn\n\n\ndef make(classes, channels, size):\n    return nn.Flatten()\n"
    )
    load.build({"architecture": f"{tmp_path}/my-net.v2.py:make"}, 4, 3, 8)


def test_a_file_that_cannot_be_meant_is_said_with_the_configuration(tmp_path):
    (tmp_path / "good.py").write_text("def make(classes, channels, size):\n    pass\n")
    (tmp_path / "bad.py").write_text("\ndef make(:\n")

    def checked(architecture):
        entry = {"dataset": "digits_on_photos", "architecture": f"{tmp_path}/{architecture}", "weights": "w.pth"}
        load_config(changed(("models/own", entry | {"mean": [0.5], "std": [0.5]})), SCHEMA)

    checked("good.py:make")
    checked("nowhere.py:make")  # asked for when it is needed
    with refused("config: models.own.architecture: good.py has no 'other'; accepted: a function (classes, channels, size)"):
        checked("good.py:other")
    with refused("config: models.own.architecture: bad.py:2: invalid syntax; accepted: Python"):
        checked("bad.py:make")
