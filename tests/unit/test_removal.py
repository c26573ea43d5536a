"""DiffID and the insertion and deletion games against a slow version, pixel by pixel."""

import numpy as np
import pytest
import torch

from oracles import removal
from pathattr import measure
from pathattr.metric.removal import auc, remove, salience

from .helpers import linear_classifier, refused

SCORES = [f"{game}_{outcome}" for game in ("insertion", "deletion", "diffid") for outcome in ("output", "probability", "accuracy")]


def maps_for(case, kind: str):
    """Maps of several kinds: signed noise; few values, so that most pixels tie; all the same."""
    noise = torch.randn(case.x.shape, generator=torch.Generator().manual_seed(8))
    return {"noise": noise, "ties": (noise * 2).round() / 2, "constant": torch.zeros_like(noise)}[kind]


def measured(case, maps, **parameters):
    """Image id -> score -> (x, values)."""
    table = measure("diffid", case.classifier, case.x, case.target, maps, ids=case.ids, **parameters)
    return {
        name: {score: (rows["x"].to_numpy(), rows["value"].to_numpy()) for score, rows in own.groupby("metric", sort=False)}
        for name, own in table.groupby("image_id", sort=False)
    }


@pytest.mark.parametrize("absolute", [True, False])
@pytest.mark.parametrize("fractions", [4, 10])
@pytest.mark.parametrize("kind", ["noise", "ties", "constant"])
def test_diffid_is_equation_7(smooth, kind, fractions, absolute):
    maps, network = maps_for(smooth, kind), smooth.network
    mean, std = network.mean.flatten().tolist(), network.std.flatten().tolist()
    found = measured(smooth, maps, fractions=fractions, absolute=absolute)
    for number, name in enumerate(smooth.ids):
        x, target = smooth.x[number].double(), smooth.target[number]
        expected = removal.diffid(network.module, x, mean, std, maps[number], target, fractions, absolute)
        for score in SCORES:
            deltas, values = found[name][score]
            assert deltas.tolist() == [step / fractions for step in range(fractions + 1)]
            np.testing.assert_allclose(values, expected[score], rtol=1e-5, atol=1e-5 * np.abs(expected[score]).max())
            nowhere, area = found[name][f"{score}_auc"]
            assert np.isnan(nowhere).all()
            np.testing.assert_allclose(area, [expected[f"{score}_auc"]], rtol=1e-5, atol=1e-5 * np.abs(expected[score]).max())


@pytest.mark.parametrize("fractions", [1, 2, 100])
def test_any_number_of_fractions_begins_whole_and_ends_empty(smooth, fractions):
    for scores in measured(smooth, maps_for(smooth, "noise"), fractions=fractions).values():
        for outcome in ("output", "probability", "accuracy"):
            difference = scores[f"diffid_{outcome}"][1]
            assert len(difference) == fractions + 1
            assert difference[0] == difference[-1] == 0
        assert scores["insertion_output"][1][0] == scores["deletion_output"][1][0] == 1


def test_fractions_below_one_are_refused(smooth):
    with refused("fractions", "0"):
        measured(smooth, maps_for(smooth, "noise"), fractions=0)


def test_the_better_order_scores_higher():
    """A linear function: keeping what adds to the logit beats keeping what takes from it, and the reverse is its negative."""
    generator = torch.Generator().manual_seed(2)
    weight = torch.randn(2, 1, 6, 6, generator=generator)
    weight[0] = 0
    x = torch.rand(1, 1, 6, 6, generator=generator)
    x, weight = x.expand(1, 3, 6, 6), weight.expand(2, 3, 6, 6)
    classifier = linear_classifier(weight)
    products = weight[1] * (x - x.mean())
    areas = []
    for maps in (products, -products):
        table = measure("diffid", classifier, x, [1], maps, absolute=False).set_index("metric")
        areas.append(table.loc["diffid_probability_auc", "value"])
    assert areas[0] > 0.05 and areas[0] == pytest.approx(-areas[1], rel=1e-5)


def test_salience_sums_channels_and_absolute_values_do_not_cancel():
    attribution = torch.tensor([1.0, -1.0, 0.5]).view(3, 1, 1).expand(3, 2, 2)
    assert (salience(attribution, absolute=False) == 0.5).all()
    assert (salience(attribution, absolute=True) == 2.5).all()


def test_removed_pixels_become_the_pooled_mean_of_the_preserved_in_normalised_space():
    mean, std = torch.tensor([0.0, 0.5]).view(2, 1, 1), torch.tensor([1.0, 0.25]).view(2, 1, 1)
    pixels = torch.tensor([[[0.1, 0.2], [0.3, 0.4]], [[0.5, 0.6], [0.7, 0.8]]])
    normalised = (pixels - mean) / std
    order = torch.tensor([3, 0, 1, 2])
    none, one, all_gone = remove(pixels, order, [0, 1, 4], mean, std)
    assert torch.equal(none, pixels)
    kept = torch.tensor([[True, True], [True, False]])
    assert torch.equal(one[:, kept], pixels[:, kept])
    assert torch.allclose((one[:, 1, 1] - mean.flatten()) / std.flatten(), normalised[:, kept].mean(), rtol=1e-5)
    assert torch.allclose((all_gone - mean) / std, normalised.mean(), rtol=1e-5)


def test_the_area_is_the_trapezoids():
    assert auc(np.array([0.0, 0.5, 1.0]), np.array([1.0, 0.5, 0.0])) == 0.5
    assert auc(np.array([0.0, 0.25, 1.0]), np.array([0.0, 1.0, 1.0])) == 0.875
