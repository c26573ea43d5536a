"""DiffROAR: networks trained again on what maps keep."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from pathattr.metric import retraining
from pathattr.metric.retraining import diffroar, fine_tune, kept
from pathattr.model.train import normalised, share_met, train
from pathattr.registry import get
from pathattr.training.data import Data

from .helpers import refused

PLACE = (0, 1, 2)  # of the one element that tells the class
SMALL = dict(train=192, batch_size=32)


def split(count: int, seed: int):
    """Grey noise of 1 x 4 x 4, but for the element that is dark in class 0 and bright in class 1."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % 2)
    pixels = rng.integers(60, 196, (count, 1, 4, 4), dtype=np.uint8)
    pixels[:, *PLACE] = np.where(labels == 1, 230, 25)
    return pixels, labels


@pytest.fixture(autouse=True)
def one_thread(threads):
    """Networks are tiny: a second thread would only wait."""
    threads(1)


@pytest.fixture(scope="module")
def data() -> Data:
    return Data(*split(200, 0), *split(300, 1), [0.5], [0.2], seed=0)


@pytest.fixture(scope="module")
def network(data) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(128, 2)
        network = nn.Sequential(*layers)
        settings = dict(epochs=10, batch_size=32, learning_rate=0.01, weight_decay=0.01, seed=0)
        train(network, data.pixels, data.labels, data.mean, data.std, **settings)
    assert share_met(network, data.test_pixels, data.test_labels, data.mean, data.std) > 0.95
    return network


def random_maps(data, seed: int = 0) -> dict:
    draws = torch.Generator().manual_seed(seed)
    return {"train": torch.randn(192, 1, 4, 4, generator=draws), "test": torch.randn(data.test_pixels.shape, generator=draws)}


def evidence(data) -> dict:
    """Random maps whose largest value lies where the class shows."""
    maps = random_maps(data)
    for values in maps.values():
        values[:, *PLACE] = 10
    return maps


def mean(scores: dict, name: str) -> float:
    return float(scores[name][1].mean())


def test_maps_that_mark_the_evidence_have_a_clear_gap(network, data):
    """With it the class is found, without it is guessed: 1 - 1/2."""
    scores = diffroar(network, data, evidence(data), **SMALL)
    assert mean(scores, "roar_top_auc") > 0.9
    assert abs(mean(scores, "roar_bottom_auc") - 0.5) < 0.1
    assert mean(scores, "diffroar_auc") > 0.35 and (scores["diffroar_seed"][1].mean(0) > 0.35).all()


def test_random_maps_have_no_gap_within_its_error(network, data):
    scores = diffroar(network, data, random_maps(data), **SMALL)
    values = scores["diffroar_auc"][1][:, 0]
    assert abs(values.mean()) < 2.5 * values.std() / np.sqrt(len(values))
    top = scores["roar_top"][1].mean(0)
    assert top[0] + 0.1 < top[1] < top[2] - 0.1  # the more is kept, the oftener the evidence is


def test_a_map_upside_down_has_the_opposite_gap(network, data):
    """To the last bit: what is most salient is then least, and the trainings of both are paired."""
    maps = random_maps(data)
    scores = diffroar(network, data, maps, **SMALL)
    turned = diffroar(network, data, {name: -values for name, values in maps.items()}, **SMALL)
    assert np.array_equal(turned["diffroar"][1], -scores["diffroar"][1]) and np.abs(scores["diffroar"][1]).sum() > 0
    assert np.array_equal(turned["roar_top"][1], scores["roar_bottom"][1])


def test_trainings_depend_on_the_order_of_the_elements_and_on_nothing_else_of_a_map(network, data):
    maps = random_maps(data)
    scores = diffroar(network, data, maps, **SMALL)
    torch.rand(5)
    monotone = diffroar(network, data, {name: values.numpy() ** 3 + 7 for name, values in maps.items()}, **SMALL)
    for name, (x, values) in scores.items():
        assert np.array_equal(x, monotone[name][0], equal_nan=True) and np.array_equal(values, monotone[name][1])


def test_seeds_are_numbered_from_0_whatever_their_number_and_differ(network, data):
    few, many = (diffroar(network, data, random_maps(data), seeds=seeds, **SMALL)["diffroar_seed"] for seeds in (1, 3))
    assert many[0].tolist() == [0, 1, 2] and many[1].shape == (300, 3)
    assert np.array_equal(few[1][:, 0], many[1][:, 0])
    assert not np.array_equal(many[1][:, 0], many[1][:, 1])
    other = diffroar(network, replace(data, seed=1), random_maps(data), seeds=1, **SMALL)["diffroar_seed"]
    assert not np.array_equal(few[1], other[1])


def test_scores_are_those_registered_and_follow_from_one_another(network, data):
    shares = (0.8, 0.2, 0.5, 0.4)
    scores = diffroar(network, data, random_maps(data), shares=shares, **SMALL)
    assert {name.removesuffix("_auc") for name in scores} == set(get("metric", "diffroar").facts["scores"])
    for name in ("roar_top", "roar_bottom", "diffroar"):
        x, values = scores[name]
        assert x.tolist() == sorted(shares) and values.shape == (300, 4)
        nothing, area = scores[f"{name}_auc"]
        assert np.isnan(nothing).all() and area.shape == (300, 1)
        widths = np.array([0.1, 0.15, 0.2, 0.15]) / 0.6  # of 0.2, 0.4, 0.5, 0.8 by the trapezoidal rule
        assert np.allclose(area[:, 0], values @ widths)
    assert set(np.unique(scores["roar_top"][1])) <= {0, 0.5, 1}
    assert np.array_equal(scores["diffroar"][1], scores["roar_top"][1] - scores["roar_bottom"][1])
    assert np.allclose(scores["diffroar_seed"][1].mean(1, keepdims=True), scores["diffroar_auc"][1])
    one = diffroar(network, data, random_maps(data), shares=(0.4,), **SMALL)
    assert np.array_equal(one["diffroar_auc"][1], one["diffroar"][1])
    assert np.array_equal(one["diffroar"][1][:, 0], scores["diffroar"][1][:, 1])


def test_what_is_kept():
    maps = torch.tensor([[3.0, -9.0, 0.0, 1.0, 2.0, -1.0], [5.0, 5.0, 5.0, 5.0, 5.0, 5.0]]).view(2, 3, 1, 2)
    most, least = (kept(maps, 0.5, most).flatten(1).int().tolist() for most in (True, False))
    assert most == [[1, 0, 0, 1, 1, 0], [0, 0, 0, 1, 1, 1]]  # signed; ties by position, over all channels
    assert least == [[0, 1, 1, 0, 0, 1], [1, 1, 1, 0, 0, 0]]
    maps = torch.randn(5, 3, 4, 4)
    for share, count in ((0.2, 10), (0.5, 24), (0.8, 38)):
        assert (kept(maps, share, True).flatten(1).sum(1) == count).all()
        assert torch.equal(kept(maps, share, True), ~kept(maps, 1 - share, False))


def test_removed_elements_are_the_mean_of_their_channel_in_both_splits(network, monkeypatch):
    rng = np.random.default_rng(0)
    pixels = {
        "train": rng.integers(0, 256, (6, 3, 4, 4), dtype=np.uint8),
        "test": rng.integers(0, 256, (5, 3, 4, 4), dtype=np.uint8),
    }
    mean, std = np.array([0.2, 0.5, 0.7]), np.array([0.1, 0.2, 0.3])
    labels = np.zeros(6, np.int64)
    data = Data(pixels["train"], labels, pixels["test"], labels[:5], mean.tolist(), std.tolist(), seed=0)
    maps, seen = {name: torch.randn(values.shape) for name, values in pixels.items()}, {"train": [], "test": []}
    monkeypatch.setattr(retraining, "fine_tune", lambda network, x, *_, **__: seen["train"].append(x))
    monkeypatch.setattr(retraining, "predictions", lambda _, parts: seen["test"].append(torch.cat(list(parts))) or torch.zeros(5))
    diffroar(network, data, maps, shares=(0.25,), seeds=1, train=6)
    for name, found in seen.items():
        place = maps[name].flatten(1).argsort(1).argsort(1).view(maps[name].shape).numpy()
        for x, keep in zip(found, (place >= 36, place < 12), strict=True):
            expected = np.where(keep, pixels[name] / 255, mean.reshape(-1, 1, 1))
            assert np.allclose(x.numpy() * std.reshape(-1, 1, 1) + mean.reshape(-1, 1, 1), expected, atol=1e-6)


def test_ten_epochs_are_the_papers(network, data, monkeypatch):
    """10^-2, divided by 10 at epochs 5 and 7; each image once an epoch, in batches of one size."""
    rates, batches = [], []

    def walk(network, drawn, optimiser, schedule, steps):
        for x, labels in drawn:
            rates.append(optimiser.param_groups[0]["lr"])
            batches.append((x, labels))
            optimiser.step()
            schedule.step()
        assert len(batches) == steps

    monkeypatch.setattr(retraining, "descend", walk)
    x, labels = normalised(data.pixels[:150], data.mean, data.std), torch.from_numpy(data.labels[:150])
    fine_tune(network, x, labels, epochs=10, batch_size=32, learning_rate=0.01, key=(0,))
    assert np.allclose(rates, np.repeat([0.01, 0.001, 0.0001], [25, 10, 15]))
    assert {len(x) for x, _ in batches} == {30}
    epoch = torch.cat([x for x, _ in batches[:5]]).flatten(1), torch.cat([labels for _, labels in batches[:5]])
    order = [int((x.flatten(1) == row).all(1).nonzero()) for row in epoch[0]]
    assert sorted(order) == list(range(150)) and torch.equal(labels[order], epoch[1])


def test_the_network_given_stays_as_it_is(network, data):
    before = copy.deepcopy(network.state_dict())
    network.requires_grad_(False)  # as a classifier's is
    x, labels = normalised(data.pixels, data.mean, data.std), torch.from_numpy(data.labels)
    tuned = fine_tune(network, x, labels, epochs=1, batch_size=32, learning_rate=0.01, key=(0,)).state_dict()
    assert all(torch.equal(values, before[name]) for name, values in network.state_dict().items())
    assert not any(torch.equal(values, before[name]) for name, values in tuned.items())  # running statistics too


@pytest.mark.parametrize(
    "changes, words",
    [
        (dict(train=201), ["train is 201", "200 training images"]),
        (dict(train=100), ["train maps have shape (192, 1, 4, 4)", "(100, 1, 4, 4)"]),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(network, data, changes, words):
    with refused("diffroar", *words):
        diffroar(network, data, random_maps(data), **SMALL | changes)


def test_a_fine_tuning_that_diverges_ends_in_one_line(network, data):
    with refused("loss", "steps", "smaller learning rate"):
        diffroar(network, data, random_maps(data), learning_rate=1e25, **SMALL)
