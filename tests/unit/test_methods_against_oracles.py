"""Every method of the LPI paper against a slow version written from its equations."""

import dataclasses

import pytest
import torch

from oracles import paths, recalibration
from pathattr import attribute
from pathattr.api import attribute_counted
from pathattr.integrate import draws

from .helpers import assert_close

SEED = 3


def by_oracle(case, oracle):
    """The oracle's answer for each image, stacked. `oracle(x, target, draws_of)` takes float64 pixels."""
    return torch.stack(
        [
            oracle(x.double(), target, lambda method, name=name: draws(SEED, method, name))
            for x, target, name in zip(case.x, case.target, case.ids, strict=True)
        ]
    )


def by_library(method, case, **options):
    return attribute(method, case.classifier, case.x, case.target, ids=case.ids, seed=SEED, **options)


def test_inputgrad_is_the_gradient_at_the_image(smooth):
    expected = by_oracle(smooth, lambda x, target, _: paths.gradient(smooth.network, x, target))
    assert_close(by_library("inputgrad", smooth)["vanilla"], expected)


@pytest.mark.parametrize("baseline", [0.0, 0.3])
@pytest.mark.parametrize("rule", ["midpoint", "right", "trapezoid", "gauss"])
def test_ig_is_equation_1(smooth, rule, baseline):
    def oracle(x, target, _):
        return paths.attribution(x, paths.integrated_gradients(smooth.network, x, target, 5, rule, baseline))

    found = by_library("ig", smooth, steps=5, rule=rule, baseline=baseline)
    assert_close(found["vanilla"], by_oracle(smooth, oracle))


def test_the_rules_of_ig_differ_on_a_curved_function(smooth):
    maps = [by_library("ig", smooth, steps=5, rule=rule)["vanilla"] for rule in ("midpoint", "right", "trapezoid")]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert (maps[first] - maps[second]).abs().max() > 1e-3 * maps[0].abs().max()


def eg_points(case, x, target, draws_of, references, steps):
    return paths.expected_gradients(case.network, x, target, case.background.double(), draws_of("eg"), references, steps)


def lpi_points(case, x, target, draws_of, steps):
    hoods = case.neighbourhoods
    logits = case.network(x[None])[0].detach().numpy()
    number = min(range(len(hoods.centres)), key=lambda k: ((hoods.centres[k] - logits) ** 2).sum())
    rows = [(int(row), share) for row, share in zip(hoods.representatives[number], hoods.density[number], strict=True) if row >= 0]
    images = [case.background[row].double() for row, _ in rows]
    return paths.straight_lines(case.network, x, target, images, [share for _, share in rows], draws_of("lpi"), steps)


def recalibrated(x, points):
    """What each variant makes of the same points."""
    return {
        "vanilla": paths.attribution(x, points),
        "absolute": paths.attribution(x, points).abs(),
        "valid_interpolations": recalibration.valid_interpolations(x, points),
        "valid_references": recalibration.valid_references(x, points),
    }


@pytest.mark.parametrize("variant", ["vanilla", "absolute", "valid_interpolations", "valid_references"])
@pytest.mark.parametrize("steps", [1, 3])
def test_eg_averages_over_references_each_with_its_own_gradient(smooth, steps, variant):
    def oracle(x, target, draws_of):
        return recalibrated(x, eg_points(smooth, x, target, draws_of, 4, steps))[variant]

    found = by_library("eg", smooth, background=smooth.background, references=4, steps=steps)
    assert_close(found[variant], by_oracle(smooth, oracle))


@pytest.mark.parametrize("variant", ["vanilla", "absolute", "valid_interpolations", "valid_references"])
@pytest.mark.parametrize("steps", [1, 2])
def test_lpi_is_equation_6(smooth, steps, variant):
    def oracle(x, target, draws_of):
        return recalibrated(x, lpi_points(smooth, x, target, draws_of, steps))[variant]

    found = by_library("lpi", smooth, background=smooth.background, neighbourhoods=smooth.neighbourhoods, steps=steps)
    assert_close(found[variant], by_oracle(smooth, oracle))


AGI = {  # parameters, and whether some attack reaches its class before the last step
    "never there": (dict(steps=3, classes=2, step_size=1e-3), False),
    "some there": (dict(steps=6, classes=3, step_size=0.03), True),
    "one class": (dict(steps=5, classes=1, step_size=0.05), True),
}


@pytest.fixture
def predicted(smooth):
    """The smooth network explained at the classes that it predicts, so that no attack begins where it should end."""
    return dataclasses.replace(smooth, target=smooth.classifier.logits(smooth.x).argmax(1).tolist())


@pytest.mark.parametrize("as_released", [False, True])
@pytest.mark.parametrize("parameters, some_stop", AGI.values(), ids=AGI)
def test_agi_integrates_backwards_along_the_attack(predicted, parameters, some_stop, as_released):
    costs = []

    def oracle(x, target, draws_of):
        result, gradients = paths.adversarial(predicted.network, x, target, 5, draws_of("agi"), restart=as_released, **parameters)
        costs.append(gradients)
        return result

    options = dict(ids=predicted.ids, seed=SEED, as_released=as_released, **parameters)
    found, counts = attribute_counted("agi", predicted.classifier, predicted.x, predicted.target, **options)
    assert_close(found["vanilla"], by_oracle(predicted, oracle), 1e-4)  # signs of gradients amplify rounding
    assert counts["gradients"].tolist() == costs
    most = 2 * parameters["steps"] * parameters["classes"]
    assert min(costs) < most if some_stop else set(costs) == {most}


def test_agi_is_zero_after_one_gradient_where_the_attack_has_succeeded_before_it_starts(smooth):
    x = smooth.x[:1]
    there = int(smooth.classifier.logits(x).argmax())
    target = (there + 1) % 5
    others = [label for label in range(5) if label != target]
    drawn = {name: draws(SEED, "agi", name)("classes").choice(others, 1, replace=False)[0] for name in map(str, range(99))}
    name = next(name for name in drawn if drawn[name] == there)
    found, counts = attribute_counted("agi", smooth.classifier, x, [target], ids=[name], seed=SEED)
    assert counts["gradients"].tolist() == [1] and (found["vanilla"] == 0).all()


def test_agi_never_leaves_the_pixel_range(smooth):
    """An attack clipped to [0, 1] cannot move a white pixel up or a black one down: |x_{j+1} - x_j| is bounded by the room."""
    for value in (0.0, 1.0):
        x = torch.full((1, 3, 8, 8), value)
        found = attribute("agi", smooth.classifier, x, [0], steps=1, step_size=5.0)["vanilla"]
        slope = attribute("inputgrad", smooth.classifier, x, [0])["vanilla"]
        assert (found.abs() <= slope.abs() * (1 + 1e-6)).all()


def test_agi_from_step_to_step_is_not_the_released_restart(predicted):
    parameters = AGI["some there"][0]
    maps = [by_library("agi", predicted, as_released=released, **parameters)["vanilla"] for released in (False, True)]
    assert (maps[0] - maps[1]).abs().max() > 1e-2 * maps[0].abs().max()


def test_random_is_uniform_and_knows_only_seed_and_id(smooth, resnet_small):
    noise = by_library("random", smooth)["vanilla"]
    assert noise.min() >= 0 and noise.max() < 1
    assert abs(float(noise.mean()) - 0.5) < 0.05 and abs(float(noise.std()) - 12**-0.5) < 0.05
    others = [value for number, value in enumerate(noise) if number]
    assert not any(torch.equal(noise[0], other) for other in others)
    other_images = attribute(
        "random", resnet_small.classifier, 1 - smooth.x, [0] * 4, ids=smooth.ids, seed=SEED, objective="loss", micro_batch=16
    )
    assert torch.equal(noise, other_images["vanilla"])
    other_ids = attribute("random", smooth.classifier, smooth.x, smooth.target, ids=["a", "b", "c", "d"], seed=SEED)
    assert not torch.equal(noise, other_ids["vanilla"])
