"""The README's ten lines, word for word, in an empty folder outside of the repository."""

import os
import re
import subprocess

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import save_file

from helpers import REPOSITORY, snakemake
from pathattr.model import load

TEXT = (REPOSITORY / "README.md").read_text()
CLASSES, SIZE = 6, 32
COLOURS = [[40, 40, 200], [200, 40, 40], [40, 200, 40], [200, 200, 40], [200, 40, 200], [40, 200, 200]]
FEW = {  # laid over it: a quicker run
    "datasets": {"photos": {"size": SIZE}},
    "papers": {"own": {"defaults": {"images": 3, "forms": ["random", "ig", "eg", "ig_uniform:valid_references"]}}},
}
NETWORK = """
from torch import nn

from layers import pool


def network(classes, channels, size):
    return nn.Sequential(nn.Conv2d(channels, 8, 3, 2), nn.ReLU(), pool(), nn.Flatten(), nn.Linear(8, classes))
"""


def block(language: str, name: str) -> str:
    """The README's block that begins with a comment with a file's name."""
    (text,) = re.findall(rf"```{language}\n# {re.escape(name)}\n(.*?)```", TEXT, re.DOTALL)
    return text


@pytest.fixture
def folder(tmp_path):
    """The user's: pictures of six classes, the README's configuration, and a small network in place of its MobileNet."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 2)):
        for label in range(CLASSES):
            place = tmp_path / "photos" / split / f"class_{label}"
            place.mkdir(parents=True)
            for number in range(count):
                pixels = COLOURS[label] + rng.integers(-30, 30, (40, 36, 3))
                Image.fromarray(pixels.astype(np.uint8)).save(place / f"{number}.jpg")
    (tmp_path / "own.yaml").write_text(block("yaml", "own.yaml"))
    (tmp_path / "few.yaml").write_text(yaml.safe_dump(FEW))
    (tmp_path / "mine.py").write_text(NETWORK)
    (tmp_path / "layers.py").write_text("from torch import nn\n\n\ndef pool():\n    return nn.AdaptiveAvgPool2d(1)\n")
    torch.manual_seed(0)
    network = load.build({"architecture": f"{tmp_path}/mine.py:network"}, CLASSES, 3, SIZE)
    images = (torch.tensor(COLOURS) / 255).view(CLASSES, 3, 1, 1).expand(-1, -1, 8, 8)
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    for _ in range(200):  # it knows the classes by their colours
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network((images - 0.45) / 0.23), torch.arange(CLASSES)).backward()
        optimiser.step()
    save_file(network.state_dict(), tmp_path / "mine.safetensors")
    return tmp_path


def make(folder, *arguments, check=True):
    """The README's command, in the folder, with this repository in place of PATHATTR, and more arguments."""
    (command,) = re.findall(r"```sh\n(make -C PATHATTR CONFIG.*?)\n```", TEXT)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = command.replace("PATHATTR", f"'{REPOSITORY}'")
    done = subprocess.run(
        ["bash", "-c", f'{command} "$@"', "make", "-o", ".venv/.installed", "CORES=2", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def test_the_example_is_ten_lines_at_most():
    assert len([line for line in block("yaml", "own.yaml").splitlines() if line.strip()]) <= 10


def test_its_network_is_one(tmp_path):
    (tmp_path / "mine.py").write_text(block("python", "mine.py"))
    network = load.build({"architecture": f"{tmp_path}/mine.py:network"}, 7, 3, 64)
    assert network.eval()(torch.rand(1, 3, 64, 64)).shape == (1, 7)


@pytest.mark.skipif(not (REPOSITORY / ".venv/bin/snakemake").exists(), reason="make would install the environment")
def test_the_ten_lines_give_a_ranking_a_gallery_and_a_report(folder):
    done = make(folder, f"CONFIG={folder}/own.yaml {folder}/few.yaml")
    results = folder / "results"
    ranking = (results / "tables/own/scores.csv").read_text()
    assert all(word in ranking for word in ("Random", "IG-Uniform, valid references"))
    assert (results / "figures/own/gallery.pdf").stat().st_size > 1000 and (results / "figures/own/scatter.pdf").exists()
    assert {path.name for path in (results / "figures").iterdir()} == {"own"} and not (results / "claims.html").exists()
    report = (results / "report.html").read_text()
    assert "My network" in report and "Local Attribution" not in report
    assert (results / ".report").read_text() == "own\n"  # so that another target gets a report of its own
    said = done.stdout.splitlines()
    assert f"report:  {results}/report.html" in said
    assert any(line.startswith(f"tables:  {results}/tables/own/*.csv") and "(3 files)" in line for line in said)
    assert not any("claims" in line for line in said[-6:])
    again = make(folder, f"CONFIG={folder}/own.yaml {folder}/few.yaml")
    assert "Nothing to be done" in again.stdout + again.stderr


def test_without_an_overlay_the_ten_lines_are_a_whole_plan(folder):
    """Every method but the dropped one, on 32 images; nothing of the papers."""
    arguments = ("-n", "--directory", folder, "--configfile", folder / "own.yaml", "--", "own")
    said = snakemake(REPOSITORY, *arguments).stdout
    assert re.search(r"^attribute +(\d+)$", said, re.MULTILINE) and "train_model" not in said and "perturbation_1/" not in said


def test_more_than_a_method_may_take_ends_in_one_line_before_any_job(folder):
    (folder / "dear.yaml").write_text("methods: {perturbation_1: {per: pixel}}\n")
    configs = [folder / name for name in ("own.yaml", "dear.yaml")]
    done = snakemake(REPOSITORY, "--directory", folder, "--configfile", *configs, "--", "own", check=False)
    assert done.returncode == 1 and not (folder / "results").exists()
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("config: ")]
    assert "perturbation_1 on mine, 50 177 forward passes an image" in line and "methods: {perturbation_1: null}" in line
