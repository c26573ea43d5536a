"""From a config entry and a weights file to a classifier, and back to a weights file."""

from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from .. import registry
from ..errors import InputError
from ..finite import check_finite
from ..store import read_tensors, write_tensors
from . import contract, own
from .classifier import Classifier


def build(entry: dict, classes: int, channels: int, size: int) -> nn.Module:
    """The network of a config entry: a registered architecture, or FILE.py:FUNCTION, which gets the same arguments."""
    architecture = entry["architecture"]
    if ".py:" in architecture:
        path, _, name = architecture.rpartition(":")
        return contract.check_module(own.load(path, name, classes, channels, size), architecture)
    kind, _, variant = architecture.partition(".")
    known = registry.get("model", kind)
    if bool(variant) != known.facts["published"]:
        raise InputError(f"architecture {architecture}: accepted: {kind}{'.NAME' * known.facts['published']}")
    function = known.function
    if not variant:
        return function(classes, channels, size)
    return function(classes, channels, size, name=variant, published=entry.get("weights") == "published")


def save(path, network: nn.Module, about: dict):
    """Write the weights with what is needed to rebuild the classifier: classes, channels, size, mean, std, and the like. Raises
    `InputError` for weights that are not finite."""
    check_weights(network, f"weights for {path}")
    write_tensors(path, {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}, about)


def read_weights(path) -> dict[str, torch.Tensor]:
    """A state dict from safetensors, or from a torch file that holds nothing but tensors. Pickles with code are refused."""
    path = Path(path).expanduser()
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        read = load_file if path.suffix == ".safetensors" else partial(torch.load, map_location="cpu", weights_only=True)
        state = read(path)
    except Exception as error:
        raise InputError(
            f"{path}: not a plain state dict ({type(error).__name__}); accepted: safetensors, or tensors only"
        ) from None
    state = state.get("state_dict", state) if isinstance(state, dict) else None
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise InputError(f"{path}: not a state dict; accepted: names and tensors")
    for dtype in {value.dtype for value in state.values() if value.is_floating_point()} - {torch.float32}:
        print(f"{path}: read as float32: tensors of {str(dtype).removeprefix('torch.')}")
    return {name: value.float() if value.is_floating_point() else value for name, value in state.items()}


def tensors(arrays: dict) -> dict[str, torch.Tensor]:
    """Named NumPy arrays as a state dict."""
    return {name: torch.from_numpy(values) for name, values in arrays.items()}


def fill(network: nn.Module, state: dict, what: str) -> nn.Module:
    """The network with these weights. Raises `InputError` naming the first tensor that does not fit."""
    own = network.state_dict()
    for name in own:
        if name.endswith("num_batches_tracked") and name not in state:
            state = {**state, name: own[name]}
    for name in sorted(set(own) ^ set(state)):
        raise InputError(f"{what}: tensor {name!r} is {'missing' if name in own else 'not of this architecture'}")
    for name, value in state.items():
        if value.shape != own[name].shape:
            raise InputError(f"{what}: tensor {name!r} has shape {tuple(value.shape)}; accepted: {tuple(own[name].shape)}")
    network.load_state_dict(state)
    check_weights(network, what)
    return network


def check_weights(network: nn.Module, what: str):
    """Raise `InputError`, naming the tensor, for parameters or statistics of batch norms that are not finite. Other buffers may be
    infinite, as masks are."""
    parameters = dict(network.named_parameters())
    for name, value in network.state_dict().items():
        if name in parameters or ".running_" in f".{name}":
            check_finite(value, f"{what}: tensor {name!r}")


def begin(network: nn.Module, weights) -> int:
    """Give the network the tensors of a weights `File` whose names and shapes it has; how many these are."""
    own = network.state_dict()
    fit = {
        name: value for name, value in tensors(read_tensors(weights)[0]).items() if name in own and own[name].shape == value.shape
    }
    network.load_state_dict(own | fit)
    return len(fit)


def load(path, entry: dict, device="cpu", digest=None, layout="channels_last", precision="float32") -> tuple[Classifier, dict]:
    """The classifier of a config entry with the weights at `path`, as written by `save`, and what was saved with them.

    `layout`, `precision`: see `Classifier`; "measured" is what was found when the weights were made, so that all jobs agree.
    """
    arrays, about = read_tensors(path, digest)
    network = build(entry, about["classes"], about["channels"], about["size"])
    fill(network, tensors(arrays), str(path))
    layout, folded = (about["layout"], about["folded"]) if layout == "measured" else (layout, True)
    return Classifier(network, about["mean"], about["std"], device, folded, about["classes"], layout, precision), about


def opened(weights, device: str = "cpu", **other) -> tuple[Classifier, dict]:
    """The classifier of a weights `File` that knows its config entry and how the network `runs`, but for what is said `other`wise;
    and what was saved with it."""
    return load(weights, weights.about["entry"], device, weights.digest, **weights.about.get("runs", {}) | other)
