"""Images of one's own from a folder to a gallery: whose classes they are, what is explained, and what there need not be."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import save_file

from helpers import REPOSITORY, snakemake
from pathattr.store import read_maps

NETWORK = """
from torch import nn
def network(classes, channels, size):
    return nn.Sequential(nn.Conv2d(channels, 1, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, classes))
"""
CLASSES = ["bright", "cow", "dark", "dog"]  # of the network; the folders are two of them


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six dark and six bright photographs, and a network that tells them apart: its output 0 is brightness, 2 is darkness."""
    folder, draws = tmp_path_factory.mktemp("own"), np.random.default_rng(0)
    for name, level in (("bright", 190), ("dark", 60)):
        for number in range(6):
            pixels = np.clip(draws.normal(level, 15, (20, 24, 3)), 0, 255).astype(np.uint8)
            path = folder / "photos" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    (folder / "mine.py").write_text(NETWORK)
    state = {"0.weight": torch.full((1, 3, 3, 3), 1 / 27), "0.bias": torch.tensor([-0.5])}
    state |= {"3.weight": torch.tensor([[9.0], [0.0], [-9.0], [0.0]]), "3.bias": torch.tensor([0.0, -9.0, 0.0, -9.0])}
    save_file(state, folder / "mine.safetensors")
    return folder


def run(folder, name: str, data: dict, check: bool = True, **more):
    """Make a gallery of all images with a method that needs no training images and one that does; the output."""
    entry = {"dataset": "imagefolder", "root": str(folder / "photos"), "train": None, "test": ".", "size": 16, **data}
    model = {"dataset": "photos", "architecture": f"{folder}/mine.py:network", "weights": str(folder / "mine.safetensors")}
    artefacts = {"gallery": {"artefact": "gallery", "model": "one", "methods": ["inputgrad", "eg"], "images": 12}}
    mine = {"title": "My own", "models": {"one": "mine", "two": "mine"}, "artefacts": artefacts}
    config = {
        "datasets": {"photos": entry},
        "models": {"mine": {**model, "mean": [0, 0, 0], "std": [1, 1, 1]}},
        "papers": {"own": mine},
    }
    place = folder / name
    place.mkdir(exist_ok=True)
    (place / "own.yaml").write_text(yaml.safe_dump(config | more))
    return snakemake(REPOSITORY, "--directory", place, "own", "--configfile", place / "own.yaml", check=check)


def targets(place) -> dict:
    """Image -> the class that its map is of."""
    (file,) = (place / "results/maps/photos/mine/inputgrad").glob("*.arrow")
    ids, found, *_ = read_maps(file)
    return dict(zip(ids, found.tolist(), strict=True))


def error(done) -> str:
    assert done.returncode and "Traceback" not in done.stdout, done.stdout
    return next(line for line in done.stdout.splitlines() if "error:" in line)


def test_folders_of_some_of_the_networks_classes_are_numbered_by_these(folder):
    run(folder, "some", {"classes": CLASSES})
    place = folder / "some"
    found = targets(place)
    assert found == {name: 0 if name.startswith("bright") else 2 for name in found} and len(found) == 12
    shown = pd.read_csv(place / "results/tables/own/gallery.csv")
    assert set(shown["method"]) == {"inputgrad"} and sorted(shown["label"][:2]) == [0, 2], "the first two are of both classes"
    (models,) = pd.read_csv(place / "results/summary/own.csv").to_dict("records")
    assert models["classes"] == 4 and models["test_accuracy"] == 1.0 and models["test_images"] == 12 and models["chance"] == 0.5
    missing = pd.read_csv(place / "results/summary/own.missing.csv")
    assert missing.to_numpy().tolist() == [["artefacts", "gallery", "eg", "needs training images; the data set photos has none"]]
    assert "eg needs training images" in (place / "results/tables/own/gallery.html").read_text()
    assert "needs training images" in (place / "results/summary/own.html").read_text()


def test_folders_in_alphabetical_order_are_no_classes_of_a_network_that_has_more(folder):
    assert "tensor '3.bias' has shape (4,); accepted: (2,)" in error(run(folder, "fewer", {}, check=False))
    config = yaml.safe_load((folder / "fewer/own.yaml").read_text())
    config["models"]["mine"]["classes"] = 4
    done = run(folder, "fewer", {}, check=False, models=config["models"])
    assert "photos: 2 class folders in alphabetical order, and a network of 4 classes; accepted: `classes` of the" in error(done)


def test_a_network_at_chance_is_not_explained_unless_that_is_allowed(folder):
    swapped = {"dark": 0, "bright": 2}
    line = error(run(folder, "swapped", {"classes": swapped}, check=False, models=with_classes(folder)))
    assert line.startswith("attribute, ") and "mine.safetensors: at chance: 0 of 12 test images right" in line
    assert json.loads((folder / "swapped/results/models/photos/mine.json").read_text())["at_chance"]
    weights = folder / "swapped/results/models/photos/mine.safetensors"
    before = weights.stat().st_mtime_ns
    run(folder, "swapped", {"classes": swapped}, models=with_classes(folder), at_chance="allowed")
    assert weights.stat().st_mtime_ns == before and len(targets(folder / "swapped")) == 12


def with_classes(folder) -> dict:
    """The model, saying itself how many classes it has."""
    model = {"dataset": "photos", "architecture": f"{folder}/mine.py:network", "weights": str(folder / "mine.safetensors")}
    return {"mine": {**model, "mean": [0, 0, 0], "std": [1, 1, 1], "classes": 4}}


def test_images_without_labels_are_explained_by_the_predicted_class(folder):
    run(folder, "blind", {"label": None}, target="predicted", models=with_classes(folder))
    found = targets(folder / "blind")
    assert found == {name: 0 if name.startswith("bright") else 2 for name in found} and len(found) == 12
    (models,) = pd.read_csv(folder / "blind/results/summary/own.csv").to_dict("records")
    assert np.isnan(models["test_accuracy"]) and models["test_images"] == 12
    assert "the class that the network predicts" in (folder / "blind/results/tables/own/gallery.html").read_text()


def test_one_class_by_its_name_is_explained_of_all_images(folder):
    run(folder, "one", {"classes": CLASSES}, target="cow")
    assert set(targets(folder / "one").values()) == {1}
    assert "Explained is class cow." in (folder / "one/results/tables/own/gallery.html").read_text()
