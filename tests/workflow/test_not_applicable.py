"""A method that does not apply to one's own network: the run ends well, with a gallery, a ranking and verdicts of the rest."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import torch
import yaml
from PIL import Image
from safetensors.torch import save_file

from helpers import REPOSITORY, planned, snakemake

NETWORK = """
from torch import nn


class Squares(nn.Module):
    def __init__(self, classes, channels):
        super().__init__()
        self.first, self.last = nn.Conv2d(channels, 4, 5), nn.Linear(4, classes)

    def forward(self, x):
        x = self.first(x)
        return self.last((x * x).mean((2, 3)))


def network(classes, channels, size):
    return Squares(classes, channels)
"""
CONFIG = {
    "datasets": {"photos": {"dataset": "imagefolder", "root": "photos", "size": 16}},
    "models": {
        "mine": {
            "dataset": "photos",
            "architecture": "mine.py:network",
            "weights": "mine.safetensors",
            "mean": [0.5, 0.5, 0.5],
            "std": [0.25, 0.25, 0.25],
        }
    },
    "methods": {"ig": {"steps": 2}, "grad_cam": {"method": "captum:LayerGradCam", "layer": "first"}},
    "metrics": {"diffid": {"fractions": 4}},
    "papers": {
        "own": {
            "title": "My network",
            "models": {"net": "mine"},
            "defaults": {"model": "net", "metric": "diffid", "images": 4, "forms": ["ig", "grad_cam", "lrp_epsilon"]},
            "artefacts": {
                "gallery": {"artefact": "sheet", "images": 2},
                "scores": {"artefact": "ranking", "scores": {"diffid": ["diffid_probability_auc"]}},
            },
            "claims": {
                "c1": {
                    "claim": "paired",
                    "says": "IG is better",
                    "where": "here",
                    "artefacts": ["scores"],
                    "methods": ["ig"],
                    "rivals": ["grad_cam", "lrp_epsilon"],
                    "scores": ["diffid_probability_auc"],
                }
            },
        }
    },
}
WHY = "lrp_epsilon does not apply to this network: no rule for a product of two maps"


def test_a_run_goes_on_without_a_method_that_does_not_apply(tmp_path):
    draws = np.random.default_rng(0)
    for split, place in [(split, place) for split in ("train", "val") for place in ("cat/a", "cat/b", "dog/c", "dog/d")]:
        path = tmp_path / "photos" / split / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draws.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(path)
    (tmp_path / "mine.py").write_text(NETWORK)
    torch.manual_seed(0)
    state = {"first.weight": torch.randn(4, 3, 5, 5), "first.bias": torch.randn(4)}
    save_file(state | {"last.weight": torch.randn(2, 4), "last.bias": torch.randn(2)}, tmp_path / "mine.safetensors")
    shipped = yaml.safe_load((REPOSITORY / "config.yaml").read_text())["papers"]
    config = CONFIG | {"papers": dict.fromkeys(shipped) | CONFIG["papers"]}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(config))
    own = ("--directory", tmp_path, "--configfile", tmp_path / "own.yaml")
    snakemake(REPOSITORY, *own)

    (log,) = (tmp_path / "results/logs/attribute/photos/mine/lrp_epsilon").glob("*.log")
    assert log.read_text().endswith(f"not applicable: {WHY}\n")
    for name in ("scores", "gallery"):
        table = pd.read_csv(tmp_path / f"results/tables/own/{name}.csv")
        (row,) = table[table["not_applicable"].notna()].to_dict("records")
        assert (row["model"], row["method"], row["not_applicable"]) == ("net", "lrp_epsilon", WHY)
        assert WHY in (tmp_path / f"results/tables/own/{name}.html").read_text()
        assert (tmp_path / f"results/figures/own/{name}.pdf").stat().st_size > 1000
    verdict = json.loads((tmp_path / "results/claims/own.c1.json").read_text())
    assert [cell["rival"] for cell in verdict["cells"]] == ["grad_cam"]
    assert any(WHY in note for note in verdict["notes"])
    assert planned(REPOSITORY, *own) == {}
    command = [sys.executable, "-m", "pathattr.verify", str(tmp_path / "own.yaml"), "--directory", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY / "scripts", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
