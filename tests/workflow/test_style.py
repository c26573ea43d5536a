"""Lint and format, as `make lint` runs them."""

import subprocess
import sys

import pytest

from helpers import REPOSITORY


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["snakefmt", "--check", "."],
        ["snakemake", "--lint"],
    ],
    ids=" ".join,
)
def test_clean(command):
    done = subprocess.run([sys.executable, "-m", *command], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rule_scripts_are_thin():
    """A rule's script reads, calls the library and writes."""
    for script in (REPOSITORY / "scripts").glob("*.py"):
        assert len(script.read_text().splitlines()) <= 60, script.name


def test_snakefile_is_short():
    assert len((REPOSITORY / "Snakefile").read_text().splitlines()) < 60


def test_gradients_are_taken_in_one_place():
    """`integrate.py`, besides training, the trials of a network, the measuring of layouts and the benchmark's floor."""
    library = REPOSITORY / "scripts/pathattr"
    taking = ("integrate", "bench", "model/train", "model/contract", "model/layout", "promise/model")
    for path in (REPOSITORY / "scripts").rglob("*.py"):
        if path not in [library / f"{name}.py" for name in taking]:
            text = path.read_text()
            assert ".backward(" not in text and "autograd.grad(" not in text, path
