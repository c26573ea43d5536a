"""The reducers: what is made of products of displacement and gradient."""

import pytest
import torch

from oracles import paths, recalibration
from pathattr import attribute
from pathattr.api import attribute_counted
from pathattr.integrate import VARIANTS, Integral
from pathattr.registry import get

from .helpers import assert_close, linear_classifier, refused

REFERENCES, STEPS, SHAPE = 4, 3, (2, 3, 3)


@pytest.fixture
def points():
    """Random points of 4 references with 3 steps each, unequal weights: (x, list of `paths.Point`)."""
    generator = torch.Generator().manual_seed(9)

    def random(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x = random(*SHAPE)
    made = []
    for number in range(REFERENCES):
        reference, weight = random(*SHAPE), float(torch.rand(1, generator=generator)) + 0.1
        for step in range(STEPS):
            at = reference + (step + 0.5) / STEPS * (x - reference)
            made.append(paths.Point(number, reference, at, random(*SHAPE), weight / STEPS))
    return x, made


def filled(x, points, chunks):
    """An integral of all variants to which the points are added in so many chunks."""
    integral = Integral(x.float(), VARIANTS)
    for chunk in torch.arange(len(points)).chunk(chunks):
        part = [points[int(number)] for number in chunk]
        integral.add(
            torch.stack([point.gradient for point in part]).float(),
            torch.stack([x - point.reference for point in part]).float(),
            torch.tensor([point.weight * STEPS for point in part]),
            1 / STEPS,
            torch.stack([point.at for point in part]).float(),
            [point.number for point in part],
        )
    return integral.result()


@pytest.mark.parametrize("chunks", [1, 4, 5, 12])
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_the_papers_however_the_points_are_cut(points, variant, chunks):
    x, made = points
    expected = {
        "vanilla": lambda: paths.attribution(x, made),
        "absolute": lambda: paths.attribution(x, made).abs(),
        "valid_interpolations": lambda: recalibration.valid_interpolations(x, made),
        "valid_references": lambda: recalibration.valid_references(x, made),
        "per_unit": lambda: sum(point.weight * point.gradient for point in made),
    }
    assert_close(filled(x, made, chunks)[variant], expected[variant]())


def test_recalibrated_maps_are_never_negative_and_differ_from_the_plain_sum(points):
    maps = filled(*points, 1)
    for variant in ("valid_interpolations", "valid_references"):
        assert (maps[variant] >= 0).all()
        assert not torch.allclose(maps[variant], maps["absolute"])


def test_the_mean_gradient_starts_anew_for_each_reference():
    """Two references with opposite gradients: carried over, as Alg. 2 is printed, the second mean would be 0."""
    x, reference = torch.ones(1, 1, 1), torch.zeros(1, 1, 1)
    integral = Integral(x, ("valid_references",))
    gradient = torch.tensor([-3.0, 3.0]).view(2, 1, 1, 1)
    integral.add(gradient, x - reference, 0.5, points=torch.zeros(2, 1, 1, 1), references=[0, 1])
    assert float(integral.result()["valid_references"]) == pytest.approx(3.0)


def test_no_valid_point_or_reference_gives_zero():
    x = torch.ones(2, 3, 3)
    integral = Integral(x, VARIANTS)
    integral.add(torch.full((4, 2, 3, 3), -1.0), x, 0.5, 0.5, torch.full((4, 2, 3, 3), 0.5), [0, 0, 1, 1])
    maps = integral.result()
    assert (maps["valid_interpolations"] == 0).all() and (maps["valid_references"] == 0).all()
    assert (maps["vanilla"] == -1).all() and (maps["absolute"] == 1).all()


def test_points_of_unequal_weight_within_a_reference_count_by_their_step():
    """The trapezoid's ends: half as much as the middle in the sum, the reference's own weight as it is."""
    x, step = torch.ones(1, 1, 1), torch.tensor([0.25, 0.5, 0.25, 0.25, 0.5, 0.25])
    gradient, points = torch.tensor([1.0, 2.0, 3.0, -4.0, -4.0, -4.0]), torch.zeros(6, 1, 1, 1)
    integral = Integral(x, VARIANTS)
    integral.add(gradient.view(6, 1, 1, 1), x, torch.tensor([0.75] * 3 + [0.25] * 3), step, points, [0, 0, 0, 1, 1, 1])
    maps = {variant: float(values) for variant, values in integral.result().items()}
    assert maps == {"vanilla": 0.5, "absolute": 0.5, "valid_interpolations": 4.0, "valid_references": 2.0, "per_unit": 0.5}


def test_squared_gradients_keep_the_sign_of_the_displacement_and_square_what_is_kept():
    """IG-SQ: displacement 0.5 from reference 0 and -2 from reference 1, whose products decide what is kept."""
    x, displacement = torch.ones(1, 1, 1), torch.tensor([0.5, -2.0]).view(2, 1, 1, 1)
    for gradient, interpolations, references in ((3.0, 4 * 2.25, 2.25), (-3.0, 4 * 36.0, 36.0)):
        integral = Integral(x, VARIANTS)
        integral.square = True
        integral.add(torch.full((2, 1, 1, 1), gradient), displacement, 0.5, points=x - displacement, references=[0, 1])
        maps = {variant: float(values) for variant, values in integral.result().items()}
        assert maps["vanilla"] == 0.5 * (0.5 - 2.0) * 9 and maps["absolute"] == -maps["vanilla"]
        assert maps["valid_interpolations"] == interpolations and maps["valid_references"] == references


def test_an_empty_integral_is_zero():
    assert all((values == 0).all() for values in Integral(torch.ones(3, 2, 2), VARIANTS).result().values())


def test_a_point_at_the_image_counts_as_valid():
    """Alg. 1 keeps products of exactly 0, which then lower the mean."""
    x = torch.ones(1, 1, 1)
    integral = Integral(x, ("valid_interpolations",))
    integral.add(torch.ones(2, 1, 1, 1), x, 0.5, points=torch.tensor([1.0, 0.0]).view(2, 1, 1, 1))
    assert float(integral.result()["valid_interpolations"]) == pytest.approx(2 * (0 + 1) / 2)


def test_uniform_valid_interpolations_restore_the_displacement_of_a_linear_function():
    """Lemma 1: twice the mean of (x - x~) over a uniform path is x - x'. One reference, many points; slopes that are valid."""
    generator = torch.Generator().manual_seed(4)
    weight = torch.randn(2, 3, 4, 4, generator=generator)
    x, reference = torch.rand(1, 3, 4, 4, generator=generator), torch.rand(1, 3, 4, 4, generator=generator)
    options = dict(background=reference, references=1, steps=4000)
    maps = attribute("eg", linear_classifier(weight), x, [1], **options)
    product = weight[1] * (x - reference)[0]
    expected = torch.where(product >= 0, product, 0.0)
    assert (maps["valid_interpolations"][0] - expected).abs().max() < 0.05 * expected.max()
    assert_close(maps["valid_references"][0], expected, 2e-4)  # 4000 terms are added in float32


@pytest.mark.parametrize("method", ["eg", "lpi"])
def test_all_variants_come_of_the_same_gradients(smooth, method, monkeypatch):
    calls = []
    smooth.classifier.classes(smooth.x[0])  # found once, by a call
    monkeypatch.setattr(smooth.classifier.module, "forward", counting(smooth.classifier.module.forward, calls))
    counted = {}
    for variants in (("vanilla",), VARIANTS[:4]):
        calls.clear()
        options = dict(steps=2, variants=variants, **smooth.of(get("method", method)))
        maps, counts = attribute_counted(method, smooth.classifier, smooth.x, smooth.target, **options)
        counted[variants] = (counts["gradients"].tolist(), len(calls))
        assert tuple(maps) == variants
    assert counted[("vanilla",)] == counted[VARIANTS[:4]]


def counting(forward, calls: list):
    def counted(x):
        calls.append(len(x))
        return forward(x)

    return counted


def test_an_unknown_variant_is_refused():
    with refused("unknown variants ['other']", "vanilla, absolute, valid_interpolations, valid_references"):
        Integral(torch.zeros(1, 2, 2), ("vanilla", "other"))
