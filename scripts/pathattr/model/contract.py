"""What a network must do to be explained, tried on two images before anything is computed with it."""

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ..errors import InputError, problem
from ..finite import check_finite

SAME = 1e-4  # of the largest logit: more than the rounding of another kernel


def check_module(network, where: str) -> nn.Module:
    """What a function of the user's own returned, if it is a network that can be saved and trained. Raises `InputError`."""
    if not isinstance(network, nn.Module):
        raise InputError(f"{where}: the function returns {_kind(network)}; accepted: a torch.nn.Module")
    for name, value in network.state_dict().items():
        if not isinstance(value, Tensor):
            kind = _kind(value)
        elif is_lazy(value) or value.is_meta:
            kind = "without values"
        elif value.dtype != torch.float32 and (value.is_floating_point() or value.is_complex()):
            kind = str(value.dtype).removeprefix("torch.")
        else:
            continue
        raise InputError(f"{where}: {name!r} of the network's state is {kind}; accepted: float32 or whole numbers, in tensors")
    return network


def check(network: nn.Module, image: Tensor, classes: int | None, where: str) -> int:
    """Raise `InputError`, one line that begins with `where`, for a network that cannot be explained; how many classes it has.

    It must give finite float32 logits (N, `classes`) of any N normalised images, one being `image` (C, H, W) on its device: the
    same each time, whatever they are computed with, and with a gradient towards the image; and leave its input as it is. It is
    put in evaluation mode.
    """
    network.eval()
    x = torch.stack([image, image.flip(-1) / 2]).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        first, second, alone = (logits(network, images, where, classes) for images in (x, x, x[:1]))
    largest = float(first.abs().max())
    for found, what in (
        (second - first, "differ from call to call; accepted: the same each time (no dropout or draws in evaluation mode)"),
        (alone - first[:1], "of an image depend on those beside it; accepted: a network that takes each image by itself"),
    ):
        if float(found.abs().max()) > SAME * largest:
            raise InputError(f"{where}: the logits {what}")
    with torch.enable_grad():
        points = x.requires_grad_(True)
        score = logits(network, points * 1, where, classes).sum()  # as the integrator has it, no leaf
        try:
            (gradient,) = torch.autograd.grad(score, points, allow_unused=True) if score.requires_grad else (None,)
        except Exception as error:
            raise InputError(f"{where}: its gradient raises {problem(error)}; accepted: a differentiable network") from error
    if gradient is None:
        raise InputError(f"{where}: the logits have no gradient towards the image; accepted: a differentiable network")
    check_finite(gradient, f"{where}: its gradient")
    return first.shape[1]


def logits(network: nn.Module, x: Tensor, where: str, classes: int | None = None) -> Tensor:
    """Logits of a network in whatever mode it is in, (N, classes) of x (N, C, H, W). Raises `InputError` for anything else."""
    before = x.detach().clone()
    try:
        found = network(x)
    except (Exception, SystemExit) as error:
        raise InputError(f"{where}: the network raises {problem(error)}; accepted: {_accepted(classes)}") from error
    if not isinstance(found, Tensor):
        raise InputError(f"{where}: the network returns {_kind(found)}; accepted: {_accepted(classes)}")
    rows, columns = found.shape if found.ndim == 2 else (0, 0)
    if rows != len(x) or columns != (classes or columns) or found.dtype != torch.float32:
        what = f"{str(found.dtype).removeprefix('torch.')} {tuple(found.shape)} of {len(x)} images"
        raise InputError(f"{where}: the network returns {what}; accepted: {_accepted(classes)}")
    if not torch.equal(x.detach(), before):
        raise InputError(f"{where}: the network changes its input in place; accepted: one that leaves it as it is")
    check_finite(found, f"{where}: the network's logits")
    return found


def _kind(value) -> str:
    name = type(value).__name__
    return "None" if value is None else f"a{'n' * (name[0] in 'aeiou')} {name}"


def _accepted(classes: int | None) -> str:
    return f"logits, a float32 tensor (images, {classes or 'classes'})"
