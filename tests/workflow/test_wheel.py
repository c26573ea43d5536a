"""The wheel: built from the tree, installed without what it depends on, it gives the library where there is no workflow."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib

import pytest

from helpers import DISTRIBUTIONS, REPOSITORY
from pathattr import source

WORKFLOW = ("jsonschema", "matplotlib", "seaborn", "snakemake", "umap", "yaml")  # what only the workflow imports
LIBRARY = ("method", "metric", "baseline", "probe", "training", "model", "dataset")  # folders that the library looks names up in
USE = f"""
import sys

sys.modules.update(dict.fromkeys({WORKFLOW}))  # None: importing one is an error
import torch
import pathattr as pa

assert pa.__file__.startswith(sys.argv[1]), pa.__file__
torch.manual_seed(0)
module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(4 * 36, 5))
classifier = pa.Classifier(module, mean=(0.5,) * 3, std=(0.25,) * 3)
x, background, target = torch.rand(2, 3, 8, 8), torch.rand(12, 3, 8, 8), [1, 3]
neighbourhoods = pa.Neighbourhoods.fit(classifier.logits(background), n=2, m=3, seed=0)
given = {{"ig": dict(steps=3), "eg": dict(background=background, references=3)}}
given["lpi"] = dict(background=background, neighbourhoods=neighbourhoods)
given["credible"] = dict(baselines=pa.baselines("constant", classifier, x, target)[0], steps=3)
for method, options in given.items():
    maps = pa.attribute(method, classifier, x, target, **options)
    scores = pa.measure("diffid", classifier, x, target, maps["vanilla"])
    assert maps["vanilla"].shape == x.shape and scores["value"].notna().all(), method
assert len(pa.methods()) > 28 and len(pa.metrics()) > 20
from pathattr.judging import cells_of
print("used")
"""


def imports(path) -> set[str]:
    """Packages outside the library that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.split(".")[0])
    return found - {"pathattr"} - sys.stdlib_module_names


def test_the_wheel_depends_on_what_the_library_imports_and_on_nothing_else():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    roots = [source.LIBRARY / "api.py", *(path for folder in LIBRARY for path in (source.LIBRARY / folder).glob("*.py"))]
    needed = set.union(*(imports(path) for path in source.closure(roots)))
    assert {DISTRIBUTIONS.get(one, one) for one in needed} == set(project["dependencies"]) and not needed & set(WORKFLOW)
    every = set.union(*(imports(path) for path in source.LIBRARY.rglob("*.py")))
    assert every - needed == set(WORKFLOW)
    extra = {one.lower() for one in project["optional-dependencies"]["workflow"]}
    assert {DISTRIBUTIONS.get(one, one) for one in WORKFLOW} <= extra


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder into which the wheel is installed, as `make wheel` builds it, with no index to be asked."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    shutil.copytree(REPOSITORY / "scripts", tree / "scripts", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, tree)

    def run(*command):
        done = subprocess.run([sys.executable, "-m", *command], cwd=tree, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    run("build", "--wheel", "--no-isolation", "--outdir", str(folder / "dist"))
    (wheel,) = (folder / "dist").glob("pathattr-*-py3-none-any.whl")
    run("pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile", "--target", str(folder / "site"), str(wheel))
    return folder / "site"


def test_every_module_of_the_library_is_in_the_wheel(installed):
    there, here = (
        {str(path.relative_to(root)) for path in (root / "pathattr").rglob("*.py")} for root in (installed, REPOSITORY / "scripts")
    )
    assert there == here


def test_the_wheel_is_used_without_the_workflow(installed, tmp_path):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")} | {"PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", USE, str(installed)], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout == "used\n", done.stderr
