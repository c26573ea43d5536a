"""What jobs ask a cluster for: counted by hand on a small configuration, and sensible at the papers' scale."""

import copy

import pytest
import yaml

from pathattr.config import load
from pathattr.overlay import merged
from pathattr.plan import Plan
from pathattr.resources import KMEANS, ROW, Needs
from pathattr.study import Study

from .test_config import ROOT, SCHEMA, SHIPPED, changed
from .test_cost import SIZE, SMALL, paper

TOLD = {  # a gradient of 10 x 10 pixels takes a second; two images are read, and half a megabyte worked on, a second
    "gradients_per_second": SIZE**2 / 224**2,
    "images_per_second": 2,
    "mb_per_second": 0.5,
    "gradient_mb": 224**2 / SIZE**2,
    "memory_mb": 1000,
    "minutes": 7,
    "safety": 600,
}
PICTURE = 4 * 3 * SIZE**2  # bytes
PLACE = ("digits_on_photos", "resnet_small")


def needs(*edits, methods=("ig",), metric="diffid", images=6) -> Needs:
    config = changed(*copy.deepcopy([*SMALL, ("resources", TOLD), ("papers", {"p": paper([*methods], images, metric)}), *edits]))
    plan = Plan(Study(config), ROOT)
    plan.targets("p")
    return Needs(plan)


def asked(found: Needs, rule: str, *place, attempt: int = 1) -> tuple[int, int]:
    """Megabytes and minutes."""
    return found.memory(rule)(place, attempt), found.minutes(rule)(place, attempt)


def test_a_job_asks_for_its_arrays_its_passes_and_its_images():
    """IG with 7 steps: 42 gradients of 6 images; a micro-batch of 32; one map an image is kept."""
    held = 6 * PICTURE * (1 + 1) / 1e6
    found = asked(needs(), "attribute", *PLACE, "ig", "0000000-0000006")
    assert found == (round(1000 + 600 * held + 32), round(7 + 600 * (42 + 6 / 2 + held / 0.5) / 60))


def test_on_a_gpu_a_network_takes_no_main_memory():
    found = asked(needs(("device", "cuda")), "attribute", *PLACE, "ig", "0000000-0000006")
    assert found[0] == round(1000 + 600 * 6 * PICTURE * 2 / 1e6)


def test_scores_are_worked_on_with_their_maps():
    """DiffID with 4 fractions asks several times of each map; a forward pass is half a gradient."""
    found, place = needs(), (*PLACE, "ig", "diffid", "0000000-0000006")
    (cost,) = [found.of(path) for path, job in found.plan.made.items() if job.rule == "measure"]
    held = (6 * PICTURE * (1 + 1) + ROW * cost.count * (20 + cost.each[1])) / 1e6
    assert cost.count == 6 and cost.each[1] > 4
    assert asked(found, "measure", *place) == (
        round(1000 + 600 * held + 32),
        round(7 + 600 * (cost.forwards / 2 + 6 / 2 + held / 0.5) / 60),
    )


def test_each_attempt_asks_for_twice_as_much():
    found = needs()
    for rule, place in (("attribute", (*PLACE, "ig", "0000000-0000006")), (None, ())):
        first = asked(found, rule, *place)
        assert asked(found, rule, *place, attempt=2) == tuple(2 * one for one in first)
        assert asked(found, rule, *place, attempt=3) == tuple(4 * one for one in first)
    assert asked(found, None) == (1000, 7)


def test_expected_gradients_hold_the_background_and_read_it():
    sampled = asked(needs(("background_images", 25), methods=["eg"]), "attribute", *PLACE, "eg", "0000000-0000006")
    held = (6 * PICTURE * 2 + 25 * PICTURE / 4) / 1e6
    assert sampled == (round(1000 + 600 * held + 32), round(7 + 600 * (6 * 5 * 2 + (6 + 25) / 2 + held / 0.5) / 60))


# --- the papers' scale ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def imagenet() -> Needs:
    config = merged(SHIPPED, yaml.safe_load((ROOT / "config" / "imagenet.yaml").read_text()))
    plan = Plan(load(config, SCHEMA), ROOT)
    for one in plan.config["papers"]:
        plan.targets(one)
    plan.everything()
    return Needs(plan)


def test_every_job_of_the_imagenet_configuration_fits_a_node_and_a_day(imagenet):
    rules = set()
    for path, job in imagenet.plan.made.items():
        found = imagenet._asks(path)
        assert 4000 <= found["mem_mb"] <= 64_000 and 20 <= found["runtime"] <= 24 * 60, (path, found)
        rules.add(job.rule)
    assert {"index_dataset", "fetch_model", "logits", "neighbourhoods", "attribute", "measure", "figure", "judge"} <= rules


def test_lpi_asks_for_more_time_than_ig_for_its_references_and_each_for_its_maps(imagenet):
    place, told = ("imagenet", "vgg16"), imagenet.told
    lpi, ig, few = (
        asked(imagenet, "attribute", *place, method, shard)
        for method, shard in (("lpi", "0000000-0002500"), ("ig", "0000000-0002500"), ("lpi", "0000000-0000300"))
    )
    picture, index = 4 * 3 * 224**2 / 1e6, ROW * (1_281_167 + 50_000) / 1e6
    assert few[0] == pytest.approx(4000 + 2 * (300 * 2 * picture + index), abs=1)  # 300 images and a map of each
    assert lpi[0] == pytest.approx(4000 + 2 * (2500 * 2 * picture + index), abs=1)
    assert ig[0] == pytest.approx(
        4000 + 2 * (2500 * 3 * picture + ROW * 50_000 / 1e6), abs=1
    )  # two maps of each, no training image
    minutes = 20 + 2 * (2500 * 20 / told["gradients_per_second"] + 2500 * 21 / told["images_per_second"]) / 60
    assert minutes < lpi[1] < minutes + 15  # 20 gradients of each image and as many references read, and the maps
    assert ig[1] < lpi[1]


def test_neighbourhoods_ask_for_the_logits_twice_and_no_more(imagenet):
    matrix = 4 * 1_281_167 * 1000
    found = asked(imagenet, "neighbourhoods", "imagenet", "vgg16", "lpi")
    assert found[0] == round(4000 + 2 * matrix / 1e6)
    assert found[1] == pytest.approx(20 + 2 * (matrix / 4 * 29 * KMEANS + matrix / 20e6) / 60, abs=1)


def test_a_data_set_of_unknown_size_counts_as_imagenet(imagenet):
    config = merged(SHIPPED, yaml.safe_load((ROOT / "config" / "imagenet.yaml").read_text()))
    renamed = yaml.safe_load(yaml.safe_dump(config).replace("dataset: imagenet\n", "dataset: my_own\n"))
    renamed["datasets"]["my_own"] = renamed["datasets"].pop("imagenet")
    other, rest = Needs(Plan(load(renamed, SCHEMA), ROOT)), ("vgg16", "lpi")
    assert asked(other, "neighbourhoods", "my_own", *rest) == asked(imagenet, "neighbourhoods", "imagenet", *rest)
