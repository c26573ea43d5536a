"""What every architecture promises: a registered one, or FILE.py:FUNCTION. Random weights, images of 32 pixels."""

import tempfile
from pathlib import Path

import torch

from .. import source
from ..api import attribute
from ..errors import InputError
from ..model import contract, load
from ..model.classifier import Classifier
from ..registry import get
from . import entry, hold, promise

SIZE = 32
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def subject(name: str) -> str:
    """The architecture of that name, FILE.py:FUNCTION, or the architecture of an entry of config.yaml."""
    if ".py:" not in name and name not in source.registered("model"):
        name = (entry("models", name) or {}).get("architecture", name)
    if ".py:" not in name and get("model", name).facts["published"]:
        raise InputError(f"{name}: found a family with published weights; accepted: an architecture of your own")
    return name


def images(count: int, channels: int = 3) -> torch.Tensor:
    return torch.rand(count, channels, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


def built(name: str, channels: int = 3, classes: int = 10, size: int = SIZE) -> torch.nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return load.build({"architecture": name}, classes, channels, size).eval()


def settled(name: str) -> torch.nn.Module:
    """Batch norms whose statistics are those of random images, so that values keep their scale."""
    network, (mean, std) = built(name), (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for module in norms:
        module.train().momentum = None  # the statistics are those of the one batch that follows
    with torch.no_grad():
        network((images(2) - mean) / std)
    return network.eval()


@promise("model")
def says_what_it_is(name):
    """A docstring, and its paper if it is registered."""
    if ".py:" in name:
        path, _, function = name.rpartition(":")
        source.own(path, function)
        return
    known = get("model", name)
    hold((known.function.__doc__ or "").strip(), "no docstring")
    hold(known.facts["paper"], "no paper")


@promise("model")
def takes_any_number_of_classes_and_channels(name):
    """It is built for any number of classes and channels."""
    for channels in (1, 3):
        with torch.no_grad():
            found = tuple(built(name, channels, 7)(images(2, channels)).shape)
        hold(found == (2, 7), f"logits {found} of 2 images with {channels} channels, built for 7 classes")


@promise("model")
def can_be_explained(name):
    """Finite logits, the same each time, of each image by itself, with a gradient towards the image."""
    contract.check(settled(name), images(1)[0], 10, name)


@promise("model")
def has_gradients_everywhere(name):
    """Gradients reach every weight and each quarter of the image, finite and not 0."""
    network, x = built(name, classes=7).train(), torch.randn(4, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    torch.nn.functional.cross_entropy(network(x.requires_grad_()), torch.tensor([0, 1, 2, 3])).backward()
    for weight, parameter in network.named_parameters():
        reached = parameter.grad is not None and torch.isfinite(parameter.grad).all() and (parameter.grad != 0).any()
        hold(reached, f"no finite gradient of {weight}")
    half = SIZE // 2
    for part in (
        x.grad[:, :, rows, columns] for rows in (slice(half), slice(half, None)) for columns in (slice(half), slice(half, None))
    ):
        hold(torch.isfinite(part).all() and (part != 0).flatten(2).any(2).all(), "no finite gradient of a quarter of the image")


@promise("model")
def keeps_its_logits_when_saved(name):
    """Saved and loaded it gives the same logits, bit for bit."""
    network, about = settled(name), {"classes": 10, "channels": 3, "size": SIZE, "mean": [*MEAN], "std": [*STD], "digest": "d"}
    with tempfile.TemporaryDirectory() as folder:
        load.save(Path(folder, "w.safetensors"), network, about)
        loaded, _ = load.load(Path(folder, "w.safetensors"), {"architecture": name}, digest="d")
    found, expected = loaded.logits(images(3)), Classifier(network, MEAN, STD).logits(images(3))
    hold(torch.equal(found, expected), f"the logits differ by up to {float((found - expected).abs().max()):.3g}")


@promise("model")
def keeps_its_logits_when_batch_norms_are_folded(name):
    """With its batch norms folded into the convolutions it gives the same logits, to 1e-5 of the largest."""
    network = settled(name)
    with torch.no_grad():
        folded, plain = (Classifier(network, MEAN, STD, fold_batch_norm=fold)(images(4)).double() for fold in (True, False))
    apart = float((folded - plain).abs().max() / plain.abs().max())
    hold(apart <= 1e-5, f"the logits differ by {apart:.3g} of the largest")


@promise("model")
def has_maps_that_do_not_depend_on_the_other_image(name):
    """A map of it is the same bit for bit, whatever other image is beside."""
    classifier, x = Classifier(settled(name), MEAN, STD), images(2)
    for method, options in (("inputgrad", {}), ("ig", {"steps": 2})):
        both, alone = (
            attribute(method, classifier, x[rows], [3] * len(rows), ids=rows, micro_batch=16, **options)["vanilla"]
            for rows in ([0, 1], [1])
        )
        hold(torch.equal(alone, both[1:]), f"{method}: the map differs by up to {float((alone - both[1:]).abs().max()):.3g}")


@promise("model")
def takes_a_size_or_says_why_not(name):
    """Images of 16 to 64 pixels give finite logits, or are refused in one line that names the architecture and the size."""
    for size in (16, 31, 32, 48, 64):
        try:
            network = built(name, 1, size=size)
        except InputError as error:
            line = str(error)
            hold(name in line and str(size) in line and len(line.splitlines()) == 1, f"{size} pixels are refused by: {line}")
        else:
            with torch.no_grad():
                hold(torch.isfinite(network(torch.rand(1, 1, size, size))).all(), f"{size} pixels: logits that are not finite")
