"""What several test modules use."""

import contextlib

import numpy as np
import pytest
import torch
from torch import nn

from pathattr import Classifier, InputError
from pathattr.promise import promises


@contextlib.contextmanager
def refused(*words: str):
    """The block raises `InputError`, whose text is one line that has all the words."""
    with pytest.raises(InputError) as caught:
        yield
    line = str(caught.value)
    assert len(line.splitlines()) == 1, f"not one line: {line}"
    for word in words:
        assert word in line, f"{word!r} is not in: {line}"


def every_promise(kind: str, subjects: dict, without=()):
    """Parametrises a test by all promises of a kind, but for some, of each subject, by name, on each of its small networks."""
    return pytest.mark.parametrize(
        "promise, subject, case",
        [
            pytest.param(promise, subject, case, id="-".join(filter(None, (str(promise), name, case))))
            for promise in promises(kind)
            for name, subject in subjects.items()
            for case in promise.on or ("",)
            if promise.when(subject) and str(promise) not in without
        ],
    )


def assert_close(found, expected, relative: float = 1e-5):
    """Equal within `relative` of the largest value expected."""
    found, expected = (np.asarray(torch.as_tensor(values).detach(), np.float64) for values in (found, expected))
    assert found.shape == expected.shape
    scale = np.abs(expected).max()
    assert np.abs(found - expected).max() <= relative * scale, np.abs(found - expected).max() / scale


def assert_same_maps(found: dict, expected: dict):
    """Equal bit for bit, variant by variant."""
    assert found.keys() == expected.keys()
    for variant in expected:
        assert torch.equal(found[variant], expected[variant]), f"{variant}: {(found[variant] - expected[variant]).abs().max()}"


def linear_classifier(weight: torch.Tensor) -> Classifier:
    """Logits of class c are the sum of weight[c] * pixels. `weight`: (classes, C, H, W)."""
    layer = nn.Linear(weight[0].numel(), len(weight), bias=False)
    layer.weight.data = weight.flatten(1).clone()
    return Classifier(nn.Sequential(nn.Flatten(), layer), (0.0,) * weight.shape[1], (1.0,) * weight.shape[1])


class Quadratic(nn.Module):
    """F_c(x) = x' A_c x / 2 + w_c' x, so that its gradient A_c x + w_c is linear in x. A symmetric, (classes, D, D)."""

    def __init__(self, curvature: torch.Tensor, slope: torch.Tensor):
        super().__init__()
        self.curvature, self.slope = curvature, slope

    def forward(self, x):
        flat = x.flatten(1)
        return torch.einsum("ni,cij,nj->nc", flat, self.curvature, flat) / 2 + flat @ self.slope.T
