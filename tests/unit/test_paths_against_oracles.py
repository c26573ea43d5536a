"""The straight-line methods and AGI's re-calibrated maps against slow versions written from their equations."""

import dataclasses

import pytest
import torch

from oracles import guided, paths, straight
from pathattr import attribute
from pathattr.api import attribute_counted
from pathattr.integrate import VARIANTS, draws

from .helpers import assert_close, linear_classifier
from .test_methods_against_oracles import SEED, by_library, recalibrated

OBJECTIVES = ("logit", "probability", "log_probability", "loss")


def path_of(reference_of):
    """IG from a reference that `reference_of(x, draws, **parameters)` gives."""

    def oracle(network, x, target, draws, *, steps, rule="midpoint", objective="logit", **parameters):
        reference = reference_of(x, draws, **parameters)
        return paths.attribution(x, straight.line(network, x, target, reference, steps, rule, objective))

    return oracle


def ig_as_released(network, x, target, draws, *, as_released, steps, baseline=0.0, objective="logit"):
    return straight.as_released(network, x, target, steps, baseline, objective)


def ig1(network, x, target, draws, **parameters):
    return straight.ig1(network, x, target, **parameters)


def ig2(network, x, target, draws, **parameters):
    return straight.ig3(network, x, target, draws, 1, **parameters)


ORACLES = {
    "ig": ig_as_released,
    "ig_gaussian": path_of(lambda x, draws, mean=0.5, std=0.25: straight.gaussian(x, draws, mean, std)),
    "ig_average": path_of(lambda x, draws, per_channel=True: straight.average(x, per_channel)),
    "ig1": ig1,
    "ig2": ig2,
    "ig3": straight.ig3,
    "smoothgrad": straight.smoothgrad,
}
ONE_MAP = [
    ("ig", dict(as_released=True, steps=5)),
    ("ig", dict(as_released=True, steps=4, baseline=0.3, objective="loss")),
    ("ig_gaussian", dict(steps=3)),
    ("ig_gaussian", dict(steps=4, rule="right", mean=0.2, std=0.6, objective="probability")),  # clipped at both ends
    ("ig_average", dict(steps=3)),
    ("ig_average", dict(steps=4, rule="trapezoid", per_channel=False, objective="log_probability")),
    ("ig1", dict(steps=3)),
    ("ig1", dict(steps=4, rule="trapezoid", baseline=0.7, objective="loss")),
    ("ig2", dict(steps=3)),
    ("ig2", dict(steps=2, rule="right", std=0.6, objective="probability")),
    ("ig3", dict(references=3, steps=2)),
    ("ig3", dict(references=2, steps=3, rule="trapezoid", std=0.1, objective="loss")),
    ("smoothgrad", dict(samples=4, noise=0.15)),
    ("smoothgrad", dict(samples=3, noise=0.4, relative=False, objective="log_probability")),
]


def named(cases):
    """Ids of cases (method, parameters)."""
    return [f"{method}-" + "-".join(f"{name}={value}" for name, value in parameters.items()) for method, parameters in cases]


class Watched:
    """A network that notes the points at which it is asked."""

    def __init__(self, network):
        self.network, self.points = network, []

    def __call__(self, points):
        self.points.append(points.detach()[0])
        return self.network(points)


def comparable(case, point, target: int) -> bool:
    """Whether rounding leaves the gradient at a point as it is.

    The stand-ins have kinks, ReLU and max pooling, and one gradient in fifteen or so is taken so near one that float32 is
    on its other side. Nothing can be said there. Some copies of the point differ in the last bit.
    """
    exact = straight.slope(case.network, point, target)
    jitter = 1 + 6e-8 * torch.randn(16, *point.shape, generator=torch.Generator().manual_seed(0))
    jitter[0] = 1
    copies = (point.float() * jitter).requires_grad_(True)
    (rounded,) = torch.autograd.grad(case.classifier(copies)[:, target].sum(), copies)
    return float((rounded - exact).abs().max()) <= 1e-5 * float(exact.abs().max())


def steady(case, point) -> bool:
    """Whether rounding leaves the sign of every element of the loss's gradient at a point as it is, of each class."""
    signs = []
    for network, kind in ((case.network, torch.float64), (case.classifier, torch.float32)):
        at = point[None].to(kind).requires_grad_(True)
        losses = network(at).log_softmax(1)[0]
        signs.append([torch.autograd.grad(loss, at, retain_graph=True)[0].sign().float() for loss in losses])
    return all(torch.equal(one, other) for one, other in zip(*signs, strict=True))


def check(case, found: dict, oracle, tolerance, kinks=False, signs=False):
    """Compare variant by variant with `oracle(network, x, target, draws_of)` -> variant -> (C, H, W).

    Where the network has `kinks`, of the images whose every point is comparable, and steady where the method steps by `signs`;
    at least one is. Elements that the oracle
    calls "undecided" (a gradient whose sign is rounding, so that a re-calibrated map may keep or drop it) may differ.
    """
    maps, kept = [], []
    for x, target, name in zip(case.x.double(), case.target, case.ids, strict=True):
        network = Watched(case.network)
        of = {"ig2": "ig3"}  # whose first draw it is
        maps.append(oracle(network, x, target, lambda method, name=name, of=of: draws(SEED, of.get(method, method), name)))
        kept.append(not kinks or all(comparable(case, point, target) for point in network.points))
        kept[-1] &= not signs or all(steady(case, point) for point in network.points)
    assert any(kept)
    rows = [number for number, whole in enumerate(kept) if whole]
    undecided = torch.stack([maps[row].pop("undecided", torch.zeros(case.x.shape[1:])) > 0 for row in rows])
    assert undecided.float().mean() < 1e-3
    for variant in maps[rows[0]]:
        expected = torch.stack([maps[row][variant] for row in rows])
        assert_close(torch.where(undecided, expected, found[variant][rows].double()), expected, tolerance)


def rounding(points):
    """The elements where the gradient of some point is not 0 but within rounding of it."""
    sizes = [point.gradient.abs() for point in points]
    return torch.stack([(size > 0) & (size < 1e-6 * size.max()) for size in sizes]).any(0)


def compare(case, method, parameters, oracle, tolerance=1e-5, kinks=False, signs=False):
    """Compare a method with `oracle(network, x, target, draws, **parameters)` -> (C, H, W)."""
    found = by_library(method, case, **parameters)

    def plain(network, x, target, draws_of):
        return {"vanilla": oracle(network, x, target, draws_of(method), **parameters)}

    check(case, found, plain, tolerance, kinks, signs)
    assert torch.equal(found["absolute"], found["vanilla"].abs())


def at_predictions(case, **changed):
    """A case explained at the classes that it predicts, so that no attack begins where it should end."""
    case = dataclasses.replace(case, **changed)
    return dataclasses.replace(case, target=case.classifier.logits(case.x).argmax(1).tolist())


def more_images(standin, count: int = 4):
    """A stand-in with more images, at the classes that it predicts: some are not comparable."""
    ids = [f"image-{number}" for number in range(count)]
    return at_predictions(standin, x=standin.background[:count].contiguous(), ids=ids)


@pytest.fixture
def trained(standin):
    return more_images(standin)


@pytest.fixture
def predicted(smooth):
    return at_predictions(smooth)


@pytest.mark.parametrize("method, parameters", ONE_MAP, ids=named(ONE_MAP))
def test_methods_of_one_map_on_the_smooth_network(smooth, method, parameters):
    compare(smooth, method, parameters, ORACLES[method])


@pytest.mark.parametrize("method, parameters", ONE_MAP[::2], ids=named(ONE_MAP[::2]))
def test_methods_of_one_map_on_the_stand_ins(trained, method, parameters):
    compare(trained, method, parameters, ORACLES[method], 1e-4, kinks=True)


RECALIBRATED = [
    ("ig_uniform", dict(references=4, steps=3)),
    ("ig_uniform", dict(references=3, steps=1, objective="probability")),
    ("ig_uniform", dict(references=2, steps=4, rule="trapezoid")),  # has a point at the image itself, kept by Algorithm 1
    ("ig_sg", dict(references=4, steps=3)),
    ("ig_sg", dict(references=3, steps=2, noise=0.5, rule="right", objective="loss")),  # clipped at both ends
    ("ig_sq", dict(references=4, steps=3)),
    ("ig_sq", dict(references=3, steps=2, noise=0.5, rule="right", objective="log_probability")),
]


def points_of(method, network, x, target, draws, *, references, noise=0.15, **parameters):
    if method == "ig_uniform":
        chosen = straight.uniform_references(x, draws, references)
    else:
        chosen = straight.noisy_references(x, draws, references, noise)
    return straight.lines(network, x, target, chosen, **parameters)


def variants_of(method, x, points):
    """Each variant of the same points."""
    if method != "ig_sq":
        return recalibrated(x, points)
    return {
        "vanilla": straight.squared(x, points),
        "absolute": straight.squared(x, points).abs(),
        "valid_interpolations": straight.squared_valid_interpolations(x, points),
        "valid_references": straight.squared_valid_references(x, points),
    }


def compare_variants(case, method, parameters, tolerance=1e-5, kinks=False):
    found = by_library(method, case, **parameters)
    assert tuple(found) == VARIANTS[:4]

    def oracle(network, x, target, draws_of):
        points = points_of(method, network, x, target, draws_of(method), **parameters)
        return variants_of(method, x, points) | {"undecided": rounding(points)}

    check(case, found, oracle, tolerance, kinks)


@pytest.mark.parametrize("method, parameters", RECALIBRATED, ids=named(RECALIBRATED))
def test_methods_with_references_and_their_recalibrated_maps_on_the_smooth_network(smooth, method, parameters):
    compare_variants(smooth, method, parameters)


@pytest.mark.parametrize("method", ["ig_uniform", "ig_sg", "ig_sq"])
def test_methods_with_references_and_their_recalibrated_maps_on_the_stand_ins(trained, method):
    compare_variants(trained, method, dict(references=2, steps=2), 1e-4, kinks=True)


@pytest.mark.parametrize("as_released", [False, True])
@pytest.mark.parametrize(
    "parameters", [dict(steps=3, classes=2, step_size=1e-3), dict(steps=6, classes=3, step_size=0.03)], ids=["all steps", "some"]
)
def test_recalibrated_maps_of_agi(predicted, parameters, as_released):
    check_agi(predicted, 5, parameters, as_released)


def test_recalibrated_maps_of_agi_on_the_stand_ins(trained):
    check_agi(trained, 10, dict(steps=2, classes=2, step_size=0.01), False, kinks=True)


def check_agi(case, classes_there, parameters, as_released, kinks=False):
    found = by_library("agi", case, as_released=as_released, **parameters)
    assert tuple(found) == VARIANTS[:4]

    def oracle(network, x, target, draws_of):
        points = guided.adversarial(network, x, target, classes_there, draws_of("agi"), restart=as_released, **parameters)
        return {
            "vanilla": sum(displacement * point.gradient for point, displacement in points) / parameters["classes"],
            "valid_interpolations": guided.adversarial_valid_interpolations(x, points),
            "valid_references": guided.adversarial_valid_references(x, points),
            "undecided": rounding([point for point, _ in points]),
        }

    check(case, found, oracle, 1e-4, kinks)


# The released variants.

RELEASED = {
    "ig": dict(steps=8),
    "fig": {},
    "agi": dict(steps=8, classes=2, step_size=0.01),
    "la": dict(steps=3, targets=3),
}


@pytest.mark.parametrize("method", RELEASED)
def test_as_released_is_another_map(predicted, method):
    """Both scaled to their largest value: another map, not another unit."""
    plain, released = (
        by_library(method, predicted, as_released=as_released, **RELEASED[method])["vanilla"] for as_released in (False, True)
    )
    assert (plain - released).abs().max() > 1e-2 * plain.abs().max()
    plain, released = (values / values.abs().max() for values in (plain, released))
    assert (plain - released).abs().max() > 1e-2


# Limiting cases.


@pytest.fixture
def slopes(smooth):
    """The plain gradients."""
    return by_library("inputgrad", smooth)["vanilla"]


@pytest.mark.parametrize("method", ["ig_sg", "ig_sq"])
def test_references_without_noise_are_the_image_and_give_exactly_zero(smooth, method):
    for values in by_library(method, smooth, references=2, steps=2, noise=0.0).values():
        assert (values == 0).all()


@pytest.mark.parametrize("relative", [False, True])
def test_smoothgrad_without_noise_is_the_gradient(smooth, slopes, relative):
    assert_close(by_library("smoothgrad", smooth, samples=3, noise=0.0, relative=relative)["vanilla"], slopes, 1e-6)


def test_noise_relative_to_the_range_of_a_flat_image_is_none(smooth):
    x = torch.full((1, 3, 8, 8), 0.5)
    slope = attribute("inputgrad", smooth.classifier, x, [1])["vanilla"]
    assert_close(attribute("smoothgrad", smooth.classifier, x, [1], samples=3, noise=0.3)["vanilla"], slope, 1e-6)
    absolute = attribute("smoothgrad", smooth.classifier, x, [1], samples=3, noise=0.3, relative=False)["vanilla"]
    assert (absolute - slope).abs().max() > 1e-2 * slope.abs().max()
    for method in ("ig_sg", "ig_sq"):
        assert (attribute(method, smooth.classifier, x, [1], references=2, steps=1)["vanilla"] == 0).all()


@pytest.mark.parametrize("method", ["ig2", "ig3"])
def test_baselines_at_the_image_give_the_gradient(smooth, slopes, method):
    assert_close(by_library(method, smooth, steps=2, std=0.0)["vanilla"], slopes, 1e-6)


def test_ig1_is_ig_before_the_displacement(smooth, slopes):
    divided = by_library("ig1", smooth, steps=4, baseline=0.3)["vanilla"]
    assert_close((smooth.x - 0.3) * divided, by_library("ig", smooth, steps=4, baseline=0.3)["vanilla"], 1e-6)
    x = torch.full((1, 3, 8, 8), 0.25)  # 0 / 0, but the integral is the gradient
    slope = attribute("inputgrad", smooth.classifier, x, [1])["vanilla"]
    assert_close(attribute("ig1", smooth.classifier, x, [1], steps=3, baseline=0.25)["vanilla"], slope, 1e-6)


def test_ig_gaussian_without_noise_is_ig_from_grey(smooth):
    found = by_library("ig_gaussian", smooth, steps=4, mean=0.25, std=0.0)["vanilla"]
    assert_close(found, by_library("ig", smooth, steps=4, baseline=0.25)["vanilla"], 1e-6)
    grey = torch.full((1, 3, 8, 8), 0.25)
    same = attribute("ig_gaussian", smooth.classifier, grey, [0], steps=3, mean=0.25, std=0.0)["vanilla"]
    assert (same == 0).all()


def test_ig_average_of_a_flat_image_is_exactly_zero(smooth):
    x = torch.tensor([0.25, 0.5, 0.75]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    assert (attribute("ig_average", smooth.classifier, x, [0], steps=3)["vanilla"] == 0).all()
    grey = attribute("ig_average", smooth.classifier, x, [0], steps=3, per_channel=False)["vanilla"][0]
    assert (grey[1] == 0).all() and (grey[0] != 0).any() and (grey[2] != 0).any()


@pytest.mark.parametrize("method", ["ig_uniform", "ig_sg"])
def test_the_only_reference_is_kept_where_its_integral_is_positive(smooth, method):
    maps = by_library(method, smooth, references=1, steps=3)
    assert_close(maps["valid_references"], maps["vanilla"].clamp_min(0), 1e-6)
    assert (maps["vanilla"] < 0).any()


@pytest.mark.parametrize("method", ["ig_uniform", "ig_sg"])
def test_one_reference_and_one_step_is_one_gradient_halfway(smooth, method):
    """Algorithm 1 with lambda = 2: at the middle x - x~ is half of x - x'."""
    maps = by_library(method, smooth, references=1, steps=1)
    assert_close(maps["valid_interpolations"], maps["vanilla"].clamp_min(0), 1e-5)


def test_the_sum_approaches_the_difference_of_the_function(smooth):
    """Completeness of IG(A): F(x) - F(grey)."""
    grey = smooth.x.double().mean((2, 3), keepdim=True).expand(smooth.x.shape)
    there = (smooth.network(smooth.x.double()) - smooth.network(grey))[range(4), smooth.target]
    found = by_library("ig_average", smooth, steps=64)["vanilla"].double().sum((1, 2, 3))
    assert (found - there).abs().max() < 1e-3 * there.abs().max()


def test_the_slope_of_a_linear_function():
    """Of a linear function the mean gradient is the slope wherever it is taken."""
    weight = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(8))
    x, classifier = torch.rand(2, 2, 4, 4, generator=torch.Generator().manual_seed(9)), linear_classifier(weight)
    for method in ("ig1", "ig2", "ig3", "smoothgrad"):
        assert_close(attribute(method, classifier, x, [2, 0])["vanilla"], weight[[2, 0]], 1e-5)
    found = attribute("ig_uniform", classifier, x, [2, 0], references=400, steps=1)["vanilla"]
    expected = weight[[2, 0]] * (x - 0.5)  # the mean of U(0, 1)
    assert (found - expected).abs().max() < 5 * (1 / 12 / 400) ** 0.5 * weight.abs().max()


# What it costs.

SEVERAL = {
    "ig_uniform": dict(references=3, steps=2),
    "ig_sg": dict(references=3, steps=2),
    "ig_sq": dict(references=3, steps=2),
    "eg": dict(references=3, steps=2),
    "agi": dict(steps=3, classes=2, step_size=1e-3),
}


@pytest.fixture
def rows(predicted, monkeypatch):
    """The rows that the network evaluates, as they come; those that fill up a micro-batch (black) are left out."""
    classifier, seen = predicted.classifier, []
    classifier.classes(predicted.x[0])
    black = classifier.normalise(torch.zeros_like(predicted.x[:1]))
    forward = classifier.module.forward

    def noting(points):
        seen.extend(point.detach().clone() for point in points if not torch.equal(point, black[0]))
        return forward(points)

    monkeypatch.setattr(classifier.module, "forward", noting)
    return seen


@pytest.mark.parametrize("method", SEVERAL)
def test_recalibrated_maps_cost_nothing_beside_the_plain_one(predicted, rows, method):
    costs, evaluated = [], []
    for variants in (("vanilla",), VARIANTS[:4], ("valid_references",)):
        rows.clear()
        options = SEVERAL[method] | (dict(background=predicted.background) if method == "eg" else {})
        maps, counts = attribute_counted(
            method, predicted.classifier, predicted.x, predicted.target, ids=predicted.ids, variants=variants, **options
        )
        assert tuple(maps) == variants
        costs.append(counts["gradients"].tolist())
        evaluated.append(len(rows))
    assert costs[0] == costs[1] == costs[2]
    assert evaluated[0] == evaluated[1] == evaluated[2] == sum(costs[0])
    if method != "agi":
        assert costs[0] == [6] * len(predicted.x)
        assert len({row.numpy().tobytes() for row in rows}) == 6 * len(predicted.x)  # no point is evaluated twice
