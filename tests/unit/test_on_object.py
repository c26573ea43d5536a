"""Share of a map on the object, and how even, smooth and concise the map is."""

import math

import numpy as np
import pytest
import torch

from pathattr import measure

from .helpers import linear_classifier, refused

CLASSIFIER = linear_classifier(torch.ones(2, 3, 4, 4))
NAMES = ["object_share", "object_concentration", "total_variation", "sign_changes", "entropy"]
MASK = torch.zeros(4, 4, dtype=torch.bool)
MASK[1, 1:4] = True


def scores(attribution: torch.Tensor, mask: torch.Tensor = MASK) -> dict[str, float]:
    table = measure("on_object", CLASSIFIER, torch.full((1, 3, 4, 4), 0.5), [0], attribution[None], masks=mask[None])
    assert table["metric"].tolist() == NAMES and np.isnan(table["x"]).all()
    return dict(zip(table["metric"], table["value"], strict=True))


def checkerboard() -> torch.Tensor:
    place = torch.arange(4)
    return (1.0 - 2 * ((place[:, None] + place) % 2)).expand(3, 4, 4)


def test_the_share_is_that_of_absolute_values_within_the_mask():
    attribution, mask = torch.zeros(3, 4, 4), torch.zeros(4, 4, dtype=torch.bool)
    mask[:2] = True
    attribution[0, 0, 0], attribution[1, 0, 0], attribution[2, 3, 3] = 2.0, -1.0, 1.0  # signs do not cancel, channels add up
    assert scores(attribution, mask)["object_share"] == pytest.approx(0.75)
    assert scores(attribution, ~mask)["object_share"] == pytest.approx(0.25)
    assert scores(attribution, mask)["object_concentration"] == pytest.approx(0.75 / 0.5)


def test_the_scale_of_a_map_changes_nothing():
    attribution = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(1))
    expected = scores(attribution)
    for scale in (1e-6, -3.0, 1e20):
        assert scores(scale * attribution) == pytest.approx(expected, rel=1e-6)


def test_a_map_without_preference_has_the_objects_share_of_the_image():
    for value in (0.0, 1.0, -3.0):
        expected = {"object_share": 3 / 16, "object_concentration": 1, "total_variation": 0, "sign_changes": 0, "entropy": 1}
        assert scores(torch.full((3, 4, 4), value)) == pytest.approx(expected)


def test_a_map_within_the_mask_is_as_concentrated_as_the_mask_is_small():
    found = scores(MASK.float().expand(3, 4, 4))
    assert (found["object_share"], found["object_concentration"]) == (1, pytest.approx(16 / 3))
    assert found["entropy"] == pytest.approx(math.log(3) / math.log(16))


def test_a_checkerboard_changes_at_every_neighbour():
    """24 pairs of neighbours, each 2 x 3 apart, over 16 pixels of 3; its absolute values are constant."""
    found = scores(checkerboard())
    assert found["sign_changes"] == 1
    assert found["total_variation"] == pytest.approx(24 * 2 / 16)
    assert found["entropy"] == pytest.approx(1)
    shifted = scores(checkerboard() + 1)  # 0 and 2: never both not 0
    assert shifted["sign_changes"] == 0 and shifted["total_variation"] == pytest.approx(24 * 2 / (8 * 2))


def test_one_pixel_has_no_entropy_and_the_largest_variation():
    attribution = torch.zeros(3, 4, 4)
    attribution[1, 2, 2] = -0.3
    found = scores(attribution)
    assert found["entropy"] == 0 and found["sign_changes"] == 0
    assert found["total_variation"] == pytest.approx(4)  # four neighbours
    attribution[1, 2, 2], attribution[0, 0, 0] = 0.0, 7.0
    assert scores(attribution)["total_variation"] == pytest.approx(2)  # in a corner, two


def test_two_halves_of_different_signs_change_at_their_border():
    attribution = torch.ones(3, 4, 4)
    attribution[:, :, 2:] = -1.0
    found = scores(attribution)
    assert found["sign_changes"] == pytest.approx(4 / 24)
    assert found["total_variation"] == pytest.approx(4 * 2 / 16)


def test_channels_that_cancel_have_no_sign_but_a_size():
    attribution = torch.zeros(3, 4, 4)
    attribution[0], attribution[1] = 1.0, -1.0
    found = scores(attribution)
    assert found["total_variation"] == found["sign_changes"] == 0
    assert found["entropy"] == pytest.approx(1)


def test_against_a_loop_over_pixels():
    rng = np.random.default_rng(0)
    attribution, mask = rng.normal(size=(3, 4, 4)).astype(np.float32), rng.random((4, 4)) < 0.4
    attribution[:, rng.random((4, 4)) < 0.2] = 0  # pixels of 0 among them
    size, signed = {}, {}
    for row in range(4):
        for column in range(4):
            parts = [float(attribution[channel, row, column]) for channel in range(3)]
            size[row, column], signed[row, column] = sum(map(abs, parts)), sum(parts)
    inside = sum(value for pixel, value in size.items() if mask[pixel])
    variation, pairs, changes, entropy = 0.0, 0, 0, 0.0
    for row, column in signed:
        for other in ((row + 1, column), (row, column + 1)):
            if other in signed:
                variation += abs(signed[row, column] - signed[other])
                product = signed[row, column] * signed[other]
                pairs += product != 0
                changes += product < 0
    for value in size.values():
        share = value / sum(size.values())
        entropy -= share * math.log(share) / math.log(16) if share else 0
    assert 0 < pairs < 24 and 0 < changes < pairs
    expected = {
        "object_share": inside / sum(size.values()),
        "object_concentration": inside / sum(size.values()) / (mask.sum() / 16),
        "total_variation": variation / sum(map(abs, signed.values())),
        "sign_changes": changes / pairs,
        "entropy": entropy,
    }
    assert scores(torch.from_numpy(attribution), torch.from_numpy(mask)) == pytest.approx(expected, rel=1e-12)


def test_an_empty_mask_is_refused():
    with refused("mask of image 0", "at least one pixel"):
        scores(torch.ones(3, 4, 4), torch.zeros(4, 4, dtype=torch.bool))
