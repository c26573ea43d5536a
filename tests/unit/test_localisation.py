"""Box localisation, m / n of Taylor's Table 2."""

import numpy as np
import pytest
import torch

from pathattr import measure

from .helpers import linear_classifier, refused

CLASSIFIER = linear_classifier(torch.ones(2, 3, 6, 6))


def scores(attribution: torch.Tensor, mask: torch.Tensor, **parameters) -> dict[str, float]:
    x = torch.full((1, 3, 6, 6), 0.5)
    table = measure("localisation", CLASSIFIER, x, [0], attribution[None], masks=mask[None], **parameters)
    assert np.isnan(table["x"]).all()
    return dict(zip(table["metric"], table["value"], strict=True))


def box(rows: slice, columns: slice) -> torch.Tensor:
    mask = torch.zeros(6, 6, dtype=torch.bool)
    mask[rows, columns] = True
    return mask


MASK = box(slice(1, 4), slice(2, 6))


@pytest.mark.parametrize("absolute", [True, False])
def test_the_mask_itself_is_localised_and_its_complement_is_not(absolute):
    own = MASK.float().expand(3, 6, 6)
    assert scores(own, MASK, absolute=absolute) == {"localised": 1.0, "box_share": pytest.approx(12 / 36)}
    assert scores(1 - own, MASK, absolute=absolute)["localised"] == 0


def test_a_map_with_m_of_its_n_largest_pixels_in_the_box():
    """As the paper prints it: the box has n = 12 pixels, 5 of the 12 largest lie in it; where the others lie does not matter."""
    attribution, inside, outside = torch.zeros(3, 6, 6), MASK.nonzero(), (~MASK).nonzero()
    for rank, (row, column) in enumerate([*inside[:5], *outside[:7]]):
        attribution[rank % 3, row, column] = 2.0 + rank
    attribution[:, inside[5:, 0], inside[5:, 1]] = 0.5
    assert scores(attribution, MASK)["localised"] == pytest.approx(5 / 12)


def test_ties_go_by_position():
    """Of a constant map the first n pixels are taken, row by row: all of a box at the top, none of one at the bottom."""
    for value in (0.0, 1.0, -2.0):
        constant = torch.full((3, 6, 6), value)
        assert scores(constant, box(slice(0, 2), slice(0, 6)))["localised"] == 1
        assert scores(constant, box(slice(4, 6), slice(0, 6)))["localised"] == 0
        assert scores(constant, box(slice(0, 6), slice(0, 3)))["localised"] == 0.5  # 18 pixels: 3 full rows, half of each in it


def test_negative_values_count_by_their_size_or_as_the_smallest():
    attribution = torch.full((3, 6, 6), 0.1)
    attribution[0, MASK] = -5.0
    assert scores(attribution, MASK, absolute=True)["localised"] == 1
    assert scores(attribution, MASK, absolute=False)["localised"] == 0
    cancelling = torch.zeros(3, 6, 6)
    cancelling[0, MASK], cancelling[1, MASK], cancelling[2, ~MASK] = 3.0, -3.0, 1.0
    assert scores(cancelling, MASK, absolute=True)["localised"] == 1
    assert scores(cancelling, MASK, absolute=False)["localised"] == 0


def test_a_map_without_relation_has_the_boxs_share_on_average():
    count = 400
    maps = torch.randn(count, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    x = torch.full((count, 3, 6, 6), 0.5)
    table = measure("localisation", CLASSIFIER, x, [0] * count, maps, masks=MASK.expand(count, 6, 6))
    found = table[table["metric"] == "localised"]["value"].to_numpy()
    share, n, pixels = 1 / 3, 12, 36
    error = np.sqrt(share * (1 - share) / n * (pixels - n) / (pixels - 1))  # hypergeometric: drawn without putting back
    assert abs(found.mean() - share) < 4 * error / np.sqrt(count)
    assert found.std() == pytest.approx(error, rel=0.15)


@pytest.mark.parametrize("absolute", [True, False])
def test_against_a_sorted_list_of_pixels(absolute):
    rng = np.random.default_rng(1)
    for _ in range(5):
        attribution, mask = rng.integers(-3, 4, size=(3, 6, 6)).astype(np.float32), rng.random((6, 6)) < 0.4  # many ties
        total = {}
        for row in range(6):
            for column in range(6):
                parts = [float(attribution[channel, row, column]) for channel in range(3)]
                total[row, column] = sum(map(abs, parts)) if absolute else sum(parts)
        largest = sorted(total, key=lambda pixel: (-total[pixel], pixel))[: mask.sum()]
        expected = sum(bool(mask[pixel]) for pixel in largest) / mask.sum()
        found = scores(torch.from_numpy(attribution), torch.from_numpy(mask), absolute=absolute)
        assert found["localised"] == pytest.approx(expected, abs=1e-12)


def test_an_empty_box_is_refused():
    with refused("mask of image 0", "at least one pixel"):
        scores(torch.ones(3, 6, 6), torch.zeros(6, 6, dtype=torch.bool))
