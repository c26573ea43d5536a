"""A package of the smoke run: unpacked elsewhere it starts from its weights, and gives the same verdict and the same numbers."""

import json
import os
import subprocess
import sys

from helpers import snakemake
from pathattr import archive, compare

FIGURE = "results/tables/taylor/fig2.csv"  # of maps that several methods make


def run(folder, module, *arguments) -> str:
    """What `python -m pathattr.MODULE` says, which must end well."""
    command = [sys.executable, "-m", f"pathattr.{module}", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": "scripts"}
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_package_gives_the_same_again_from_its_weights(workbench, tmp_path):
    git = ["git", "-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    for arguments in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "all of it"]):
        subprocess.run([*git, *arguments], cwd=workbench, check=True)
    file = tmp_path / "package.tar.gz"
    run(workbench, "package", "config/smoke.yaml", "--file", file)

    said = run(workbench, "verify_package", file).splitlines()
    assert len(said) == 2 and said[1].endswith(": remade from its weights, the same verdict and the same numbers"), said

    archive.unpack(file, tmp_path)
    folder = tmp_path / archive.FOLDER
    weights = {path: path.stat().st_mtime_ns for path in (folder / "results/models").rglob("*.safetensors")}
    (folder / FIGURE).unlink()
    snakemake(folder, "--configfile", "config/packaged/01-smoke.yaml", "--", FIGURE)
    assert weights and all(path.stat().st_mtime_ns == time for path, time in weights.items())
    tables = compare.tables(workbench / "results", folder / "results")
    assert len(tables) > 10 and all(set(cells["found"]) == {"equal"} for cells in tables.values())
    noted = json.loads((folder / "results/logs/machines.json").read_text())
    assert len(noted) == 1  # made on this machine both times
