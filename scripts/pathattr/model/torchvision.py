"""torchvision, imported so that it works beside a CPU-only torch, and its classifiers by name."""

import contextlib
import functools
import pickle
import sys
import types

import torch

from ..errors import InputError
from ..registry import model


@functools.cache
def import_torchvision():
    """The torchvision module.

    The published wheel is built for CUDA; beside a CPU build of torch its extension does not load, and the import fails for
    want of the schemas of two operators that nothing here uses. They are declared then, and only then.
    """
    with _without_the_compiler():
        try:
            import torchvision
        except RuntimeError as error:
            if "torchvision::nms" not in str(error):
                raise
            library = torch.library.Library("torchvision", "DEF")
            library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            import_torchvision.library = library  # a library that is collected takes its schemas with it
            import torchvision
    return torchvision


@contextlib.contextmanager
def _without_the_compiler():
    """torchvision's operators import torch's compiler, which takes longer than all else that a job imports, to ask whether it is
    supported, and only when they are called; nothing here calls them. For the import a stand-in answers no."""
    names = ("torch._dynamo", "torch._dynamo.utils")
    absent = [name for name in names if name not in sys.modules]
    for name in absent:
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].is_compile_supported = lambda device: False
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


@model("torchvision", paper="as published with torchvision", published=True, attention=("maxvit_", "swin_", "vit_"))
def torchvision(classes: int, channels: int, size: int, *, name: str, published: bool = False):
    """A classifier of torchvision's at its real size, by name: vgg16, resnet34, densenet121, ...

    `published`: for published weights; the Inception family then renormalises its input, as torchvision has it do.
    """
    models = import_torchvision().models
    if name not in models.list_models(module=models):
        raise InputError(f"torchvision has no classifier {name!r}; accepted: the names that torchvision.models.list_models() gives")
    if channels != 3:
        raise InputError(f"torchvision's {name} takes 3 channels; the dataset has {channels}")
    inception = name in ("inception_v3", "googlenet")
    arguments = {"init_weights": False, "transform_input": published} if inception else {}
    return models.get_model(name, weights=None, num_classes=classes, **arguments)


def published(name: str, weights: str = "DEFAULT"):
    """State dict, mean, std and number of classes of torchvision's published weights, from its cache or the network."""
    models = import_torchvision().models
    try:
        chosen = models.get_model_weights(name)[weights]
    except (KeyError, ValueError):
        raise InputError(f"torchvision has no weights {weights!r} for {name!r}") from None
    try:
        state = chosen.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(
            f"published weights of {name} ({chosen.name}) are neither whole in torch's cache nor to be downloaded "
            f"({str(error).splitlines()[0]}); put {chosen.url.rsplit('/', 1)[1]} into $TORCH_HOME/hub/checkpoints"
        ) from None
    transform = chosen.transforms()
    return state, transform.mean, transform.std, len(chosen.meta["categories"])
