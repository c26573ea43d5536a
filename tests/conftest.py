"""Small models and images that the tests share."""

import os
import sys
from dataclasses import fields
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
for folder in ("scripts", "tests"):
    sys.path.insert(0, str(ROOT / folder))

import copy  # noqa: E402
from functools import cached_property  # noqa: E402

import pytest  # noqa: E402
import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from pathattr.promise import cases  # noqa: E402
from pathattr.promise.cases import CHEAP, random_images  # noqa: E402, F401

torch.set_num_threads(1 if "PYTEST_XDIST_WORKER" in os.environ else 2)  # two workers on two cores: one thread each


class Case(cases.Case):
    """A classifier with images of its own, and `network`: the same in float64, by plain torch, for the oracles."""

    @cached_property
    def network(self) -> nn.Module:
        return Normalised(
            self.classifier.module, *(values.flatten().tolist() for values in (self.classifier.mean, self.classifier.std))
        )

    @classmethod
    def like(cls, case: cases.Case) -> "Case":
        return cls(*(getattr(case, field.name) for field in fields(case) if field.init))


class Normalised(nn.Module):
    """(pixels - mean) / std, then the module, in float64."""

    def __init__(self, module, mean, std):
        super().__init__()
        self.module = copy.deepcopy(module).double().eval().requires_grad_(False)
        self.mean, self.std = (torch.tensor(values, dtype=torch.float64).view(1, -1, 1, 1) for values in (mean, std))

    def forward(self, pixels: Tensor) -> Tensor:
        return self.module((pixels - self.mean) / self.std)


def make_case(*arguments, **options) -> Case:
    return Case.like(cases.make_case(*arguments, **options))


@pytest.fixture(scope="session")
def smooth() -> Case:
    """A random convolutional network with smooth activations, 5 classes, images of 3 x 8 x 8."""
    return Case.like(cases.named("smooth"))


@pytest.fixture(scope="session")
def photos():
    """Both splits of digits_on_photos, few and small: split -> `Made`."""
    return cases.photos()


@pytest.fixture(scope="session")
def resnet_small() -> Case:
    return Case.like(cases.named("resnet_small"))


@pytest.fixture(scope="session")
def vgg_small() -> Case:
    return Case.like(cases.named("vgg_small"))


@pytest.fixture(params=["resnet_small", "vgg_small"])
def standin(request) -> Case:
    """Each stand-in in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def threads():
    """Sets torch's number of threads, and puts it back at the end."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)
