"""`make check`: the README's method, and a metric, keep all promises; what is broken fails at the promise that it breaks."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from helpers import REPOSITORY
from pathattr import check, promise, source
from pathattr.promise import KINDS, promises

METRIC = '''
import numpy as np

from ..batching import LOGITS, Ask
from ..registry import metric


@metric(
    "quieter",
    paper="mine",
    equation="p(x) - p(x - x |A| / max |A|)",
    forwards="2",
    scores={"quieter": ("-1 to 1", "higher")},
    unsigned=True,
)
def quieter(image, attribution):
    """How much of the class's probability goes when each pixel is darkened by its share of the map's largest value."""
    share = attribution.abs() / attribution.abs().max().clamp(min=1e-20)
    points = image.x.new_zeros(2, *image.x.shape)
    points[0], points[1] = image.x, image.x * (1 - share)
    answer = yield Ask(points, rule=LOGITS)
    before, after = answer.logits.softmax(1)[:, image.target].tolist()
    return {"quieter": (np.array([np.nan]), np.array([before - after]))}
'''
EXAMPLES = {"method": "halfway", "metric": "quieter", "artefact": "histogram", "claim": "positive"}  # three are the README's
BROKEN = {  # kind -> name -> (what is replaced in the example, by what, the promise that this breaks)
    "method": {
        "costly": ('gradients="1"', 'gradients="2"', "The gradients and forward passes that it takes are those registered"),
        "wordless": ('    """One gradient half-way to a grey image."""\n', "", "A docstring, its paper and its equation"),
        "companion": (
            "points = (image.x[None] + grey) / 2",
            "points = (image.x[None] + grey) / 2 + 1e-4 * len(SEEN); SEEN.append(image.id)",
            "A map is the same bit for bit",
        ),
        "unseeded": (
            "points = (image.x[None] + grey) / 2",
            "points = (image.x[None] + grey) / 2 * torch.rand(1)",
            "Maps are fixed by the seed",
        ),
        "infinite": ("image.x - grey)", "(image.x - grey) / image.x)", "Finite float32 maps"),
        "stubborn": ('gradients="1"', 'gradients="1", objectives=("logits",)', "A docstring, its paper and its equation"),
        "careless": ("image.x - grey)", "(image.x - grey)[:, 1:])", "Finite float32 maps"),
    },
    "metric": {
        "boundless": ('"-1 to 1"', '"0.9 to 1"', "The scores are those registered"),
        "priceless": ('forwards="2"', 'forwards="3"', "The forward passes that it takes are those registered"),
        "signed": ("unsigned=True", "unsigned=False", "A map and its absolute values score alike"),
        "extreme": (".clamp(min=1e-20)", "", "Constant, tiny and huge maps are measured"),
        "sideways": ('"higher")', '"up")', "A docstring, its paper and its equation; of each score"),
    },
    "artefact": {
        "greedy": ('needs=("scores",)', 'needs=("maps",)', "From what its `needs` name"),
        "tableless": ('table[["method", "image_id", "value"]]', "None", "From what its `needs` name"),
        "misspelt": ("{images} images", "{image} images", "Its docstring is a caption"),
    },
    "claim": {
        "boastful": ('", cells,', '", [one | {"low": 9.0} for one in cells],', "From what its `needs` name"),
        "fickle": ('table["value"].to_numpy()', 'table["value"].sample(4).to_numpy()', "The same results give the same verdict"),
    },
}


def readme(kind: str) -> str:
    """The README's own file of a kind."""
    (code,) = re.findall(
        rf"```python\n# scripts/pathattr/{kind}/mine\.py\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL
    )
    return code


def renamed(code: str, name: str) -> str:
    """The function of an example, without its imports, by another name."""
    body = code[code.index("@") :]
    old = re.search(r"def (\w+)\(", body)[1]
    return body.replace(f'"{old}"', f'"{name}"').replace(f"def {old}(", f"def {name}(").replace(f'"{old}": (np', f'"{name}": (np')


RUN = """
import sys
from pathattr import check

for names in sys.argv[1:]:
    try:
        check.main(names.split())
    except SystemExit as end:
        print(f"exit: {end.code}", flush=True)
"""


@pytest.fixture(scope="module")
def output(tmp_path_factory) -> list[str]:
    """What the command says in a copy of the library that has the examples and the broken ones: of each run, with its exit."""
    folder, files = tmp_path_factory.mktemp("check"), {kind: readme(kind) for kind in ("method", "artefact", "claim")}
    files["metric"] = METRIC
    for part in ("scripts/pathattr", "resources"):
        shutil.copytree(REPOSITORY / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "config.yaml", folder)
    for kind, code in files.items():
        own = ""
        for name, (old, new, _) in BROKEN.get(kind, {}).items():
            assert old in code, name
            own += "\n\n" + renamed(code.replace(old, new), name)
        (folder / f"scripts/pathattr/{kind}/mine.py").write_text(f"{code}\nimport torch\n\nSEEN = []\n{own}")
    runs = " ".join(EXAMPLES.values()), " ".join(name for broken in BROKEN.values() for name in broken)
    environment = {**os.environ, "PYTHONPATH": str(folder / "scripts")}
    done = subprocess.run([sys.executable, "-c", RUN, *runs], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr.strip(), done.stderr
    return re.split(r"(?<=exit: \d)\n", done.stdout)


def sections(output: str) -> dict[str, list[str]]:
    """Name -> the promises that are broken."""
    found = {}
    for line in output.splitlines():
        if not line.startswith(" ") and ":" not in line:
            name = line.split()[1]
            found[name] = []
        elif line.startswith("  BROKEN"):
            found[name].append(line.removeprefix("  BROKEN").strip())
    return found


def test_the_examples_keep_every_promise(output):
    """The README's method, artefact and claim, and a metric: every promise of their kinds is tried, and holds."""
    found = output[0]
    assert found.endswith("exit: 0"), found
    for kind, name in EXAMPLES.items():
        assert re.search(rf"^{kind} {name}: \d+ hold$", found, re.MULTILINE), found
    for one in promises("method"):
        assert "aselines" in one.says or one.says[:60] in found


def test_what_is_broken_fails_at_the_promise_that_it_breaks(output):
    assert output[1].endswith("exit: 1"), output[1]
    found = sections(output[1])
    for broken in BROKEN.values():
        for name, (_, _, says) in broken.items():
            assert any(one.startswith(says) for one in found[name]), (name, found[name], output[1])
    for name in ("costly", "wordless", "priceless", "signed", "boundless", "sideways"):
        assert len(found[name]) == 1, (name, found[name])


OWN = """
import torch
from torch import nn


def fine(classes, channels, size):
    return nn.Sequential(nn.Conv2d(channels, 4, 3), nn.SiLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, classes))


class Mixing(nn.Module):
    def forward(self, x):
        return x - x.mean(0)


def mixing(classes, channels, size):
    return nn.Sequential(Mixing(), *fine(classes, channels, size))


def blind(classes, channels, size):
    return nn.Sequential(nn.ZeroPad2d((0, -size // 2, 0, 0)), *fine(classes, channels, size))
"""


@pytest.mark.parametrize(
    "function, broken",
    [
        ("fine", ()),
        ("mixing", ("Finite logits, the same each time, of each image by itself",)),
        ("blind", ("Gradients reach every",)),
    ],
)
def test_an_architecture_of_ones_own_is_checked(tmp_path, function, broken):
    (tmp_path / "own.py").write_text(OWN)
    rows = check.tried("model", f"{tmp_path}/own.py:{function}")
    assert len(rows) == len(promises("model"))
    found = [says for kept, says, _ in rows if kept == check.BROKEN]
    for says in broken:
        assert any(one.startswith(says) for one in found), rows
    assert broken or not found, rows


def folders(root, train=("cat", "dog"), test=("cat", "dog")):
    for split, classes in (("train", train), ("val", test)):
        for number, name in enumerate(classes):
            (root / split / name).mkdir(parents=True)
            pixels = np.random.default_rng(number).integers(0, 256, (2, 16, 16, 3), np.uint8)
            for image, values in enumerate(pixels):
                Image.fromarray(values).save(root / split / name / f"{image}.png")
    return root


def test_images_of_ones_own_are_checked(tmp_path, monkeypatch, capsys):
    """An entry of config.yaml; and one whose test images have a class that no training image has, one that is not there, and one
    with an image that is none."""
    roots = {"whole": folders(tmp_path / "whole"), "gone": tmp_path / "gone"}
    roots |= {"other": folders(tmp_path / "other", test=("cat", "emu")), "torn": folders(tmp_path / "torn")}
    (roots["torn"] / "val/cat/0.png").write_bytes(b"none")
    entries = "".join(f"  {name}: {{dataset: imagefolder, root: {root}, size: 16}}\n" for name, root in roots.items())
    monkeypatch.setattr(promise, "CONFIG", tmp_path / "config.yaml")
    promise.CONFIG.write_text(f"datasets:\n{entries}")
    with pytest.raises(SystemExit) as end:
        check.main([*roots])
    assert end.value.code == 1
    found = sections(capsys.readouterr().out)
    assert found["whole"] == [] and len(found["torn"]) == 1
    assert found["gone"][0].startswith("The files and folders") and found["other"] and "one shape" in found["torn"][0]


def test_an_unknown_name_is_told_with_one_that_is_near(capsys):
    with pytest.raises(SystemExit) as end:
        check.main(["deepfit"])
    assert "nothing registered is called 'deepfit'" in str(end.value) and "deeplift" in str(end.value)


def test_every_kind_has_promises_that_say_what_they_are():
    for kind in KINDS:
        says = [one.says for one in promises(kind)]
        assert len(says) == len(set(says)) >= 2 and source.registered(kind)
