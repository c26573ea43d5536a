"""Sensitivity-n: closed forms on linear networks, a slow version mask by mask, and what its probe draws."""

import numpy as np
import pytest
import torch
from torch import nn

from oracles import sensitivity
from pathattr import Classifier, measure
from pathattr.api import Measured, probe
from pathattr.integrate import draws
from pathattr.probe import masked as module
from pathattr.probe.masked import masks

from .helpers import linear_classifier, refused

FRACTIONS = (0.1, 0.5, 0.9)
PARTIAL, PLAIN = "sensitivity_n", "sensitivity_n_as_released"


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def values(classifier, x, target, maps, **parameters) -> dict[str, np.ndarray]:
    """Score -> (N, fractions) values, (N, 1) of a summary."""
    table = measure("sensitivity_n", classifier, x, target, maps, **parameters)
    return {name: rows["value"].to_numpy().reshape(len(x), -1) for name, rows in table.groupby("metric")}


def pooled(weight: torch.Tensor, mean=0.0) -> Classifier:
    """Logits are the sums of weight (classes, C, H, W) times the normalised pixels."""
    layer = nn.Linear(weight[0].numel(), len(weight), bias=False)
    layer.weight.data = weight.flatten(1).clone()
    channels = weight.shape[1]
    return Classifier(nn.Sequential(nn.Flatten(), layer), (mean,) * channels, (0.25,) * channels)


@pytest.mark.parametrize("scale", [1.0, 1e-6, 30.0])
def test_the_exact_map_of_a_linear_network_has_correlation_1_at_every_fraction(scale):
    """Weight times normalised pixel is what the logit loses where the pixel becomes 0; another scale changes nothing."""
    x, weight = random(3, 3, 8, 8), random(4, 3, 8, 8, seed=1) - 0.5
    target = [0, 2, 3]
    exact = scale * weight[target] * (x - 0.4) / 0.25
    found = values(pooled(weight, 0.4), x, target, exact, fractions=FRACTIONS, subsets=40)
    for name in (PARTIAL, PLAIN):
        np.testing.assert_allclose(found[name], 1, atol=1e-5)
        np.testing.assert_allclose(found[f"{name}_mean"], 1, atol=1e-5)
    assert (found["sensitivity_n_undefined"] == 0).all()
    opposite = values(pooled(weight, 0.4), x, target, -exact, fractions=FRACTIONS, subsets=40)
    np.testing.assert_allclose(opposite[PARTIAL], -1, atol=1e-5)


def test_a_map_without_relation_scores_by_the_size_alone_unless_it_is_given():
    """The logit is the sum of the pixels, so it follows the size. A map a >= 0, uncorrelated with them over the pixels, has
    correlation sum(a x) / sqrt(sum(a^2) sum(x^2)) over Bernoulli masks, and 0 given the size."""
    subsets, x = 300, 0.5 + 0.5 * random(6, 1, 16, 16)
    maps = random(6, 1, 16, 16, seed=2)
    centred = x - x.mean((2, 3), keepdim=True)
    slope = (maps * centred).sum((2, 3), keepdim=True) / (centred**2).sum((2, 3), keepdim=True)
    maps = maps - slope * centred
    maps = maps - maps.amin((2, 3), keepdim=True)
    classifier = linear_classifier(torch.ones(2, 1, 16, 16))
    found = values(classifier, x, [0] * 6, maps, fractions=FRACTIONS, subsets=subsets)
    expected = (maps * x).sum((1, 2, 3)) / ((maps**2).sum((1, 2, 3)) * (x**2).sum((1, 2, 3))).sqrt()
    assert expected.min() > 0.8
    error = 1 / np.sqrt(subsets)
    assert np.abs(found[PLAIN] - expected[:, None].numpy()).max() < 4 * error * (1 - expected.min() ** 2)
    assert np.abs(found[PARTIAL]).max() < 4 * error
    assert abs(found[PARTIAL].mean()) < 4 * error / np.sqrt(found[PARTIAL].size)


def test_a_random_map_has_correlation_0_within_its_error(smooth):
    subsets = 100
    x, targets = smooth.x.repeat(4, 1, 1, 1), smooth.target * 4
    maps = torch.randn(x.shape, generator=torch.Generator().manual_seed(5))
    found = values(smooth.classifier, x, targets, maps, fractions=FRACTIONS, subsets=subsets)
    mean = found[f"{PARTIAL}_mean"]  # an image's map is drawn once: its error is that of one map over its 64 pixels
    assert abs(mean.mean()) < 4 * np.sqrt((1 / 64 + 1 / subsets) / len(x))


@pytest.mark.parametrize("of", ["label", "predicted"])
def test_against_a_loop_over_masks_and_pixels(smooth, of):
    maps = torch.randn(smooth.x.shape, generator=torch.Generator().manual_seed(7)).abs()
    options = dict(ids=smooth.ids, seed=3, fractions=(0.05, 0.7), subsets=12, of=of)
    table = measure("sensitivity_n", smooth.classifier, smooth.x, smooth.target, maps, **options)
    table = table.set_index(["image_id", "metric", "x"])["value"].sort_index()
    mean, double = smooth.network.mean.flatten(), smooth.x.double()
    predicted = smooth.network(double).argmax(1).tolist()
    assert predicted != smooth.target
    for number, name in enumerate(smooth.ids):
        target = (predicted if of == "predicted" else smooth.target)[number]
        for fraction in (0.05, 0.7):
            expected = sensitivity.sensitivity_n(smooth.network, double[number], mean, name, maps[number], target, fraction, 12, 3)
            for score, value in expected.items():
                assert table[name, score, fraction] == pytest.approx(value, abs=2e-4)
        for score in (PARTIAL, PLAIN):
            both = [table[name, score, fraction] for fraction in (0.05, 0.7)]
            assert table[name, f"{score}_mean"].item() == pytest.approx(np.mean(both))


def test_channels_are_summed_with_their_signs():
    """Channels that cancel leave a map of zeros, which has no correlation."""
    x, weight = random(2, 3, 6, 6), random(2, 3, 6, 6, seed=1)
    maps = torch.tensor([2.0, -1.0, -1.0]).view(1, 3, 1, 1) * random(2, 1, 6, 6, seed=2)
    found = values(pooled(weight), x, [0, 1], maps, fractions=FRACTIONS, subsets=20)
    assert (found["sensitivity_n_undefined"] == 1).all() and (found[PARTIAL] == 0).all() and (found[PLAIN] == 0).all()


@pytest.mark.parametrize("constant", ["map", "output"])
def test_where_one_side_is_the_size_itself_nothing_is_left_given_the_size(constant):
    """The plain correlation of the two is still there; rounding is not taken for a correlation."""
    x, maps = random(2, 3, 6, 6), random(2, 3, 6, 6, seed=3)
    weight = torch.ones(2, 3, 6, 6)
    if constant == "map":
        maps = torch.full_like(maps, 0.1)
    else:
        x = torch.full_like(x, 0.7)
    found = values(pooled(weight), x, [0, 1], maps, fractions=FRACTIONS, subsets=20)
    assert (found["sensitivity_n_undefined"] == 1).all() and (found[PARTIAL] == 0).all()
    assert (found[PLAIN] > 0.5).all()


def test_an_output_that_never_changes_is_undefined_and_counts_as_0():
    """At the data set's mean colour nothing is lost by masking."""
    maps, weight = random(2, 3, 6, 6), random(2, 3, 6, 6, seed=1)
    found = values(pooled(weight, 0.5), torch.full((2, 3, 6, 6), 0.5), [0, 1], maps, fractions=FRACTIONS, subsets=20)
    assert all((found[name] == 0).all() for name in (PARTIAL, PLAIN, f"{PARTIAL}_mean"))
    assert (found["sensitivity_n_undefined"] == 1).all()


def test_the_probe_gives_the_logits_of_the_image_and_of_its_masked_copies(smooth):
    """Masked pixels are 0 in normalised space, in all channels."""
    found = probe("masked", smooth.classifier, smooth.x, smooth.target, ids=smooth.ids, fractions=FRACTIONS, subsets=4)
    assert {name: values.dtype for name, values in found.items()} == {"clean": "float32", "masked": "float32", "sizes": "int32"}
    mean, std = smooth.network.mean, smooth.network.std
    for number, name in enumerate(smooth.ids):
        normalised = (smooth.x[number].double() - mean[0]) / std[0]
        np.testing.assert_allclose(found["clean"][number], smooth.network.module(normalised[None])[0], atol=1e-4)
        for place, fraction in enumerate(FRACTIONS):
            hidden = torch.from_numpy(sensitivity.drawn(8, 8, 0, name, fraction, 4))
            expected = smooth.network.module(torch.where(hidden[:, None], 0.0, normalised))
            np.testing.assert_allclose(found["masked"][number, place], expected, atol=1e-4)
            assert (found["sizes"][number, place] == hidden.sum((1, 2)).numpy()).all()


def test_more_subsets_begin_with_the_same_masks_and_other_fractions_do_not_change_them(smooth):
    def probed(fractions, subsets):
        return probe("masked", smooth.classifier, smooth.x, smooth.target, fractions=fractions, subsets=subsets)["masked"]

    few = probed((0.2, 0.6), 5)
    assert np.array_equal(probed((0.2, 0.6), 9)[:, :, :5], few)
    assert np.array_equal(probed((0.6,), 5)[:, 0], few[:, 1])
    assert np.array_equal(probed((0.1, 0.6, 0.2), 5)[:, [2, 1]], few)
    assert not np.array_equal(few[:, 0], few[:, 1])


def test_masks_have_their_fraction_and_come_in_pieces(monkeypatch):
    image = Measured(torch.zeros(3, 16, 16), 0, "a", draws(0, "masked", "a"), None, None)
    whole = np.concatenate(list(masks(image, 0.3, 100)))
    assert whole.shape == (100, 16, 16)
    assert abs(whole.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / whole.size)
    assert abs(whole.sum((1, 2)).var() / (256 * 0.3 * 0.7) - 1) < 4 * np.sqrt(2 / 100)  # Bernoulli, not a fixed number
    monkeypatch.setattr(module, "CHUNK", 7)
    pieces = list(masks(image, 0.3, 100))
    assert max(map(len, pieces)) == 7 and np.array_equal(np.concatenate(pieces), whole)


@pytest.mark.parametrize("fractions", [(), (0.0,), (1.0, 0.5), (-0.1,), (0.5, 0.5)])
def test_bad_fractions_are_refused(smooth, fractions):
    with refused("fractions", "accepted"):
        probe("masked", smooth.classifier, smooth.x, smooth.target, fractions=fractions)
    with refused("fractions", "accepted"):
        values(smooth.classifier, smooth.x, smooth.target, smooth.x, fractions=fractions)


def test_too_few_subsets_and_another_logit_are_refused(smooth):
    with refused("subsets is 2", "at least 3"):
        values(smooth.classifier, smooth.x, smooth.target, smooth.x, subsets=2)
    with refused("of is 'other'", "label, predicted"):
        values(smooth.classifier, smooth.x, smooth.target, smooth.x, of="other")


def test_what_was_probed_with_other_masks_is_refused(smooth):
    given = dict(fractions=FRACTIONS, subsets=5)
    probed = probe("masked", smooth.classifier, smooth.x, smooth.target, **given)

    def found(**changes):
        return values(smooth.classifier, smooth.x, smooth.target, smooth.x, probed=probed, **(given | changes))

    assert found()[PARTIAL].shape == (4, 3)
    with refused("3 fractions, 5 subsets", "2 and 5"):
        found(fractions=(0.1, 0.5))
    with refused("3 fractions, 5 subsets", "3 and 6"):
        found(subsets=6)
    for change in (dict(fractions=(0.2, 0.5, 0.9)), dict(seed=1), dict(ids=["a", "b", "c", "d"])):
        with refused("other masks", "the same seed, ids and fractions"):
            found(**change)
