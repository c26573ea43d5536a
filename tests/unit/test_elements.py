"""Insertion and deletion of elements: closed forms, symmetry, a loop over elements, and the order of earlier code."""

import numpy as np
import pytest
import torch

from oracles import elements
from pathattr import measure
from pathattr.metric.elements import places

from .helpers import linear_classifier

RANKINGS = ("element", "channel", "agi", "pixel")


def sigmoid(values):
    return 1 / (1 + np.exp(-np.asarray(values, np.float64)))


def curves_of(classifier, x, maps, **options):
    """Score -> values, of one image (C, H, W)."""
    table = measure("la_insertion_deletion", classifier, x[None], [0], maps[None], **options)
    return {name: rows["value"].to_numpy() for name, rows in table.groupby("metric", sort=False)}


def two_classes(weight):
    """Logits (sum of weight * pixels, 0): the first class has the probability sigmoid(sum)."""
    return linear_classifier(torch.stack([weight, torch.zeros_like(weight)]))


@pytest.mark.parametrize("ranking", ["element", "channel", "pixel"])
def test_equal_elements_give_the_sigmoid_of_a_straight_line_in_any_order(ranking):
    """3 x 4 x 4 elements that each add 1/10: after k of 8 steps the logit is 4.8 k / 8, and 4.8 (1 - k / 8) in deletion."""
    maps = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(0))
    found = curves_of(two_classes(torch.full((3, 4, 4), 0.2)), torch.full((3, 4, 4), 0.5), maps, steps=8, ranking=ranking)
    line = 4.8 * np.arange(9) / 8
    assert found["la_insertion"] == pytest.approx(sigmoid(line), abs=1e-6)
    assert found["la_deletion"] == pytest.approx(sigmoid(line[::-1]), abs=1e-6)
    area = np.trapezoid(sigmoid(line), dx=1 / 8)
    assert found["la_insertion_auc"] == pytest.approx(area, abs=1e-6) and found["la_deletion_auc"] == pytest.approx(area, abs=1e-6)
    assert found["la_difference_auc"] == pytest.approx(0, abs=1e-6)


def test_the_exact_map_of_a_linear_model_inserts_the_largest_contributions_first():
    """What each element adds to the logit, in one order over all channels: the sums of the largest are known; no order beats it."""
    weight = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(1))
    x = torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(2))
    own = weight * x
    own[weight < 0] *= 0.2  # the first class is the predicted one
    weight = own / x
    classifier, added = two_classes(weight), np.sort(own.flatten().numpy())[::-1]
    sums = np.concatenate([[0], np.cumsum(added)])[::4]
    assert sums[-1] > 0
    found = curves_of(classifier, x, own, steps=12)
    assert found["la_insertion"] == pytest.approx(sigmoid(sums), abs=1e-6)
    assert found["la_deletion"] == pytest.approx(sigmoid(sums[-1] - sums), abs=1e-6)
    for seed in range(5):
        noise = torch.randn(own.shape, generator=torch.Generator().manual_seed(seed))
        other = curves_of(classifier, x, noise, steps=12)
        assert (other["la_insertion"] <= found["la_insertion"] + 1e-6).all()
        assert (other["la_deletion"] >= found["la_deletion"] - 1e-6).all()
    for ranking in ("channel", "pixel"):  # coarser orders, which this model punishes
        assert curves_of(classifier, x, own, steps=12, ranking=ranking)["la_insertion_auc"] < found["la_insertion_auc"] - 1e-3


def test_inserting_the_most_important_first_is_deleting_the_least_important_first_reversed(smooth):
    """Section 4.3: "equivalent, as known by symmetry"; in every order but AGI's, whose steps overlap."""
    maps = torch.randn(smooth.x.shape, generator=torch.Generator().manual_seed(3))
    for ranking in ("element", "channel", "pixel"):
        for x, one in zip(smooth.x, maps, strict=True):
            found, turned = (curves_of(smooth.classifier, x, sign * one, steps=16, ranking=ranking) for sign in (1, -1))
            assert np.array_equal(found["la_insertion"], turned["la_deletion"][::-1])
            assert np.array_equal(found["la_deletion"], turned["la_insertion"][::-1])


@pytest.mark.parametrize("steps", [1, 5, 16])
@pytest.mark.parametrize("ranking", RANKINGS)
def test_it_is_a_loop_over_elements(smooth, ranking, steps):
    """Of a map without ties, and of one with few values, so that most elements tie."""
    noise = torch.randn(smooth.x.shape, generator=torch.Generator().manual_seed(4))
    maps = torch.stack([noise[0], (2 * noise[1]).round() / 2])

    def probabilities(x):
        return torch.softmax(smooth.network(torch.from_numpy(x)[None])[0], 0).numpy()

    for x, one in zip(smooth.x[:2], maps, strict=True):
        found = curves_of(smooth.classifier, x, one, steps=steps, ranking=ranking)
        inserted, deleted, *areas = elements.curves(probabilities, x.double().numpy(), one.numpy(), ranking, steps)
        assert found["la_insertion"] == pytest.approx(inserted, abs=1e-5)
        assert found["la_deletion"] == pytest.approx(deleted, abs=1e-5)
        assert [found["la_insertion_auc"].item(), found["la_deletion_auc"].item()] == pytest.approx(areas, abs=1e-5)
        assert found["la_difference"] == pytest.approx(np.subtract(inserted, deleted), abs=1e-5)


def test_ties_are_taken_by_position():
    first = torch.zeros(2, 2, 3)
    assert places(first, "element").flatten().tolist() == list(range(12))
    assert places(first, "channel").flatten().tolist() == 2 * list(range(6))
    for ranking in ("agi", "pixel"):
        assert places(first, ranking).shape == (1, 2, 3) and places(first, ranking).flatten().tolist() == list(range(6))
    first[1, 0, 1] = 1.0
    assert places(first, "element").flatten().tolist() == [1, 2, 3, 4, 5, 6, 7, 0, 8, 9, 10, 11]


def test_orders_of_a_map_made_by_hand():
    """Two channels of four pixels: the first channel's values all exceed the second's."""
    maps = torch.tensor([[[8.0, 7.0], [6.0, 5.0]], [[1.0, 4.0], [-3.0, 2.0]]])
    assert places(maps, "element").tolist() == [[[0, 1], [2, 3]], [[6, 4], [7, 5]]]
    assert places(maps, "channel").tolist() == [[[0, 1], [2, 3]], [[2, 0], [3, 1]]]
    assert places(maps, "agi").tolist() == [[[0, 0], [2, 1]]]  # the better of both channels' places
    assert places(maps, "pixel").tolist() == [[[1, 0], [3, 2]]]  # sums 9, 11, 3, 7


def test_agis_steps_run_out_where_channels_disagree():
    """Three channels that name other pixels first: after a third of the steps the whole image is there."""
    maps = torch.zeros(3, 1, 6)
    for channel in range(3):
        maps[channel, 0, 2 * channel : 2 * channel + 2] = 1.0
    found = curves_of(two_classes(torch.ones(3, 1, 6)), torch.full((3, 1, 6), 0.1), maps, steps=3, ranking="agi")
    assert found["la_insertion"] == pytest.approx(sigmoid([0, 1.8, 1.8, 1.8]), abs=1e-6)
    assert found["la_deletion"] == pytest.approx(sigmoid([1.8, 0, 0, 0]), abs=1e-6)


def test_a_black_element_changes_nothing_when_it_comes(smooth):
    """The substrate is black, so an image black but for one element has curves of two values."""
    x = torch.zeros(3, 8, 8)
    x[1, 4, 4] = 1.0
    maps = torch.zeros(3, 8, 8)
    maps[1, 4, 4] = -1.0  # the last in the order
    found = curves_of(smooth.classifier, x, maps, steps=6)["la_insertion"]
    assert np.array_equal(found[:-1], np.full(6, found[0])) and found[-1] != found[0]
