"""The two verbs: what they take and refuse, and the tables of what is known."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import pathattr
from pathattr import Neighbourhoods, attribute, measure

from .helpers import assert_same_maps, refused

LINE_ONLY = "import sys, pathattr, pathattr.source, pathattr.config, pathattr.plan; sys.exit('torch' in sys.modules)"


def ig(case, **changes):
    return attribute("ig", case.classifier, **{"x": case.x, "target": case.target, "ids": case.ids, "steps": 2, **changes})


def test_images_may_be_arrays_or_lists_and_of_any_type(smooth):
    expected = ig(smooth)
    assert_same_maps(ig(smooth, x=smooth.x.numpy(), target=np.array(smooth.target)), expected)
    assert_same_maps(ig(smooth, x=smooth.x.tolist(), target=torch.tensor(smooth.target)), expected)
    assert_same_maps(ig(smooth, x=smooth.x.double()), expected)


def test_images_that_require_gradients_are_taken_as_they_are(smooth):
    assert_same_maps(ig(smooth, x=smooth.x.clone().requires_grad_()), ig(smooth))


def test_ids_are_the_row_numbers_unless_given(smooth):
    options = dict(background=smooth.background, references=2)
    named = attribute("eg", smooth.classifier, smooth.x, smooth.target, ids=[0, 1, 2, 3], **options)
    assert_same_maps(attribute("eg", smooth.classifier, smooth.x, smooth.target, **options), named)


def test_the_classifier_and_the_images_are_left_as_they_were(smooth):
    before = [parameter.clone() for parameter in smooth.classifier.module.parameters()]
    x = smooth.x.clone()
    ig(smooth, x=x)
    assert torch.equal(x, smooth.x) and not x.requires_grad
    assert all(torch.equal(*pair) for pair in zip(before, smooth.classifier.module.parameters(), strict=True))
    assert all(parameter.grad is None for parameter in smooth.classifier.module.parameters())


BAD_BATCHES = {
    "one image without a batch": (dict(x=torch.zeros(3, 8, 8)), "shape (3, 8, 8)"),
    "no images": (dict(x=torch.zeros(0, 3, 8, 8), target=[], ids=[]), "N at least 1"),
    "channels last": (
        dict(x=torch.zeros(4, 8, 8, 3)),
        "(4, 8, 8, 3): H x W x C; accepted: (N, C, H, W), which x.permute(0, 3, 1, 2)",
    ),
    "one image, channels last": (
        dict(x=torch.zeros(8, 8, 3)),
        "one image, H x W x C; accepted: (N, C, H, W), which x.permute(2, 0, 1)",
    ),
    "one channel": (dict(x=torch.zeros(4, 1, 8, 8)), "1 channels; accepted: 3, as the classifier's mean and std have"),
    "bytes": (dict(x=torch.full((4, 3, 8, 8), 255.0)), "255"),
    "negative pixels": (dict(x=torch.full((4, 3, 8, 8), -1.0)), "-1"),
    "not finite": (dict(x=torch.full((4, 3, 8, 8), float("nan"))), "accepted: 0 to 1"),
    "too few targets": (dict(target=[0, 1]), "(2,) targets"),
    "too few ids": (dict(ids=["a"]), "1 ids"),
    "ids that repeat": (dict(ids=["a", "b", "c", "a"]), "ids repeat"),
    "a class that is not there": (dict(target=[0, 3, 2, 5]), "5"),
    "a negative class": (dict(target=[0, 3, 2, -1]), "-1"),
}


@pytest.mark.parametrize("changes, word", BAD_BATCHES.values(), ids=BAD_BATCHES)
def test_bad_batches_are_refused(smooth, changes, word):
    with refused(word):
        ig(smooth, **changes)


@pytest.mark.parametrize("changes, word", BAD_BATCHES.values(), ids=BAD_BATCHES)
def test_bad_batches_are_refused_by_metrics_too(smooth, changes, word):
    given = {"x": smooth.x, "target": smooth.target, "ids": smooth.ids, **changes}
    with refused(word):
        measure("diffid", smooth.classifier, maps=torch.zeros_like(torch.as_tensor(given["x"])), **given)


@pytest.mark.parametrize(
    "options, words",
    [
        (dict(objective="margin"), ("'margin'", "logit, probability, log_probability, loss")),
        (dict(micro_batch=24), ("micro_batch is 24", "multiple of 16")),
        (dict(rule="left"), ("'left'", "midpoint, right, trapezoid")),
        (dict(rule="trapezoid", steps=1), ("trapezoid", "2 steps")),
        (dict(rule="gauss", steps=1001), ("gauss", "at most 1000 steps")),
        (dict(steps=10**15), ("steps is 1000000000000000", "at most 1000000")),
        (dict(stepz=3), ("unknown parameter 'stepz'", "did you mean steps?")),
        (dict(baseline=float("nan")), ("baseline is nan", "a finite number")),
        (dict(as_released=1), ("as_released is 1", "true or false")),
    ],
)
def test_bad_options_are_refused(smooth, options, words):
    with refused(*words):
        ig(smooth, **options)


def test_a_bare_network_is_refused_with_how_to_wrap_it(smooth):
    """Whether it takes pixels in [0, 1] or normalised ones cannot be seen, and half of all guesses would mislead."""
    words = ("found a bare network (Sequential)", "pathattr.Classifier(network, mean, std)", "pathattr.Classifier(network) where")
    with refused(*words):
        attribute("ig", smooth.classifier.module, smooth.x, smooth.target)
    with refused(*words):
        measure("diffid", smooth.classifier.module, smooth.x, smooth.target, torch.zeros_like(smooth.x))
    with refused(*words):
        pathattr.baselines("constant", smooth.classifier.module, smooth.x, smooth.target)


@pytest.mark.parametrize("name, call", [("method", attribute), ("metric", measure)])
def test_unknown_names_are_refused_with_those_known(smooth, name, call):
    extra = [smooth.x] if call is measure else []
    with refused(f"no registered {name} 'nope'", "accepted: "):
        call("nope", smooth.classifier, smooth.x, smooth.target, *extra)


@pytest.mark.parametrize(
    "method, options, words",
    [
        ("smoothgrad", dict(noise=-0.1), ("noise is -0.1", "at least 0")),
        ("agi", dict(step_size=0), ("step_size is 0", "above 0")),
        ("mfaba", dict(step_size=float("inf")), ("step_size is inf", "a finite number, above 0")),
        ("gig", dict(fraction=1.5), ("fraction is 1.5", "above 0, at most 1")),
        ("perturbation_patch", dict(size=9), ("size is 9", "at most the 8 pixels of the image's shorter side")),
        ("captum:Occlusion", dict(image=1), ("found image", "pathattr sets itself")),
        ("smothgrad", {}, ("no registered method 'smothgrad'", "did you mean smoothgrad?")),
    ],
)
def test_values_out_of_an_annotations_bounds_are_refused(smooth, method, options, words):
    """In the words of the check before the first job, which reads the same annotations."""
    with refused(*words):
        attribute(method, smooth.classifier, smooth.x, smooth.target, **options)


def test_more_references_than_background_images_are_refused(smooth):
    with refused("references is 31", "30"):
        attribute("eg", smooth.classifier, smooth.x, smooth.target, background=smooth.background, references=31)


def test_more_attacked_classes_than_there_are_others_are_refused(smooth):
    with refused("classes is 5", "4"):
        attribute("agi", smooth.classifier, smooth.x, smooth.target, classes=5)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 6, 6)], ids=["channels", "size"])
def test_a_background_of_another_shape_is_refused(smooth, shape):
    with refused("background", str(shape)):
        attribute("eg", smooth.classifier, smooth.x, smooth.target, background=torch.zeros(5, *shape), references=2)


def test_neighbourhoods_of_another_background_are_refused(smooth):
    with refused("background"):
        few = smooth.background[:2]
        attribute("lpi", smooth.classifier, smooth.x, smooth.target, background=few, neighbourhoods=smooth.neighbourhoods)


def test_neighbourhoods_of_another_number_of_classes_are_refused(smooth):
    other = Neighbourhoods.fit(np.random.default_rng(0).normal(size=(30, 7)), n=2, m=2)
    with refused("7", "5"):
        attribute("lpi", smooth.classifier, smooth.x, smooth.target, background=smooth.background, neighbourhoods=other)


@pytest.mark.parametrize(
    "maps, word",
    [
        (torch.zeros(4, 3, 8, 7), "(4, 3, 8, 7)"),
        (torch.zeros(3, 3, 8, 8), "(3, 3, 8, 8)"),
        (torch.full((4, 3, 8, 8), torch.inf), "image-0"),
    ],
    ids=["shape", "number", "not finite"],
)
def test_bad_maps_are_refused(smooth, maps, word):
    with refused(word):
        measure("diffid", smooth.classifier, smooth.x, smooth.target, maps, ids=smooth.ids)


def test_the_tables_list_what_is_registered():
    methods, metrics = pathattr.methods(), pathattr.metrics()
    assert {"random", "inputgrad", "ig", "eg", "agi", "lpi"} <= set(methods["name"])
    assert methods["name"].is_unique and not metrics.duplicated(["name", "score"]).any()
    assert {"paper", "equation", "gradients", "needs", "variants", "parameters"} <= set(methods)
    assert {"range", "direction", "paper", "equation", "forwards", "parameters"} <= set(metrics)
    assert methods.set_index("name").loc["ig", "parameters"] == {
        "steps": 20,
        "rule": "midpoint",
        "baseline": 0.0,
        "as_released": False,
    }
    assert set(metrics["direction"]) <= {"higher", "lower"}


def test_public_names_are_there_and_others_are_not():
    assert all(hasattr(pathattr, name) for name in pathattr.__all__)
    assert set(pathattr.__all__) <= set(dir(pathattr))
    with pytest.raises(AttributeError, match="nope"):
        pathattr.nope  # noqa: B018


def test_what_the_workflow_reads_needs_no_torch():
    library = pathattr.__file__.rsplit("/", 2)[0]
    assert subprocess.run([sys.executable, "-c", LINE_ONLY], env={"PYTHONPATH": library}, check=False).returncode == 0
