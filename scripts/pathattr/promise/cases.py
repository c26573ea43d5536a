"""Small networks with images of their own, on which promises are tried."""

import contextlib
import functools
import io
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from .. import api
from ..dataset.digits import digits_on_photos
from ..method.lpi import Neighbourhoods
from ..model import load, train
from ..model.classifier import Classifier

CHEAP = {  # parameters of the ways to compute baselines, where the defaults take many gradients
    "compute_baseline": dict(blurs=(1.0, 3.0), iterations=2),
    "boundary": dict(radii=(0.3, 0.9), attack_steps=2),
}


@dataclass(frozen=True)
class Case:
    """A classifier with images of its own."""

    classifier: Classifier
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
            self.computed[name], _ = api.baselines(name, self.classifier, self.x, self.target, **options)
        return self.computed[name]

    def part(self, rows) -> dict:
        """Some of the images, as keywords of `attribute` and `measure`."""
        return dict(x=self.x[rows], target=[self.target[row] for row in rows], ids=[self.ids[row] for row in rows])


def make_case(module, mean, std, x, target, background, n: int, m: int) -> Case:
    classifier = Classifier(module, mean, std)
    neighbourhoods = Neighbourhoods.fit(classifier.logits(background), n=n, m=m, seed=0)
    return Case(classifier, x, target, [f"image-{number}" for number in range(len(x))], background, neighbourhoods)


def random_images(count: int, size: int, seed: int) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


@functools.cache
def photos() -> dict:
    """Both splits of digits_on_photos, few and small: split -> `Made`."""
    return {split: digits_on_photos(split, size=32, train=96, test=12) for split in ("train", "test")}


@functools.cache
def named(name: str) -> Case:
    """ "smooth", a random convolutional network with smooth activations, 5 classes, images of 3 x 8 x 8; or a stand-in of the
    embedded configuration after a few steps of training, 10 classes, images of 3 x 32 x 32."""
    if name == "smooth":
        return _smooth()
    mean, std, made, test = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), photos()["train"], photos()["test"]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = load.build({"architecture": name}, classes=10, channels=3, size=32)
        settings = dict(epochs=2, batch_size=16, learning_rate=2e-3, weight_decay=0.05, seed=0)
        with contextlib.redirect_stderr(io.StringIO()):  # its progress
            train.train(network, made.pixels, made.index["label"].to_numpy(), mean, std, **settings)
    x, background = (torch.from_numpy(pixels.astype(np.float32) / 255) for pixels in (test.pixels[:3], made.pixels))
    return make_case(network, mean, std, x, test.index["label"].tolist()[:3], background, n=2, m=3)


def _smooth() -> Case:
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


def extreme(case: Case) -> dict:
    """Black, white, grey, and an image at a class whose logit is negative, as fields of a case."""
    x = torch.cat([torch.full((1, *case.x.shape[1:]), value) for value in (0.0, 1.0, 0.5)] + [case.x[:1]])
    target = [0, 1, 2, int(case.classifier.logits(x)[3].argmin())]
    return dict(x=x, target=target, ids=["black", "white", "grey", "negative"])


@contextlib.contextmanager
def threads():
    """Gives the function that sets torch's number of threads, and puts it back at the end."""
    before = torch.get_num_threads()
    try:
        yield torch.set_num_threads
    finally:
        torch.set_num_threads(before)
