"""Classifiers of timm (pytorch-image-models) by name, with its weights and preprocessing, where it is installed."""

import functools
import importlib

from ..errors import InputError
from ..registry import model
from ..values import among, near
from .torchvision import import_torchvision


@functools.cache
def import_timm():
    """The timm module. Raises `InputError` where it is not installed."""
    import_torchvision()  # which timm imports too
    try:
        return importlib.import_module("timm")
    except ImportError as error:
        raise InputError(f"timm cannot be imported ({error}); accepted: pip install timm, or another architecture") from None


def _known(name: str):
    """What timm knows of a network and its weights: `mean`, `std`, `input_size` (C, H, W), `num_classes`, ..."""
    library, (base, _, tag) = import_timm(), name.partition(".")
    if not library.is_model(base):
        names = library.list_models()
        raise InputError(f"timm has no classifier {base!r}; accepted: the names that timm.list_models() gives{near(base, names)}")
    if tag and name not in (tagged := library.list_pretrained(f"{base}.*")):
        raise InputError(f"timm has no weights {tag!r} of {base}; {among(name, tagged)}")
    return library.get_pretrained_cfg(name)


def _made(name: str, size: int, **options):
    """timm's network by name, for images of that side."""
    sized = {"img_size": size} if _known(name).fixed_input_size else {}
    return import_timm().create_model(name, **sized, **options)


@model("timm", paper="as published with timm", published=True)
def timm(classes: int, channels: int, size: int, *, name: str, published: bool = False):
    """A classifier of timm's, where it is installed, by name: resnet50, convnext_tiny.in12k_ft_in1k, vit_small_patch16_224, ..."""
    return _made(name, size, num_classes=classes, in_chans=channels)


def preprocessing(name: str) -> tuple:
    """Mean and std a channel that timm says a network's weights are for."""
    known = _known(name)
    return known.mean, known.std


def published(name: str, size: int):
    """State dict, mean, std and number of classes of timm's weights, by its own loader, from its cache or the network."""
    known = _known(name)
    try:
        network = _made(name, size, pretrained=True)
    except Exception as error:  # of whichever of its sources
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"weights of timm.{name} are neither in timm's cache nor to be downloaded ({reason}); accepted: a connection, or "
            "the path of a file as weights"
        ) from None
    if known.input_size[-1] != size:
        print(f"timm.{name} was made for images of {known.input_size[-1]} pixels; these have {size}")
    return network.state_dict(), known.mean, known.std, known.num_classes
