"""Small models and images that the tests share."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
for folder in ("scripts", "tests"):
    sys.path.insert(0, str(ROOT / folder))

import copy  # noqa: E402

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402

import pathattr  # noqa: E402
from pathattr import Classifier, Neighbourhoods  # noqa: E402
from pathattr.dataset.digits import digits_on_photos  # noqa: E402
from pathattr.model import load, train  # noqa: E402

torch.set_num_threads(1 if "PYTEST_XDIST_WORKER" in os.environ else 2)  # two workers on two cores: one thread each
CHEAP = {  # parameters of the ways to compute baselines, where the defaults take many gradients
    "compute_baseline": dict(blurs=(1.0, 3.0), iterations=2),
    "boundary": dict(radii=(0.3, 0.9), attack_steps=2),
}


@dataclass(frozen=True)
class Case:
    """A classifier with images of its own. `network`: the same in float64, by plain torch, for the oracles."""

    classifier: Classifier
    network: nn.Module
    x: Tensor
    target: list[int]
    ids: list[str]
    background: Tensor
    neighbourhoods: Neighbourhoods
    computed: dict = field(default_factory=dict, init=False)  # baselines of all images, by the name of their way

    def of(self, entry, rows=slice(None)) -> dict:
        """What a registered method needs and `attribute` cannot find out by itself, as keywords, for some of the images."""
        given = {need: getattr(self, need) for need in entry.facts["needs"] if need in ("background", "neighbourhoods")}
        return given | ({"baselines": self.baselines(entry.facts["baseline"])[rows]} if "baselines" in entry.facts["needs"] else {})

    def baselines(self, name: str) -> Tensor:
        """The images' own baselines (N, B, C, H, W) by a registered way to compute them, cheaply, and only once."""
        if name not in self.computed:
            options = dict(ids=self.ids, **CHEAP.get(name, {}))
            self.computed[name], _ = pathattr.baselines(name, self.classifier, self.x, self.target, **options)
        return self.computed[name]

    def part(self, rows) -> dict:
        """Some of the images, as keywords of `attribute` and `measure`."""
        return dict(x=self.x[rows], target=[self.target[row] for row in rows], ids=[self.ids[row] for row in rows])


class Normalised(nn.Module):
    """(pixels - mean) / std, then the module, in float64."""

    def __init__(self, module, mean, std):
        super().__init__()
        self.module = copy.deepcopy(module).double().eval().requires_grad_(False)
        self.mean, self.std = (torch.tensor(values, dtype=torch.float64).view(1, -1, 1, 1) for values in (mean, std))

    def forward(self, pixels: Tensor) -> Tensor:
        return self.module((pixels - self.mean) / self.std)


def make_case(module, mean, std, x, target, background, n: int, m: int) -> Case:
    network = Normalised(module, mean, std)
    classifier = Classifier(module, mean, std)
    neighbourhoods = Neighbourhoods.fit(classifier.logits(background), n=n, m=m, seed=0)
    ids = [f"image-{number}" for number in range(len(x))]
    return Case(classifier, network, x, target, ids, background, neighbourhoods)


def random_images(count: int, size: int, seed: int) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="session")
def smooth() -> Case:
    """A random convolutional network with smooth activations, 5 classes, images of 3 x 8 x 8."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(8, 12, 3, stride=2),
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(12 * 9, 5),
        )
        for parameter in module.parameters():
            parameter.data *= 2.0  # curved enough that the quadrature rules differ
    x = random_images(4, 8, seed=1)
    return make_case(module, (0.4, 0.5, 0.6), (0.2, 0.25, 0.3), x, [0, 3, 2, 4], random_images(30, 8, seed=2), n=3, m=4)


@pytest.fixture(scope="session")
def photos():
    """Both splits of digits_on_photos, few and small: split -> `Made`."""
    return {split: digits_on_photos(split, size=32, train=96, test=12) for split in ("train", "test")}


def stand_in(name: str, photos) -> Case:
    """A stand-in of the embedded configuration after a few steps of training."""
    mean, std = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = load.build({"architecture": name}, classes=10, channels=3, size=32)
        made, labels = photos["train"], photos["train"].index["label"].to_numpy()
        settings = dict(epochs=2, batch_size=16, learning_rate=2e-3, weight_decay=0.05, seed=0)
        train.train(network, made.pixels, labels, mean, std, **settings)
    test = photos["test"]
    x, background = (torch.from_numpy(pixels.astype(np.float32) / 255) for pixels in (test.pixels[:3], made.pixels))
    return make_case(network, mean, std, x, test.index["label"].tolist()[:3], background, n=2, m=3)


@pytest.fixture(scope="session")
def resnet_small(photos) -> Case:
    return stand_in("resnet_small", photos)


@pytest.fixture(scope="session")
def vgg_small(photos) -> Case:
    return stand_in("vgg_small", photos)


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
