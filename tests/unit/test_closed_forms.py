"""Attributions that are known exactly."""

import pytest
import torch
from torch import nn

from pathattr import Classifier, Neighbourhoods, attribute
from pathattr.integrate import draws
from pathattr.method.sampled import choose
from pathattr.paper.lpi import examples

from .helpers import Quadratic, assert_close, linear_classifier

GENERATOR = torch.Generator().manual_seed(5)
WEIGHT = torch.randn(3, 2, 4, 4, generator=GENERATOR)
X = torch.rand(3, 2, 4, 4, generator=GENERATOR)
BACKGROUND = torch.rand(12, 2, 4, 4, generator=GENERATOR)
TARGET = [2, 0, 1]
IDS = ["a", "b", "c"]
SLOPES = WEIGHT[TARGET]


@pytest.fixture
def linear():
    return linear_classifier(WEIGHT)


@pytest.mark.parametrize("steps", [2, 7])
@pytest.mark.parametrize("rule", ["midpoint", "right", "trapezoid", "gauss"])
@pytest.mark.parametrize("baseline", [0.0, 1.0, 0.25])
def test_ig_of_a_linear_function_is_slope_times_displacement(linear, steps, rule, baseline):
    found = attribute("ig", linear, X, TARGET, steps=steps, rule=rule, baseline=baseline)["vanilla"]
    assert_close(found, SLOPES * (X - baseline), 1e-6)


def test_inputgrad_of_a_linear_function_is_its_slope(linear):
    assert_close(attribute("inputgrad", linear, X, TARGET)["vanilla"], SLOPES, 1e-7)


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("references", [1, 5])
def test_eg_of_a_linear_function_is_the_mean_over_its_references(linear, references, steps):
    found = attribute("eg", linear, X, TARGET, ids=IDS, background=BACKGROUND, references=references, steps=steps)["vanilla"]
    for number, name in enumerate(IDS):
        drawn = BACKGROUND[choose(draws(0, "eg", name), len(BACKGROUND), references)]
        assert_close(found[number], SLOPES[number] * (X[number] - drawn).mean(0))


def test_eg_with_all_of_the_background_draws_each_image_once(linear):
    found = attribute("eg", linear, X, TARGET, background=BACKGROUND, references=len(BACKGROUND))["vanilla"]
    assert_close(found, SLOPES * (X - BACKGROUND.mean(0)))


@pytest.mark.parametrize("steps", [1, 3])
def test_lpi_of_a_linear_function_is_the_mean_weighted_by_density(linear, steps):
    hoods = Neighbourhoods.fit(linear.logits(BACKGROUND), n=2, m=3)
    found = attribute("lpi", linear, X, TARGET, background=BACKGROUND, neighbourhoods=hoods, steps=steps)["vanilla"]
    logits = linear.logits(X)
    for number in range(len(X)):
        chosen, density = hoods.references(hoods.locate(logits[number]))
        mean = sum(share * BACKGROUND[row] for row, share in zip(chosen.tolist(), density.tolist(), strict=True))
        assert_close(found[number], SLOPES[number] * (X[number] - mean))


@pytest.mark.parametrize("steps", [1, 2, 9])
def test_the_midpoint_rule_is_exact_for_a_quadratic_function(steps):
    generator = torch.Generator().manual_seed(6)
    root = torch.randn(3, 32, 32, generator=generator)
    curvature, slope = root + root.transpose(1, 2), torch.randn(3, 32, generator=generator)
    classifier = Classifier(Quadratic(curvature, slope), (0.0, 0.0), (1.0, 1.0))
    found = attribute("ig", classifier, X, TARGET, steps=steps, baseline=0.2)["vanilla"].flatten(1)
    x = X.flatten(1).double()
    middle = (x + 0.2) / 2  # the mean of a linear gradient over a line is its value in the middle
    gradient = torch.einsum("nij,nj->ni", curvature[TARGET].double(), middle) + slope[TARGET].double()
    assert_close(found, (x - 0.2) * gradient)


@pytest.mark.parametrize("rule, faster_than", [("midpoint", 3.0), ("trapezoid", 3.0), ("right", 1.7)])
def test_completeness_of_ig_closes_with_more_steps(smooth, rule, faster_than):
    """The sum of a map approaches F(x) - F(x'), with the square of the steps for midpoint and trapezoid."""
    logits = smooth.network(smooth.x.double()) - smooth.network(torch.zeros(1, 3, 8, 8, dtype=torch.float64))
    there = logits[range(4), smooth.target]
    gaps = []
    for steps in (4, 8, 16):
        found = attribute("ig", smooth.classifier, smooth.x, smooth.target, steps=steps, rule=rule)["vanilla"]
        gaps.append((found.double().sum((1, 2, 3)) - there).abs().mean())
    assert gaps[0] > faster_than * gaps[1] > faster_than**2 * gaps[2]


def test_completeness_of_eg_holds_on_average_over_many_points(smooth):
    """The expectation of EG's sum is F(x) minus the mean of F over the background."""
    options = dict(background=smooth.background, references=len(smooth.background), steps=64)
    found = attribute("eg", smooth.classifier, smooth.x, smooth.target, **options)["vanilla"].double().sum((1, 2, 3))
    logits = smooth.network(smooth.x.double()) - smooth.network(smooth.background.double()).mean(0)
    there = logits[range(4), smooth.target].detach()
    assert (found - there).abs().max() < 0.05 * there.abs().max()


def test_where_image_and_reference_agree_the_attribution_is_exactly_zero(smooth):
    x = smooth.x.clone()
    x[:, :, :3] = 0.0
    found = attribute("ig", smooth.classifier, x, smooth.target, steps=4)["vanilla"]
    assert (found[:, :, :3] == 0).all() and (found[:, :, 3:] != 0).any()
    same = x[:1]
    for method, parameters in (("ig", dict(steps=3, baseline=0.5)), ("eg", dict(references=1, background=same))):
        image = torch.full_like(same, 0.5) if method == "ig" else same
        assert (attribute(method, smooth.classifier, image, [1], **parameters)["vanilla"] == 0).all()


def test_one_step_from_one_reference_is_one_gradient(smooth):
    x, target = smooth.x[:1], smooth.target[:1]
    middle = attribute("inputgrad", smooth.classifier, x / 2, target)["vanilla"]
    assert_close(attribute("ig", smooth.classifier, x, target, steps=1)["vanilla"], x * middle)
    reference = smooth.background[:1]
    alpha = torch.from_numpy(draws(0, "eg", "0")("alpha").random((1, 1), dtype="float32"))[0, 0]
    there = attribute("inputgrad", smooth.classifier, reference + alpha * (x - reference), target)["vanilla"]
    found = attribute("eg", smooth.classifier, x, target, background=reference, references=1)["vanilla"]
    assert_close(found, (x - reference) * there)


@pytest.mark.parametrize("objective", ["logit", "probability", "log_probability", "loss"])
def test_the_objective_is_what_is_differentiated(smooth, objective):
    x = smooth.x.double().requires_grad_(True)
    log = torch.log_softmax(smooth.network(x), 1)[range(4), smooth.target]
    score = {
        "logit": smooth.network(x)[range(4), smooth.target],
        "probability": log.exp(),
        "log_probability": log,
        "loss": nn.functional.cross_entropy(smooth.network(x), torch.tensor(smooth.target), reduction="none"),
    }[objective]
    (expected,) = torch.autograd.grad(score.sum(), x)
    assert_close(attribute("inputgrad", smooth.classifier, smooth.x, smooth.target, objective=objective)["vanilla"], expected)


def test_examples_of_the_lpi_paper():
    table = examples().set_index(["example", "x"])
    assert table.loc[(1, "(1.5, 1.5)"), ["x1", "x2"]].tolist() == pytest.approx([2.5, 3.5], abs=1e-4)
    assert table.loc[(1, "(4, 4)"), ["x1", "x2"]].tolist() == pytest.approx([10.0, 6.0], abs=1e-4)
    assert table.loc[2, "ratio"].tolist() == pytest.approx([3.0, 3.0], abs=1e-4)
    assert table.loc[1, ["x1_reported", "x2_reported"]].to_numpy().tolist() == [[2.5, 3.5], [10.0, 6.0]]
    assert table.loc[2, "ratio_reported"].tolist() == [3.0, 3.0]
