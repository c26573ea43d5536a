"""The configuration: what is refused, in which words, and what a name means."""

import copy
import re
from pathlib import Path

import pytest
import yaml

from pathattr import config as configuration
from pathattr.config import Study, check, load
from pathattr.shards import shard_range, shards

from .helpers import refused

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "resources" / "config.schema.yaml"
SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text())
OVERLAYS = sorted((ROOT / "config").glob("*.yaml"))
MISSING = object()  # in place of a value: take the key away


def merged(base: dict, differences: dict) -> dict:
    """As Snakemake lays one configuration over another."""
    result = dict(base)
    for key, value in differences.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def changed(*edits) -> dict:
    """The shipped configuration with (path, value) edits."""
    result = copy.deepcopy(SHIPPED)
    for path, value in edits:
        *parents, last = path.split("/")
        place = result
        for key in parents:
            place = place[key]
        if value is MISSING:
            del place[last]
        else:
            place[last] = value
    return result


@pytest.fixture
def study():
    return load(copy.deepcopy(SHIPPED), SCHEMA)


def test_the_shipped_configuration_is_valid():
    assert check(copy.deepcopy(SHIPPED), SCHEMA) == []


@pytest.mark.parametrize("path", OVERLAYS, ids=lambda path: path.stem)
def test_the_other_configurations_are_valid_over_it(path):
    assert check(merged(SHIPPED, yaml.safe_load(path.read_text())), SCHEMA) == []


def test_a_check_changes_nothing():
    config = copy.deepcopy(SHIPPED)
    load(config, SCHEMA)
    assert config == SHIPPED


# path, value, what the one line must say: the key, what was found, what is accepted
MISTAKES = [
    ("sed", 1, ("top level", "'sed'", "accepted: seed, device")),
    ("seed", "zero", ("seed:", "'zero'", "a whole number, at least 0")),
    ("seed", -1, ("seed:", "-1", "a whole number, at least 0")),
    ("seed", 2**32, ("seed:", "4294967296", "at most")),
    ("seed", MISSING, ("seed missing",)),
    ("device", "gpu", ("device:", "'gpu'", "cpu, cuda")),
    ("micro_batch", 24, ("micro_batch:", "24", "a multiple of 16")),
    ("micro_batch", 0, ("micro_batch:", "0", "at least 16")),
    ("micro_batch", 32.0, ("micro_batch:", "32.0", "a whole number")),
    ("maps_dtype", "float64", ("maps_dtype:", "'float64'", "float32, float16")),
    ("background_images", 0, ("background_images:", "0", "a whole number or null, at least 1")),
    ("threads/compute", "all", ("threads.compute:", "'all'", "a whole number, at least 1")),
    ("threads/train", MISSING, ("threads:", "train missing")),
    ("methods/nope", {}, ("methods.nope:", "'nope'", "accepted: agi, attexplore, big")),
    ("methods/random", None, ("methods.random:", "None", "a mapping")),
    ("methods/agi_as_released/method", "nope", ("methods.agi_as_released:", "'nope'", "accepted: agi, attexplore, big")),
    ("methods/Bad-Name", {"method": "ig"}, ("methods:", "'Bad-Name'", "^[a-z0-9_]+$")),
    ("methods/ig/stepz", 3, ("methods.ig:", "'stepz'", "accepted: steps, rule, baseline")),
    ("methods/ig/steps", "many", ("methods.ig.steps:", "'many'", "a whole number, at least 1")),
    ("methods/ig/steps", 0, ("methods.ig.steps:", "0", "a whole number, at least 1")),
    ("methods/ig/steps", 4.0, ("methods.ig.steps:", "4.0", "a whole number")),
    ("methods/ig/steps", True, ("methods.ig.steps:", "True", "a whole number")),
    ("methods/ig/rule", "left", ("methods.ig.rule:", "'left'", "midpoint, right, trapezoid")),
    ("methods/ig/objective", "margin", ("methods.ig.objective:", "'margin'", "logit, probability, log_probability, loss")),
    ("methods/ig/variants", ["valid_references"], ("methods.ig.variants:", "valid_references", "vanilla, absolute")),
    ("methods/ig/variants", ["signed"], ("methods.ig.variants", "'signed'", "vanilla, absolute, valid_interpolations")),
    ("methods/ig/variants", [], ("methods.ig.variants", "[]", "a list, at least 1 long")),
    ("methods/agi_as_released/as_released", "yes", ("methods.agi_as_released.as_released:", "'yes'", "true or false")),
    ("methods/lpi/neighbourhoods", {"vgg_small": 9}, ("methods.lpi.neighbourhoods:", "resnet_small", "one a model in use")),
    ("methods/lpi/neighbourhoods/alexnet", 3, ("methods.lpi.neighbourhoods.alexnet:", "'alexnet'", "vgg_small, resnet_small")),
    ("methods/lpi/neighbourhoods/vgg_small", 0, ("methods.lpi.neighbourhoods.vgg_small:", "0", "at least 1")),
    ("metrics/nope", {}, ("metrics.nope:", "'nope'", "accepted: diffid")),
    ("metrics/diffid/absolute", 1, ("metrics.diffid.absolute:", "1", "true or false")),
    ("datasets/digits/dataset", "nope", ("datasets.digits:", "'nope'", "digits_on_photos, imagefolder, parquet, torchvision")),
    ("datasets/digits/dataset", MISSING, ("datasets.digits:", "dataset missing")),
    ("datasets/digits/sise", 16, ("datasets.digits:", "'sise'", "accepted: size, train, test")),
    ("datasets/own", {"dataset": "imagefolder"}, ("datasets.own:", "root missing", "text")),
    ("models/vgg_small/dataset", "nope", ("models.vgg_small.dataset:", "'nope'", "digits_on_photos, digits")),
    (
        "models/vgg_small/architecture",
        "alexnet",
        ("models.vgg_small.architecture:", "'alexnet'", "torchvision.NAME", "FILE.py:FUNCTION"),
    ),
    ("models/vgg_small/architecture", "torchvision", ("models.vgg_small.architecture:", "'torchvision'", "torchvision.NAME")),
    ("models/vgg_small/weights", "published", ("models.vgg_small.weights:", "'published'", "trained or the path of a file")),
    ("models/vgg_small/weights", "own.pth", ("models.vgg_small:", "mean and std missing", "a number a channel")),
    ("models/vgg_small/training", MISSING, ("models.vgg_small:", "training missing", "a mapping")),
    ("models/vgg_small/training/epochs", 0, ("models.vgg_small.training.epochs:", "0", "at least 1")),
    ("models/vgg_small/std", [0], ("models.vgg_small.std.0:", "0", "above 0")),
    ("papers/lpi/images", 401, ("papers.lpi.images:", "401", "at most the 400 test images of digits_on_photos")),
    ("papers/lpi/gallery_images", 13, ("papers.lpi.gallery_images:", "13", "at most 12")),
    ("papers/lpi/dark_image_among", 301, ("papers.lpi.dark_image_among:", "301", "at most the 300 images evaluated")),
    ("papers/lpi/dataset", "nope", ("papers.lpi.dataset:", "'nope'", "digits_on_photos, digits")),
    ("papers/lpi/models/vgg16", "nope", ("papers.lpi.models.vgg16:", "'nope'", "vgg_small, resnet_small")),
    ("papers/lpi/methods", ["ig", "nope"], ("papers.lpi.methods.1:", "'nope'", "random, inputgrad, ig")),
    ("papers/lpi/metric", "nope", ("papers.lpi.metric:", "'nope'", "diffid")),
    ("papers/lpi/sweeps/gradients/nope", {"steps": [1]}, ("papers.lpi.sweeps.gradients:", "'nope'", "random, inputgrad, ig")),
    ("papers/lpi/sweeps/gradients/ig", {"stepz": [1]}, ("papers.lpi.sweeps.gradients.ig:", "'stepz'", "steps, rule")),
    ("papers/lpi/sweeps/gradients/ig", {"steps": [5, 0]}, ("papers.lpi.sweeps.gradients.ig.steps:", "0", "at least 1")),
    ("papers/lpi/sweeps/gradients/ig", {"steps": 5}, ("papers.lpi.sweeps.gradients.ig.steps:", "5", "a list")),
    ("papers/other", {}, ("papers:", "'other'", "accepted: lpi")),
]


@pytest.mark.parametrize("path, value, words", MISTAKES, ids=[f"{path}-{value!r:.20}" for path, value, _ in MISTAKES])
def test_a_mistake_gives_one_line_that_says_what_is_accepted(path, value, words):
    lines = check(changed((path, value)), SCHEMA)
    assert len(lines) == 1, lines
    assert len(lines[0].splitlines()) == 1
    for word in (*words, "accepted"):
        assert word in lines[0], f"{word!r} is not in: {lines[0]}"


@pytest.mark.parametrize("path", ["papers/lpi/methods", "methods/ig/variants", "papers/lpi/sweeps/gradients/ig/steps"])
def test_a_value_listed_twice_is_called_so(path):
    value = {"methods": ["ig", "ig"], "variants": ["vanilla", "vanilla"], "steps": [5, 5]}[path.rsplit("/", 1)[1]]
    (line,) = check(changed((path, value)), SCHEMA)
    assert any(word in line for word in ("once", "twice", "repeat", "unique", "distinct", "different")), line


def test_all_mistakes_are_told_at_once():
    edits = [
        ("methods/ig/steps", 0),
        ("methods/eg/stepz", 1),
        ("metrics/diffid/fractions", "x"),
        ("models/vgg_small/dataset", "nope"),
    ]
    lines = check(changed(*edits), SCHEMA)
    assert len(lines) == len(edits)
    with pytest.raises(configuration.InputError) as caught:
        load(changed(*edits), SCHEMA)
    assert str(caught.value).splitlines() == [f"config: {line}" for line in lines]


def test_a_method_swept_but_not_shown_needs_a_value_for_the_model_of_the_sweep():
    config = changed(
        ("methods/lpi_few", {"method": "lpi", "neighbourhoods": {"vgg_small": 3}}),
        ("papers/lpi/sweeps/gradients/lpi_few", {"references": [2]}),
    )
    (line,) = check(config, SCHEMA)
    assert "methods.lpi_few.neighbourhoods" in line and "resnet_small" in line


def test_a_mapping_a_model_covers_only_the_models_in_use():
    config = changed(("models/spare", SHIPPED["models"]["vgg_small"]))
    assert check(config, SCHEMA) == []


def test_values_of_a_model_stand_for_that_model(study):
    assert study.method("lpi", "vgg_small")["neighbourhoods"] == 9
    assert study.method("lpi", "resnet_small")["neighbourhoods"] == 7


def test_a_methods_name_resolves_to_all_its_parameters(study):
    assert study.method("ig", "vgg_small") == {
        "method": "ig",
        "objective": "logit",
        "variants": ["vanilla"],
        "steps": 20,
        "rule": "midpoint",
        "baseline": 0.0,
        "as_released": False,
    }
    assert study.method("random", "vgg_small") == {"method": "random", "objective": "logit", "variants": ["vanilla"]}
    released = study.method("agi_as_released", "vgg_small")
    assert released["method"] == "agi" and released["as_released"] is True
    assert study.metric("diffid") == {"metric": "diffid", "fractions": 10, "absolute": True}


def test_a_resolved_method_is_a_copy(study):
    study.method("ig", "vgg_small")["variants"].append("absolute")
    assert study.method("ig", "vgg_small")["variants"] == ["vanilla"]
    study = load(changed(("methods/ig/variants", ["absolute"])), SCHEMA)
    study.method("ig", "vgg_small")["variants"].append("vanilla")
    assert study.method("ig", "vgg_small")["variants"] == ["absolute"]


def test_an_unknown_method_is_refused_with_those_known(study):
    with refused("'nope'", "lpi-references10"):
        study.method("nope", "vgg_small")


def test_a_sweep_point_equal_to_the_method_goes_by_its_name(study):
    points = study.points({"ig": {"steps": [5, 20]}}, "resnet_small")
    assert [(name, method, values) for name, method, values in points] == [
        ("ig-steps5", "ig", {"steps": 5}),
        ("ig", "ig", {"steps": 20}),
    ]
    assert study.method("ig-steps5", "resnet_small")["steps"] == 5
    grid = {"lpi": {"neighbourhoods": [7, 9], "references": [20]}}
    assert [name for name, _, _ in study.points(grid, "resnet_small")] == ["lpi", "lpi-neighbourhoods9"]
    assert [name for name, _, _ in study.points(grid, "vgg_small")] == ["lpi-neighbourhoods7", "lpi"]


def test_a_sweep_point_keeps_the_methods_other_settings():
    study = load(changed(("methods/eg/objective", "probability"), ("methods/eg/variants", ["absolute"])), SCHEMA)
    point = study.method("eg-references5", "resnet_small")
    assert point == {"method": "eg", "objective": "probability", "variants": ["absolute"], "references": 5, "steps": 1}


def test_all_points_of_the_shipped_sweeps_have_names_of_their_own(study):
    meaning = {}
    for grids in SHIPPED["papers"]["lpi"]["sweeps"].values():
        for name, method, values in study.points(grids, "resnet_small"):
            settings = study.method(name, "resnet_small")
            assert {key: settings[key] for key in values} == values
            assert settings["method"] == method
            assert meaning.setdefault(name, settings) == settings
    assert len({str(settings) for settings in meaning.values()}) == len(meaning)


@pytest.mark.parametrize(
    "grid",
    [
        {"agi": {"as_released": [False, True]}},
        {"ig": {"baseline": [0.0, 0.5, -0.5, 1e-20]}},
        {"ig": {"rule": ["midpoint", "right"], "steps": [1, 11]}},
        {"agi": {"steps": [1, 11], "classes": [1, 2]}},
    ],
    ids=str,
)
def test_every_points_name_is_its_own_and_may_stand_in_a_path(study, grid):
    names = [name for name, _, _ in study.points(grid, "resnet_small")]
    assert len(set(names)) == len(names)
    pattern = re.search(r'method=r"(.*?)"', (ROOT / "Snakefile").read_text())[1]
    for name in names:
        assert re.fullmatch(pattern, name), name


@pytest.mark.parametrize(
    "images, per_shard, expected",
    [
        (10, 4, ["0000000-0000004", "0000004-0000008", "0000008-0000010"]),
        (8, 4, ["0000000-0000004", "0000004-0000008"]),
        (3, 4, ["0000000-0000003"]),
        (50000, 50000, ["0000000-0050000"]),
    ],
)
def test_shards_cover_every_image_once(images, per_shard, expected):
    assert shards(images, per_shard) == expected
    assert [row for shard in expected for row in range(*shard_range(shard))] == list(range(images))


def test_missing_paths_are_told_a_line_each(tmp_path):
    (tmp_path / "there.safetensors").write_text("")
    folder = {"dataset": "imagefolder", "root": str(tmp_path / "no_images"), "classes": str(tmp_path / "no_list")}
    own = {"dataset": "own", "architecture": f"{tmp_path}/no_code.py:net", "mean": [0.5], "std": [0.5]}
    config = changed(
        ("datasets/own", folder),
        ("models/vgg_small", {**own, "weights": str(tmp_path / "no_weights.pth")}),
        ("models/resnet_small", {**own, "weights": str(tmp_path / "there.safetensors")}),
        ("papers/lpi/dataset", "own"),
    )
    lines = Study(config).missing()
    assert [line.split(": ")[0] for line in lines] == [
        "datasets.own.classes",
        "datasets.own.root",
        "models.resnet_small.architecture",
        "models.vgg_small.architecture",
        "models.vgg_small.weights",
    ]
    assert all("does not exist; accepted: " in line and str(tmp_path) in line for line in lines)
    assert Study(copy.deepcopy(SHIPPED)).missing() == []
