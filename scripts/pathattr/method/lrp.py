"""Layer-wise relevance propagation by the epsilon rule (Bach et al., 2015), by zennit, on any network that torch.fx can trace."""

import functools
import weakref

import torch
from torch import nn

from ..batching import Ask
from ..errors import NotApplicable
from ..integrate import slope
from ..model.retrace import ACTIVATIONS, PASSIVE, POOLS, Padding, Plus, Product, Shift, operations, retrace
from ..model.torchvision import import_torchvision
from ..registry import method
from ..values import Positive

LINEAR = (nn.Linear, nn.Conv2d, nn.BatchNorm2d)
MAXIMA = (nn.MaxPool2d, nn.AdaptiveMaxPool2d)
ROUTING = {  # moves values about, so that relevance goes back the way that they came
    *("flatten", "cat", "stack", "view", "reshape", "permute", "transpose", "squeeze", "unsqueeze", "chunk", "split"),
    *("contiguous", "size", "floordiv", "getitem", "getattr"),
}
_retraced: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


class Stacked(nn.Module):
    """The sum of two branches through zennit's layer, which the rule can be put on."""

    def __init__(self):
        super().__init__()
        from zennit.layer import Sum

        self.sum = Sum()

    def forward(self, one, other):
        return self.sum(torch.stack(torch.broadcast_tensors(one, other), -1))


class _Gated(torch.autograd.Function):
    """signal * gate; all that comes back goes to the signal, as it is."""

    @staticmethod
    def forward(ctx, signal, gate):
        return signal * gate

    @staticmethod
    def backward(ctx, relevance):
        return relevance, None


class Gate(nn.Module):
    """A product of which one side is the signal, and the other, a number a channel, an image or all, a gate."""

    def forward(self, one, other):
        if not torch.is_tensor(one) and not torch.is_tensor(other):
            return one * other  # sizes
        signal, gate = (one, other) if _count(one) >= _count(other) else (other, one)
        if _count(gate) == _count(signal) or torch.broadcast_shapes(signal.shape, getattr(gate, "shape", ())) != signal.shape:
            raise NotApplicable("lrp_epsilon does not apply to this network: no rule for a product of two maps")
        return _Gated.apply(signal, gate.detach() if torch.is_tensor(gate) else gate)


def _count(value) -> int:
    return value.numel() if torch.is_tensor(value) else 0


def prepared(classifier) -> nn.Module:
    """The classifier's network, ready for zennit's hooks. Raises `NotApplicable` naming what there is no rule for."""
    if classifier not in _retraced:
        import_torchvision()  # zennit imports it too
        network = retrace(classifier.module)
        known = {
            kind.__name__ for kind in (*LINEAR, *MAXIMA, *ACTIVATIONS, *POOLS, *PASSIVE, Padding, Plus, Product, Shift)
        } | ROUTING
        without = sorted(operations(network) - known)
        if without:
            raise NotApplicable(f"lrp_epsilon does not apply to this network: no rule for {', '.join(without)}")
        for name, module in list(network.named_modules()):
            if isinstance(module, Plus | Product):
                network.set_submodule(name, Stacked() if isinstance(module, Plus) else Gate())
        _retraced[classifier] = network
    return _retraced[classifier]


@functools.cache
def epsilon_rule(epsilon: Positive):
    """The rule: relevance of the target's logit at the normalised pixels."""

    def rule(classifier, objective, points, target):
        network = prepared(classifier)
        from zennit.composites import LayerMapComposite
        from zennit.layer import Sum
        from zennit.rules import Epsilon, Norm, Pass

        composite = LayerMapComposite(
            [
                (ACTIVATIONS, Pass()),
                ((*POOLS, Sum, Shift), Norm(epsilon)),
                (LINEAR, Epsilon(epsilon)),
            ]
        )
        inputs = classifier.normalise(points).requires_grad_(True)
        with composite.context(network) as hooked:
            logits = hooked(inputs)
            chosen = logits.gather(1, target[:, None])
            return slope(chosen * chosen.detach(), inputs)[0]  # the relevance to begin with is the logit itself

    return rule


@method(
    "lrp_epsilon",
    paper="Bach et al., PLoS ONE 2015",
    equation="R_i = sum_j z_ij / (z_j + epsilon sign z_j) R_j",
    gradients="1",
    objectives=("logit",),
    defaults="epsilon 1e-6: zennit's default",
    limits="Biases take their share of relevance. For epsilon near 0 and rectifiers it is gradient times normalised input. Where "
    "one side of a product is a gate (squeeze and excitation) all relevance goes to the other; no rule for other products "
    "(attention).",
    excludes=("attention",),
)
def lrp_epsilon(image, integral, *, epsilon: Positive = 1e-6):
    """LRP with the epsilon rule at every convolution, linear layer and batch norm, from the target's logit to the pixels.

    zennit's rules, on the network retraced so that every sum is a layer: activations pass relevance on, maxima give it to the
    winner, averages and sums of branches share it in proportion, gates give it to the signal. The input is what the network was
    trained on, normalised pixels.
    """
    answer = yield Ask(image.x[None], image.target, epsilon_rule(epsilon))
    integral.add(answer.gradient)
