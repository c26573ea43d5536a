"""Which class is explained: in the API, in jobs and in digests; that a network at chance is not."""

import numpy as np
import pandas as pd
import pytest
import torch

from pathattr import attribute, baselines, measure
from pathattr.api import probe, targets
from pathattr.config import check, load
from pathattr.job import Given
from pathattr.model import accuracy
from pathattr.plan import Plan
from pathattr.promise.cases import named
from pathattr.target import explained

from .helpers import refused
from .test_config import SCHEMA, changed
from .test_plan import ROOT

CONFIG = {"at_chance": "refused", "micro_batch": 32}


@pytest.fixture(scope="module")
def case():
    return named("smooth")


@pytest.fixture(scope="module")
def predicted(case) -> list[int]:
    return case.classifier.logits(case.x).argmax(1).tolist()


# --- the API ---------------------------------------------------------------------------------------------------------------


def test_no_target_is_the_predicted_class_and_a_number_is_one_class_for_all(case, predicted):
    assert predicted != case.target, "the case must tell the label from the prediction"
    for given, expected in ((None, predicted), (2, [2] * 4), (np.int64(1), [1] * 4)):
        assert targets(case.classifier, case.x, given).tolist() == expected
        ours, theirs = (attribute("inputgrad", case.classifier, case.x, one)["vanilla"] for one in (given, expected))
        assert torch.equal(ours, theirs)
    assert not torch.equal(*(attribute("inputgrad", case.classifier, case.x, one)["vanilla"] for one in (1, 2)))
    assert torch.equal(
        attribute("inputgrad", case.classifier, case.x)["vanilla"], attribute("inputgrad", case.classifier, case.x, None)["vanilla"]
    )


def test_baselines_probes_and_metrics_take_the_same_targets(case, predicted):
    options = {"radii": [0.5], "attack_steps": 2}
    ours, theirs = (baselines("boundary", case.classifier, case.x, one, **options)[0] for one in (None, predicted))
    assert torch.equal(ours, theirs)
    maps = attribute("inputgrad", case.classifier, case.x)["vanilla"]
    ours, theirs, other = (measure("diffid", case.classifier, case.x, one, maps, fractions=2) for one in (None, predicted, 2))
    assert ours.equals(theirs) and not ours.equals(other)
    few = {"fractions": [0.5], "subsets": 3}
    for name, values in probe("masked", case.classifier, case.x, None, **few).items():
        assert np.array_equal(values, probe("masked", case.classifier, case.x, predicted, **few)[name])


@pytest.mark.parametrize("target", [-1, 99, [0, 1], 1.5, "cat"])
def test_other_targets_are_refused(case, target):
    with refused("target"):
        attribute("inputgrad", case.classifier, case.x, target)


# --- jobs ------------------------------------------------------------------------------------------------------------------


def test_a_job_explains_what_the_configuration_says(case, predicted):
    index = pd.DataFrame({"image_id": case.ids, "label": case.target})
    about = {"at_chance": False}
    for which, expected in (("label", case.target), ("predicted", predicted), (3, [3] * 4)):
        given = Given({"weights": ["w"]}, {"target": which})
        assert explained(given, CONFIG, case.classifier, about, case.x, index).tolist() == expected


def test_a_network_at_chance_is_refused_unless_it_is_allowed(case):
    index = pd.DataFrame({"image_id": case.ids, "label": case.target})
    given = Given({"weights": ["results/models/a.safetensors"]}, {"target": "label"})
    about = {"test_images": 64, "test_accuracy": 0.0, "chance": 0.25, "chance_p": 1.0, "at_chance": True}
    with refused("results/models/a.safetensors: at chance: 0 of 64 test images right", "p = 1", "`classes`", "at_chance: allowed"):
        explained(given, CONFIG, case.classifier, about, case.x, index)
    assert explained(given, CONFIG | {"at_chance": "allowed"}, case.classifier, about, case.x, index).tolist() == case.target


BALANCED = np.repeat([0, 1], 32)


@pytest.mark.parametrize(
    "hits, labels, share, p, at_chance",
    [
        (0, BALANCED, 0.5, 1.0, True),
        (38, BALANCED, 0.5, 0.084, True),
        (40, BALANCED, 0.5, 0.030, False),
        (3, np.array([0, 1, 2]), 1 / 3, 1 / 27, False),  # (1/3)^3
        (2, np.array([0, 1, 2]), 1 / 3, 7 / 27, True),
        (0, np.array([0, 1]), 0.5, None, False),  # two images tell nothing, whatever comes out
        (0, np.zeros(50, int), 1.0, None, False),
        (90, np.array([0] * 90 + [1] * 10), 0.9, 0.583, True),
    ],
)
def test_chance_is_an_exact_test_against_the_most_frequent_label(hits, labels, share, p, at_chance):
    found = accuracy.chance(hits, labels)
    assert found["chance"] == pytest.approx(share) and found["at_chance"] is at_chance
    assert found["chance_p"] == (None if p is None else pytest.approx(p, abs=0.0006))


def test_images_without_labels_have_no_accuracy(case, predicted):
    assert accuracy.tested(case.classifier, case.x, predicted)["test_accuracy"] == 1.0
    found = accuracy.tested(case.classifier, case.x, [-1] * 4)
    assert found == {"test_accuracy": None, "test_images": 4, "chance": None, "chance_p": None, "at_chance": False}


# --- the configuration -----------------------------------------------------------------------------------------------------


def plan(*edits) -> Plan:
    return Plan(load(changed(*edits), SCHEMA), ROOT)


def test_the_target_is_in_the_digest_of_all_that_hangs_on_it_and_of_no_more():
    before, after = (plan(("target", target)).results() for target in ("label", "predicted"))
    same = {path.split("/")[1] for path in before if before[path] == after[path]}
    other = {path.split("/")[1] for path in before if before[path] != after[path]}
    assert other >= {"maps", "baselines", "probes", "scores", "figures", "tables", "claims"}
    assert {"data", "models", "logits", "neighbourhoods", "summary"} <= same
    assert not other & {"data", "models", "logits", "neighbourhoods", "summary"} and not same & {"maps", "baselines", "probes"}


def test_captions_say_what_is_explained_where_it_is_no_label():
    def caption(target) -> str:
        found = plan(("target", target))
        return found.caption(found.study.drawn["lpi", "artefacts", "fig5"])

    assert "Explained" not in caption("label")
    assert caption("predicted").endswith(" Explained is the class that the network predicts.")
    assert caption(3).endswith(" Explained is class 3.")


def own(**more) -> list:
    """Edits: two models of a paper on a folder of images with a list of classes."""
    data = {"dataset": "imagefolder", "root": "here", "size": 32, "classes": ["crane", "cat", "dog"], **more}
    return [("datasets/own", data)] + [(f"models/{name}/dataset", "own") for name in ("vgg_pairs", "resnet_pairs")]


def test_a_class_goes_by_its_name_or_number(tmp_path):
    edits = [
        *own(),
        *((f"papers/{paper}", None) for paper in ("methods", "credible", "recalibration", "local_attribution", "taylor")),
    ]
    edits += [("papers/lpi/models/resnet34_ten", "resnet_pairs")]
    study = load(changed(*edits, ("target", "dog")), SCHEMA)
    assert (
        study.target("own") == 2
        and study.class_count("vgg_pairs") == 3
        and study.class_names("own") == {0: "crane", 1: "cat", 2: "dog"}
    )
    (line,) = check(changed(*edits, ("target", "dgo")), SCHEMA)
    assert line.startswith("target: found 'dgo'; accepted: label, predicted, a number, crane, cat, dog; did you mean dog?")
    with_digits = changed(*edits, ("target", "dog"), ("papers/lpi/models/resnet34_ten", "resnet_small"))
    study = load(with_digits, SCHEMA)
    assert study.absent["lpi", "artefacts", "fig6r"] == "the data set digits_on_photos has no class dog, which is explained"
    assert ("lpi", "artefacts", "fig4") in study.drawn and study.left_out()[0].startswith("left out: lpi.fig6r: ")
    (line,) = check(changed(*edits, ("target", -1)), SCHEMA)
    assert line == "target: found -1; accepted: text or a whole number, at least 0"
