"""Training of the stand-ins."""

import numpy as np
import pytest
import torch
from torch import nn

from pathattr import Classifier
from pathattr.model.train import accuracy, train

from .helpers import refused

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, 64)
PIXELS = np.where(LABELS[:, None, None, None] == 1, 200, 40).astype(np.uint8) + RNG.integers(0, 40, (64, 1, 4, 4), dtype=np.uint8)
SETTINGS = dict(epochs=3, batch_size=8, learning_rate=0.01, weight_decay=0.01)


def trained(**changes) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))
    return train(network, PIXELS, LABELS, (0.5,), (0.25,), **{**SETTINGS, "seed": 0, **changes})


def test_training_learns_what_is_easy_and_leaves_evaluation_mode():
    network = trained()
    assert not network.training
    classifier = Classifier(network, (0.5,), (0.25,))
    assert accuracy(classifier, torch.from_numpy(PIXELS).float() / 255, LABELS) == 1.0


def test_accuracy_is_the_share_of_labels_met():
    classifier = Classifier(nn.Flatten())
    images = torch.eye(4).view(4, 1, 2, 2)
    assert accuracy(classifier, images, np.array([0, 1, 2, 0])) == 0.75


def test_the_same_seed_trains_the_same_weights_and_another_others():
    first, again, other = (trained(seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("changes", [dict(epochs=1, batch_size=32), dict(batch_size=65)], ids=str)
def test_too_few_steps_are_refused(changes):
    with refused("training", "64 images", "at least 4"):
        trained(**changes)
