"""DeepLIFT (Shrikumar et al., ICML 2017) by Captum's Rescale rule, on any network that torch.fx can trace."""

import functools
import warnings
import weakref
from unittest.mock import patch

import torch
from torch import nn
from torch.nn.functional import max_pool2d

from ..batching import Ask
from ..errors import NotApplicable
from ..model.retrace import ACTIVATIONS, Product, retrace
from ..registry import method

COMPLETE = 0.01  # of the largest difference of outputs: what the contributions may miss
ROUNDING = 1e-4  # of the largest output: a smaller difference says nothing
_explained: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


class Apart(nn.Module):
    """A copy of its input, so that the hooks of two layers in a row do not sit on one tensor.

    Captum's hook on a layer's output, set first, would see the gradient before the hook on the next layer's input replaces it,
    and the rule of a max pool right behind an activation would be lost.
    """

    def forward(self, x):
        return x.clone()


class _Halved(torch.autograd.Function):
    """A product of inputs and baselines, one above the other as Captum has them. Each side gets what it changes at the mean of the
    other's two values, so that both get the whole: a b - a'b' = (a - a') (b + b') / 2 + (b - b') (a + a') / 2.
    """

    @staticmethod
    def forward(ctx, one, other):
        ctx.save_for_backward(one, other)
        return one * other

    @staticmethod
    def backward(ctx, gradient):
        one, other = ctx.saved_tensors
        middle = [sum(side.chunk(2)).div(2).repeat(2, *[1] * (side.ndim - 1)) for side in (one, other)]
        return (gradient * middle[1]).sum_to_size(one.shape), (gradient * middle[0]).sum_to_size(other.shape)


class Halved(nn.Module):
    """A product, by that rule where both sides are of the images."""

    def forward(self, one, other):
        of_images = torch.is_tensor(one) and torch.is_tensor(other) and one.ndim == other.ndim and len(one) == len(other)
        return _Halved.apply(one, other) if of_images and len(one) % 2 == 0 else one * other


class Explained(nn.Module):
    """What Captum gets: the network, retraced, its layers apart."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = retrace(network)
        for name, layer in list(self.network.named_modules()):
            if isinstance(layer, Product):
                self.network.set_submodule(name, Halved())
            if isinstance(layer, (*ACTIVATIONS, nn.MaxPool2d)):
                self.network.set_submodule(name, nn.Sequential(Apart(), layer))

    def forward(self, inputs):
        return self.network(inputs)


def max_pool(module, inputs, outputs, grad_input, grad_output, eps):
    """Multipliers of a max pool, inputs and baselines one above the other as Captum has them.

    What a window's maximum gains over max(x, x') goes to the winner in x, what it loses to the winner in x'. Captum 0.9's own
    rule drops all but one of the windows that an element wins, and takes the first image's gradient for all of a batch
    where an element does not change.
    """
    (x, base), (out, out_base) = inputs.chunk(2), outputs.chunk(2)
    _, winners = max_pool2d(
        inputs, module.kernel_size, module.stride, module.padding, module.dilation, module.ceil_mode, return_indices=True
    )
    top, passed = torch.maximum(out, out_base), grad_output.chunk(2)[0]
    gained = torch.zeros_like(x).flatten(2)
    for change, winner in zip((top - out_base, out - top), winners.chunk(2), strict=True):
        gained.scatter_add_(2, winner.flatten(2), (passed * change).flatten(2))
    change = x - base
    multiplier = torch.where(change.abs() < eps, grad_input.chunk(2)[0], gained.view_as(x) / change)
    return torch.cat([multiplier, multiplier])


def contributions(explained: nn.Module, inputs, baselines, target):
    """Captum's Rescale contributions (N, C, H, W) of normalised inputs and baselines.

    Captum lists the layers that it has a rule for. The rule is the same for every activation that acts element by element.
    """
    from captum.attr import DeepLift
    from captum.attr._core import deep_lift

    rules = dict.fromkeys(ACTIVATIONS, deep_lift.nonlinear) | {nn.MaxPool2d: max_pool}
    with patch.dict(deep_lift.SUPPORTED_NON_LINEAR, rules), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it sets hooks, and which tensors require gradients
        return DeepLift(explained).attribute(inputs, baselines, target=target)


def prepared(classifier, shape) -> nn.Module:
    """The classifier's network as Captum takes it. Raises `NotApplicable` where the rule leaves it incomplete, once for all
    images."""
    if classifier not in _explained:
        explained = Explained(classifier.module)
        probe = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0)).to(classifier.device)
        inputs, baselines = classifier.normalise(probe), classifier.normalise(torch.zeros_like(probe))
        found = contributions(explained, inputs, baselines, torch.zeros(2, dtype=torch.long, device=probe.device)).detach()
        with torch.no_grad():
            there, here = explained(inputs), explained(baselines)
        change = (there - here).abs().max().clamp_min(ROUNDING * there.abs().max())
        gap = float((found.sum((1, 2, 3)) - (there - here)[:, 0]).abs().max() / change)
        if not gap <= COMPLETE:
            raise NotApplicable(
                f"deeplift does not apply to this network: contributions miss the difference of outputs by {100 * gap:.0f} %"
            )
        _explained[classifier] = explained
    return _explained[classifier]


@functools.cache
def rescale(baseline: float):
    """The rule for one baseline level: contributions at normalised pixels. A point takes two passes, its own and the baseline's."""

    def rule(classifier, objective, points, target):
        explained = prepared(classifier, points.shape[1:])
        black = classifier.normalise(torch.full_like(points, baseline))
        return contributions(explained, classifier.normalise(points), black, target)

    rule.passes = 2
    return rule


@method(
    "deeplift",
    paper="Shrikumar et al., ICML 2017",
    equation="Taylor (10), Rescale rule",
    gradients="2",
    objectives=("logit",),
    defaults="black baseline: Taylor and LA papers",
    limits="The logit only: there is no Rescale rule for a softmax, and Captum's own sums over the batch. No rule for attention. "
    "Depends on how the network is written, not only on what it computes.",
    excludes=("attention",),
)
def deeplift(image, integral, *, baseline: float = 0.0):
    """DeepLIFT, Rescale rule: each activation passes back the ratio of its differences from the baseline in place of its slope.

    Captum's implementation, on the network retraced so that every activation is a module of its own; contributions sum to
    F(x) - F(x'), x' having every pixel equal to `baseline`. Of a product (squeeze and excitation) each side gets what it changes at
    the mean of the other's two values.
    """
    answer = yield Ask(image.x[None], image.target, rescale(baseline))
    integral.add(answer.gradient)
