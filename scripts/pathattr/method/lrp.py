"""Layer-wise relevance propagation by the epsilon rule (Bach et al., 2015), by zennit, on any network that torch.fx can trace."""

import functools
import weakref

import torch
from torch import nn

from ..batching import Ask
from ..errors import InputError
from ..integrate import slope
from ..model.retrace import ACTIVATIONS, PASSIVE, POOLS, Plus, operations, retrace
from ..model.torchvision import import_torchvision
from ..registry import method
from ..values import Positive

LINEAR = (nn.Linear, nn.Conv2d, nn.BatchNorm2d)
MAXIMA = (nn.MaxPool2d, nn.AdaptiveMaxPool2d)
ROUTING = {"flatten", "cat", "view", "reshape", "squeeze", "contiguous", "size", "getitem", "getattr"}  # move values about
_retraced: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


class Stacked(nn.Module):
    """The sum of two branches through zennit's layer, which the rule can be put on."""

    def __init__(self):
        super().__init__()
        from zennit.layer import Sum

        self.sum = Sum()

    def forward(self, one, other):
        return self.sum(torch.stack([one, other], -1))


def prepared(classifier) -> nn.Module:
    """The classifier's network, ready for zennit's hooks. Raises `InputError` naming what there is no rule for."""
    if classifier not in _retraced:
        import_torchvision()  # zennit imports it too
        network = retrace(classifier.module)
        known = {kind.__name__ for kind in (*LINEAR, *MAXIMA, *ACTIVATIONS, *POOLS, *PASSIVE, Plus)} | ROUTING
        without = sorted(operations(network) - known)
        if without:
            raise InputError(f"lrp_epsilon does not apply to this network: no rule for {', '.join(without)}")
        for name, module in list(network.named_modules()):
            if isinstance(module, Plus):
                network.set_submodule(name, Stacked())
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
                ((*POOLS, Sum), Norm(epsilon)),
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
    limits="Biases take their share of relevance. For epsilon near 0 and rectifiers it is gradient times normalised input. No rule "
    "for products of activations (attention).",
    excludes=("attention",),
)
def lrp_epsilon(image, integral, *, epsilon: Positive = 1e-6):
    """LRP with the epsilon rule at every convolution, linear layer and batch norm, from the target's logit to the pixels.

    zennit's rules, on the network retraced so that every sum is a layer: activations pass relevance on, maxima give it to the
    winner, averages and sums of branches share it in proportion. The input is what the network was trained on, normalised
    pixels.
    """
    answer = yield Ask(image.x[None], image.target, epsilon_rule(epsilon))
    integral.add(answer.gradient)
