"""Which digests a change of the configuration changes, and which it must not."""

import pickle
from pathlib import Path

import pytest

from pathattr import source
from pathattr.config import Study
from pathattr.plan import File, Plan

from .test_config import ROOT, changed

MODELS = ("vgg_small", "resnet_small")
METHODS = ("random", "inputgrad", "ig", "eg", "agi", "agi_as_released", "lpi", "ig-steps5")
SHARD, PART = "0000000-0000300", "0000-of-0002"


def digests(*edits) -> dict[str, str]:
    """Path -> digest of every result of the two models, with (path, value) edits of the shipped configuration."""
    plan = Plan(Study(changed(*edits)), ROOT)
    files = [plan.index("digits", "train"), *plan.split("digits_on_photos", "train"), *plan.split("digits_on_photos", "test")]
    for model in MODELS:
        files += [plan.weights(model), plan.logits(model, PART), plan.neighbourhoods(model, "lpi")]
        files += [plan.maps(model, method, SHARD) for method in METHODS]
        files += [plan.scores(model, method, "diffid", SHARD) for method in METHODS]
    return {str(file): file.digest for file in files}


SHIPPED = digests()
WITHOUT_EFFECT = [
    ("device", "cuda"),
    ("micro_batch", 64),
    ("images_per_shard", 100),
    ("training_shards", 5),
    ("threads/compute", 4),
    ("models/vgg_small/stands_for", "another"),
    ("papers/lpi/images", 20),
    ("methods/spare", {"method": "ig"}),
    ("datasets/spare", {"dataset": "digits"}),
]


@pytest.mark.parametrize("edit", WITHOUT_EFFECT, ids=lambda edit: edit[0])
def test_what_only_says_how_a_result_is_computed_changes_no_digest(edit):
    assert digests(edit) == SHIPPED


WITH_EFFECT = {  # edit -> what the paths of all that changes, and of nothing else, contain
    ("methods/inputgrad/objective", "loss"): ["/inputgrad/"],
    ("methods/ig/steps", 21): ["/ig/"],
    ("methods/ig/rule", "right"): ["/ig/", "/ig-steps5/"],
    ("methods/agi/step_size", 0.1): ["/agi/"],
    ("methods/lpi/neighbourhoods/vgg_small", 8): ["vgg_small/lpi/", "vgg_small/lpi."],
    ("metrics/diffid/fractions", 5): ["/diffid/"],
    ("maps_dtype", "float16"): ["maps/", "scores/"],
    ("background_images", 100): ["/eg/"],
    ("models/vgg_small/training/epochs", 9): ["vgg_small"],
    ("threads/train", 3): ["models/", "logits/", "neighbourhoods/", "maps/", "scores/"],
    ("datasets/digits/size", 8): ["data/digits/"],
    ("datasets/digits_on_photos/train", 5000): ["digits_on_photos"],
    ("seed", 1): ["results/"],
}


@pytest.mark.parametrize("edit, parts", WITH_EFFECT.items(), ids=lambda value: value[0] if isinstance(value, tuple) else "")
def test_a_change_reaches_what_hangs_on_it_and_nothing_else(edit, parts):
    found = digests(edit)
    assert found.keys() == SHIPPED.keys()
    assert {path for path in found if found[path] != SHIPPED[path]} == {
        path for path in SHIPPED if any(part in path for part in parts)
    }


def test_results_that_differ_have_different_digests():
    own = {path: digest for path, digest in SHIPPED.items() if not path.startswith("results/data/")}
    assert len(set(own.values())) == len(own)


def test_the_code_of_a_users_own_network_is_part_of_the_digest(tmp_path):
    code = tmp_path / "own.py"
    entry = {"dataset": "digits_on_photos", "architecture": f"{code}:net", "weights": "own.pth", "mean": [0.5], "std": [0.5]}
    found = []
    for result in (1, 2):
        code.write_text(f"def net(classes, channels, size):\n    return {result}\n")
        for remembered in (source._tree, source._imports, source._source_digest):
            remembered.cache_clear()
        found.append(Plan(Study(changed(("models/vgg_small", entry))), ROOT).weights("vgg_small").digest)
    assert found[0] != found[1]


def test_a_file_is_its_path_with_a_digest():
    file = File("results/a.csv", "d" * 16)
    assert file == "results/a.csv" and Path(file).suffix == ".csv"
    assert pickle.loads(pickle.dumps(file)).digest == "d" * 16
