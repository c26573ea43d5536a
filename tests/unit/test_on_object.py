"""Share of a map on the object."""

import numpy as np
import pytest
import torch

from pathattr import measure

from .helpers import linear_classifier

CLASSIFIER = linear_classifier(torch.ones(2, 3, 4, 4))


def share(attribution: torch.Tensor, mask: torch.Tensor) -> float:
    table = measure("on_object", CLASSIFIER, torch.full((1, 3, 4, 4), 0.5), [0], attribution[None], masks=mask[None])
    assert table["metric"].tolist() == ["object_share"] and np.isnan(table["x"]).all()
    return table["value"].item()


def test_it_is_the_share_of_absolute_values_within_the_mask():
    attribution, mask = torch.zeros(3, 4, 4), torch.zeros(4, 4, dtype=torch.bool)
    mask[:2] = True
    attribution[0, 0, 0], attribution[1, 0, 0], attribution[2, 3, 3] = 2.0, -1.0, 1.0  # signs do not cancel, channels add up
    assert share(attribution, mask) == pytest.approx(0.75)
    assert share(attribution, ~mask) == pytest.approx(0.25)
    assert share(1e-6 * attribution, mask) == pytest.approx(0.75)  # the scale of a map changes nothing


def test_a_map_without_preference_has_the_objects_share_of_the_image():
    mask = torch.zeros(4, 4, dtype=torch.bool)
    mask[1, 1:4] = True
    for value in (0.0, 1.0, -3.0):
        assert share(torch.full((3, 4, 4), value), mask) == pytest.approx(3 / 16)


def test_against_a_loop_over_pixels():
    rng = np.random.default_rng(0)
    attribution, mask = rng.normal(size=(3, 4, 4)).astype(np.float32), rng.random((4, 4)) < 0.4
    inside = whole = 0.0
    for channel in range(3):
        for row in range(4):
            for column in range(4):
                whole += abs(float(attribution[channel, row, column]))
                inside += abs(float(attribution[channel, row, column])) * bool(mask[row, column])
    assert share(torch.from_numpy(attribution), torch.from_numpy(mask)) == pytest.approx(inside / whole, rel=1e-12)
