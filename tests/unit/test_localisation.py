"""Box localisation, m / n of Taylor's Table 2."""

import numpy as np
import pytest
import torch

from pathattr import measure

from .helpers import linear_classifier, refused

CLASSIFIER = linear_classifier(torch.ones(2, 3, 6, 6))


def scores(attribution: torch.Tensor, box: torch.Tensor, mask: torch.Tensor | None = None, **parameters) -> dict[str, float]:
    x = torch.full((1, 3, 6, 6), 0.5)
    masks = None if mask is None else mask[None]
    table = measure("localisation", CLASSIFIER, x, [0], attribution[None], masks=masks, boxes=box[None], **parameters)
    assert np.isnan(table["x"]).all()
    return dict(zip(table["metric"], table["value"], strict=True))


def box(rows: slice, columns: slice) -> torch.Tensor:
    pixels = torch.zeros(6, 6, dtype=torch.bool)
    pixels[rows, columns] = True
    return pixels


BOX = box(slice(1, 4), slice(2, 6))


@pytest.mark.parametrize("absolute", [True, False])
def test_the_box_itself_is_localised_and_its_complement_is_not(absolute):
    own = BOX.float().expand(3, 6, 6)
    third = pytest.approx(12 / 36)
    assert scores(own, BOX, absolute=absolute) == {"localised": 1.0, "box_share": third, "region_share": third}
    assert scores(1 - own, BOX, absolute=absolute)["localised"] == 0


def test_a_map_with_m_of_its_n_largest_pixels_in_the_box():
    """As the paper prints it: the box has n = 12 pixels, 5 of the 12 largest lie in it; where the others lie does not matter."""
    attribution, inside, outside = torch.zeros(3, 6, 6), BOX.nonzero(), (~BOX).nonzero()
    for rank, (row, column) in enumerate([*inside[:5], *outside[:7]]):
        attribution[rank % 3, row, column] = 2.0 + rank
    attribution[:, inside[5:, 0], inside[5:, 1]] = 0.5
    assert scores(attribution, BOX)["localised"] == pytest.approx(5 / 12)


def test_ties_go_by_position():
    """Of a constant map the first n pixels are taken, row by row: all of a box at the top, none of one at the bottom."""
    for value in (0.0, 1.0, -2.0):
        constant = torch.full((3, 6, 6), value)
        assert scores(constant, box(slice(0, 2), slice(0, 6)))["localised"] == 1
        assert scores(constant, box(slice(4, 6), slice(0, 6)))["localised"] == 0
        assert scores(constant, box(slice(0, 6), slice(0, 3)))["localised"] == 0.5  # 18 pixels: 3 full rows, half of each in it


def test_negative_values_count_by_their_size_or_as_the_smallest():
    attribution = torch.full((3, 6, 6), 0.1)
    attribution[0, BOX] = -5.0
    assert scores(attribution, BOX, absolute=True)["localised"] == 1
    assert scores(attribution, BOX, absolute=False)["localised"] == 0
    cancelling = torch.zeros(3, 6, 6)
    cancelling[0, BOX], cancelling[1, BOX], cancelling[2, ~BOX] = 3.0, -3.0, 1.0
    assert scores(cancelling, BOX, absolute=True)["localised"] == 1
    assert scores(cancelling, BOX, absolute=False)["localised"] == 0


def test_a_map_without_relation_has_the_boxs_share_on_average():
    count = 400
    maps = torch.randn(count, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    x = torch.full((count, 3, 6, 6), 0.5)
    table = measure("localisation", CLASSIFIER, x, [0] * count, maps, boxes=BOX.expand(count, 6, 6))
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


def test_the_object_in_place_of_its_box():
    """The box's share stays what images are chosen by; the object's is what a map without relation would score."""
    thing = box(slice(2, 4), slice(3, 5))
    attribution = torch.zeros(3, 6, 6)
    attribution[:, BOX] = 1.0
    attribution[:, 2, 3:5] = 2.0
    found = scores(attribution, BOX, thing, region="object")
    expected = {"localised": 0.5, "box_share": 12 / 36, "region_share": 4 / 36}  # 2 by size, then 2 ties at the box's top
    assert found == pytest.approx(expected)
    assert scores(attribution, BOX, thing)["localised"] == scores(attribution, BOX)["localised"] == 1


def test_a_box_stands_for_the_object_where_there_is_no_mask():
    attribution = torch.randn(3, 6, 6, generator=torch.Generator().manual_seed(0))
    assert scores(attribution, BOX, region="object") == scores(attribution, BOX)


@pytest.mark.parametrize("region", ["box", "object"])
def test_an_empty_region_has_no_localisation(region):
    """As where the crop has cut off the box: the image is left out of means, and no job fails."""
    found = scores(torch.ones(3, 6, 6), torch.zeros(6, 6, dtype=torch.bool), region=region)
    assert np.isnan(found["localised"]) and found["box_share"] == found["region_share"] == 0


def test_what_is_missing_or_unknown_is_told_in_one_line():
    x = torch.full((1, 3, 6, 6), 0.5)
    with refused("localisation needs bounding boxes", "a data set that has boxes"):
        measure("localisation", CLASSIFIER, x, [0], x, masks=BOX[None])
    with refused("boxes have shape (1, 6, 5)", "(1, 6, 6)"):
        measure("localisation", CLASSIFIER, x, [0], x, boxes=BOX[None, :, :5])
    with refused("region is 'mask'", "box, object"):
        scores(x[0], BOX, region="mask")
