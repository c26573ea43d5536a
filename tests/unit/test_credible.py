"""The credible method against what its paper prints and proves: Examples 1 and 2, Proposition 2, and the unit of a pixel."""

import numpy as np
import pytest
import torch
from torch import nn

import pathattr
from pathattr import Classifier, attribute
from pathattr.paper.credible import SCALE, Piecewise, examples

from .helpers import assert_close, linear_classifier


def at(*place) -> torch.Tensor:
    return torch.tensor(place).view(1, 1, 1, 2) / SCALE


def credible(x, baseline, scale: float = SCALE, **options) -> list[float]:
    """A(x, x') by the registered method, of coordinates."""
    classifier = Classifier(Piecewise(), mean=(0.0,), std=(1 / scale,))
    x, baseline = (values * SCALE / scale for values in (x, baseline))
    return attribute("credible", classifier, x, [0], baselines=baseline[:, None], **options)["vanilla"].flatten().tolist()


@pytest.mark.parametrize("x, printed", [((1.5, 1.5), (-6, -1.5)), ((4.0, 4.0), (4, 1))])
@pytest.mark.parametrize("steps", [1, 7, 150])
def test_example_2_is_as_printed(x, printed, steps):
    assert credible(at(*x), at(3.0, 3.0), steps=steps) == pytest.approx(printed, abs=1e-4)


def test_line_9_of_the_algorithm_read_literally_contradicts_example_2():
    assert credible(at(1.5, 1.5), at(3.0, 3.0), as_printed=True) == [0.0, 0.0]


def test_the_ratio_is_that_of_the_weights_for_references_on_the_diagonal_only():
    """The paper says always; it follows from |x1 - x1'| = |x2 - x2'|."""
    for place, ratio in (((3.0, 3.0), 4.0), ((2.0, 3.0), 8.0)):
        first, second = credible(at(4.0, 4.0), at(*place))
        assert first / second == pytest.approx(ratio, rel=1e-4)


@pytest.mark.parametrize("x, exact, printed", [((1.5, 1.5), (3.0, 4.5), (3.5, 6.5)), ((4.0, 4.0), (13.0, 7.0), (20.0, 19.0))])
def test_example_1_is_not_as_printed(x, exact, printed):
    """The path from 0 crosses from one piece to the other at (1, 1)."""
    classifier = Classifier(Piecewise(), mean=(0.0,), std=(1 / SCALE,))
    found = attribute("ig", classifier, at(*x), [0], steps=300)["vanilla"].flatten().tolist()
    assert found == pytest.approx(exact, abs=1e-3)
    assert max(abs(one - other) for one, other in zip(found, printed, strict=True)) > 0.4


def test_inside_one_linear_piece_every_point_is_valid_and_the_map_complete():
    """Proposition 2: completeness and weak dependence together, above and below the baseline."""
    weight = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(8))
    x = torch.rand(2, 2, 4, 4, generator=torch.Generator().manual_seed(9))
    baselines = torch.rand(2, 3, 2, 4, 4, generator=torch.Generator().manual_seed(10))
    classifier = linear_classifier(weight)
    found = attribute("credible", classifier, x, [2, 0], steps=12, baselines=baselines)["vanilla"]
    displacement = (x[:, None] - baselines).mean(1)
    assert_close(found, weight[[2, 0]] * displacement, 1e-5)
    gap = classifier.logits(x) - classifier.logits(baselines.flatten(0, 1)).view(2, 3, -1).mean(1)
    assert_close(found.flatten(1).sum(1), gap[[0, 1], [2, 0]], 1e-4)


def test_the_unit_of_a_pixel_changes_nothing(smooth):
    """The same function of the same image, in pixels a fiftieth as large."""
    module = nn.Sequential(nn.Conv2d(3, 6, 3), nn.Tanh(), nn.Flatten(), nn.Linear(6 * 36, 4))
    x, own = smooth.x, torch.rand(len(smooth.x), 2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    whole, small = (
        attribute("credible", Classifier(module, (0.0,) * 3, (1 / k,) * 3), x / k, [0, 1, 2, 3], steps=8, baselines=own / k)[
            "vanilla"
        ]
        for k in (1.0, 50.0)
    )
    assert_close(small, whole, 1e-4)


def test_fewer_steps_draw_the_first_alphas_of_more():
    from pathattr.integrate import draws

    for number in range(2):
        few, many = (draws(0, "credible", "a")("alpha", number).random(count, dtype="float32") for count in (5, 50))
        assert np.array_equal(few, many[:5])


def test_eq_4s_loss_reaches_its_goal_where_the_cross_entropies_do_not(resnet_small):
    """Of the trained stand-in's baselines: the loss that Eq. 4 minimises comes nearest, the hard label's cross-entropy least."""
    case, options = resnet_small, dict(blurs=(1.0, 2.0, 4.0), tolerance=0.07, iterations=40)
    distances = {}
    for loss in ("distance", "soft", "hard"):
        _, table = pathattr.baselines("compute_baseline", case.classifier, case.x, case.target, ids=case.ids, loss=loss, **options)
        distances[loss] = table["distance"].mean()
    assert distances["distance"] < distances["soft"] and distances["distance"] < distances["hard"]


def test_the_table_of_examples_has_the_printed_numbers_beside_the_exact_ones():
    table = examples().set_index(["example", "x", "reference"])
    first, second = table.loc[(1, "(1.5, 1.5)", "(0, 0)")], table.loc[(2, "(4, 4)", "(3, 3)")]
    assert (first["x1"], first["x2"], first["x1_reported"], first["x2_reported"]) == (3.0, 4.5, 3.5, 6.5)
    assert (second["x1"], second["x2"], second["x1_reported"], second["x2_reported"]) == (4.0, 1.0, 4.0, 1.0)
    assert table.loc[(2, "(4, 4)", "(2, 3)"), "ratio"] == pytest.approx(8.0)
