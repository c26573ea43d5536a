"""The classifier: preprocessing, freezing, folding."""

import copy

import pytest
import torch
from torch import nn

from pathattr import Classifier, attribute
from pathattr.batching import GRADIENT, LOGITS
from pathattr.integrate import evaluate
from pathattr.model import classifier as home

from .helpers import assert_close, refused

MEAN, STD = (0.1, 0.5, 0.9), (0.5, 0.25, 2.0)


def test_pixels_are_normalised_per_channel():
    pixels = torch.rand(2, 3, 4, 4)
    normalised = Classifier(nn.Flatten(), MEAN, STD).normalise(pixels)
    for channel in range(3):
        torch.testing.assert_close(normalised[:, channel], (pixels[:, channel] - MEAN[channel]) / STD[channel])


def test_logits_are_the_modules_at_normalised_pixels(smooth):
    assert_close(smooth.classifier.logits(smooth.x), smooth.network(smooth.x.double()))
    assert_close(smooth.classifier(smooth.x), smooth.network(smooth.x.double()))


def test_logits_may_be_asked_for_one_image_at_a_time_in_any_micro_batch(standin):
    expected = standin.classifier.logits(standin.x)
    for micro_batch in (16, 64):
        assert torch.equal(standin.classifier.logits(iter(standin.x), micro_batch), expected)
    assert torch.equal(standin.classifier.logits(standin.x[1:2]), expected[1:2])


def test_the_classifier_answers_with_logits_alone(smooth):
    target = torch.tensor(smooth.target)
    answer = smooth.classifier.answer(smooth.x, target, LOGITS)
    assert_close(answer.logits, smooth.network(smooth.x.double()))
    assert answer.gradient is None and not answer.logits.requires_grad
    with pytest.raises(AssertionError, match="integrator"):
        smooth.classifier.answer(smooth.x, target, GRADIENT)


def test_the_module_is_frozen_and_in_evaluation_mode():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten(), nn.Linear(16, 2)).train()
    classifier = Classifier(module, MEAN, STD)
    assert not any(part.training for part in module.modules())
    assert not any(parameter.requires_grad for parameter in module.parameters())
    x = torch.rand(2, 3, 4, 4)
    assert torch.equal(classifier(x), classifier(x))
    assert module[0].weight.is_contiguous(memory_format=torch.channels_last)


def test_a_plain_gradient_is_that_of_normalised_space_over_std(smooth):
    """And products with a displacement are the same in both."""
    mean, std = (getattr(smooth.classifier, name).view(1, -1, 1, 1) for name in ("mean", "std"))
    plain = Classifier(copy.deepcopy(smooth.classifier.module), (0.0,) * 3, (1.0,) * 3)
    inside = plain.normalise((smooth.x - mean) / std).clone()
    target = torch.tensor(smooth.target)
    expected = evaluate(plain, "logit", inside, target, GRADIENT).gradient
    found = attribute("inputgrad", smooth.classifier, smooth.x, smooth.target)["vanilla"]
    assert_close(found, expected / std)
    assert_close(found * smooth.x, expected * (inside + mean / std))


BAD_PREPROCESSING = [((0.5, 0.5), (1.0,)), ((0.5,), (0.0,)), ((0.5,), (-1.0,)), ((0.5,), (float("nan"),)), ((), ())]


@pytest.mark.parametrize("mean, std", BAD_PREPROCESSING, ids=str)
def test_bad_mean_or_std_is_refused(mean, std):
    with refused("std", str(std)):
        Classifier(nn.Flatten(), mean, std)


def test_folded_batch_norm_gives_the_same_logits_and_gradients(standin):
    module = standin.classifier.module
    plain, folded = (Classifier(module, (0.5,) * 3, (0.25,) * 3, fold_batch_norm=fold) for fold in (False, True))
    assert_close(folded.logits(standin.x), plain.logits(standin.x), 1e-5)
    target = torch.tensor(standin.target)
    slopes = [evaluate(classifier, "logit", standin.x.clone(), target, GRADIENT).gradient for classifier in (folded, plain)]
    assert_close(*slopes, 1e-4)
    assert any(isinstance(part, nn.BatchNorm2d) for part in module.modules())
    assert not any(isinstance(part, nn.BatchNorm2d) for part in folded._network.modules())


class Branching(nn.Module):
    """A network that torch.fx cannot trace: what it does depends on its input."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x):
        return self.norm(x).flatten(1) if x.sum() > 0 else x.flatten(1)


def test_a_network_that_cannot_be_folded_is_used_as_it_is(capsys):
    module = Branching()
    classifier = Classifier(module)
    assert classifier(torch.rand(1, 3, 2, 2)).shape == (1, 12)
    assert classifier._network is module and "not folded" in capsys.readouterr().out


def test_folding_that_changes_the_logits_is_given_up(monkeypatch, capsys):
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten())

    def wrong(network):
        other = copy.deepcopy(network)
        other[0].weight.data *= 1.001
        return other

    monkeypatch.setattr(home, "fuse", wrong)
    classifier = Classifier(module, MEAN, STD)
    classifier(torch.rand(1, 3, 4, 4))
    assert classifier._network is module and "changes the logits" in capsys.readouterr().out
