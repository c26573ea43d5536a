"""Accuracy under noise."""

import numpy as np
import pytest
import torch
from scipy.stats import norm

from pathattr.model.robustness import accuracy_under_noise

from .helpers import linear_classifier, refused

SIGMAS = (0.0, 0.04, 0.08)


@pytest.fixture
def threshold():
    """Class 1 where the second of two pixels is more than half of the first."""
    return linear_classifier(torch.tensor([[0.5, 0.0], [0.0, 1.0]]).view(2, 1, 1, 2))


def images_at(value: float, count: int) -> torch.Tensor:
    return torch.tensor([1.0, value]).view(1, 1, 1, 2).repeat(count, 1, 1, 1)


def test_the_share_met_is_the_normal_distributions():
    """Class 1 where 2 x_2 - x_1 > 0: 0.1 and, as the pixels are far from the ends, noise of standard deviation sqrt(5) sigma."""
    classifier = linear_classifier(torch.tensor([[0.0, 0.0], [-1.0, 2.0]]).view(2, 1, 1, 2))
    images = torch.tensor([0.5, 0.3]).expand(8000, 1, 1, 2)
    found = accuracy_under_noise(classifier, images, np.ones(8000, int), SIGMAS, seed=0)
    assert found.shape == (3, 8000) and found.dtype == bool and found[0].all()
    for sigma, share in zip(SIGMAS[1:], found[1:].mean(1), strict=True):
        expected = norm.cdf(0.1 / (sigma * 5**0.5))
        assert abs(share - expected) < 3 * np.sqrt(expected * (1 - expected) / 8000)


def test_noise_is_one_draw_scaled_for_all_sigmas_and_classifiers(threshold):
    """An image right at a sigma and at a larger one is so in between, where nothing is clipped; the same for fewer images."""
    images, labels = images_at(0.6, 500) * 0.5, np.ones(500, int)
    found = accuracy_under_noise(threshold, images, labels, (0.01, 0.05, 0.07), seed=0)
    assert not (found[0] & found[2] & ~found[1]).any() and 0.5 < found[2].mean() < 1
    assert np.array_equal(accuracy_under_noise(threshold, images[:20], labels[:20], (0.05,), seed=0)[0], found[1, :20])
    assert not np.array_equal(accuracy_under_noise(threshold, images, labels, (0.05,), seed=1)[0], found[1])
    opposite = linear_classifier(torch.tensor([[0.0, 1.0], [0.5, 0.0]]).view(2, 1, 1, 2))
    assert np.array_equal(accuracy_under_noise(opposite, images, labels * 0, (0.05,), seed=0)[0], found[1])


def test_pixels_stay_in_their_range():
    """With enormous noise every pixel is 0 or 1."""
    seen = []

    class Spy:
        def logits(self, pixels):
            seen.append(pixels)
            return torch.zeros(len(pixels), 2)

    accuracy_under_noise(Spy(), torch.rand(50, 3, 4, 4), np.zeros(50, int), (0.0, 1e6), seed=0)
    assert ((seen[0] >= 0) & (seen[0] <= 1)).all() and ((seen[1] == 0) | (seen[1] == 1)).all()
    assert 0.4 < seen[1].mean() < 0.6


def test_a_negative_sigma_is_refused(threshold):
    with refused("sigmas are [0.1, -0.1]", "0 or more"):
        accuracy_under_noise(threshold, images_at(0.7, 2), [1, 1], [0.1, -0.1], seed=0)
