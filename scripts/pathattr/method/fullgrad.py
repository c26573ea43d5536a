"""FullGrad (Srinivas and Fleuret, NeurIPS 2019): input gradients and the gradients of every bias."""

import torch
from torch import nn
from torch.nn.functional import interpolate

from ..batching import Ask
from ..errors import NotApplicable
from ..integrate import slope
from ..registry import method

SPATIAL = (nn.Conv2d, nn.BatchNorm2d)


def bias_of(layer: nn.Module) -> torch.Tensor | None:
    """What a layer adds, a number a channel: its bias, or a batch norm's beta - mu gamma / sqrt(var + eps)."""
    if isinstance(layer, nn.BatchNorm2d):
        gamma = 1.0 if layer.weight is None else layer.weight
        beta = 0.0 if layer.bias is None else layer.bias
        return beta - layer.running_mean * gamma / torch.sqrt(layer.running_var + layer.eps)
    return layer.bias


def terms(classifier, points, target) -> tuple[torch.Tensor, torch.Tensor, list[tuple[nn.Module, torch.Tensor]]]:
    """The terms whose sum is the logit: ((N,) logits, (N, C, H, W) input gradient x input, [(layer, gradient x bias)]).

    Eq. 4 of the paper, for networks of rectifiers. The input is normalised pixels. A layer used twice stands twice.
    """
    outputs: list[tuple[nn.Module, torch.Tensor]] = []

    def keep(layer, _, output):
        outputs.append((layer, output))
        return output.clone()  # what follows may change it in place

    layers = [layer for layer in classifier.module.modules() if isinstance(layer, (*SPATIAL, nn.Linear))]
    hooks = [layer.register_forward_hook(keep) for layer in layers if bias_of(layer) is not None]
    try:
        inputs = classifier.normalise(points).requires_grad_(True)
        logits = classifier.module(inputs).gather(1, target[:, None])[:, 0]
    finally:
        for hook in hooks:
            hook.remove()
    of_input, *of_outputs = slope(logits, [inputs, *(output for _, output in outputs)])
    biases = []
    for (layer, _), gradient in zip(outputs, of_outputs, strict=True):
        bias = bias_of(layer)
        biases.append((layer, gradient * (bias if isinstance(layer, nn.Linear) else bias.view(1, -1, 1, 1))))
    return logits.detach(), of_input * inputs.detach(), biases


def scaled(term: torch.Tensor) -> torch.Tensor:
    """psi: absolute values, from 0 to 1 for each image."""
    size = term.abs().flatten(1)
    low, high = size.amin(1, keepdim=True), size.amax(1, keepdim=True)
    return ((size - low) / (high - low).clamp_min(1e-6)).view_as(term)


def rule(classifier, objective, points, target):
    """Eq. 6: the map, its channel sum spread evenly over the channels."""
    kinds = {type(layer).__name__ for layer in classifier.module.modules()}
    if without := sorted(kind for kind in kinds if "attention" in kind.lower()):
        raise NotApplicable(f"fullgrad does not apply to this network: no rule for {', '.join(without)}")
    _, of_input, biases = terms(classifier, points, target)
    saliency = scaled(of_input).sum(1, keepdim=True)
    for layer, term in biases:
        if isinstance(layer, SPATIAL):
            both = scaled(term).sum(1, keepdim=True)  # upsampling is linear: the channels' sum first is the same
            saliency = saliency + interpolate(both, points.shape[2:], mode="bilinear", align_corners=True)
    return saliency.expand_as(points) / points.shape[1]


@method(
    "fullgrad",
    paper="Srinivas and Fleuret, NeurIPS 2019",
    equation="(4), (6)",
    gradients="1",
    objectives=("logit",),
    defaults="psi, bilinear upsampling, no linear biases in the map: released code",
    limits="No sign: psi takes absolute values. Values lie far above 0, since hundreds of coarse channels, each scaled to [0, 1], "
    "add up: on a scale around 0 a map looks saturated, though its order is not. Biases count where they are added, so a "
    "folded batch norm gives another map. The terms sum to the logit for networks of rectifiers only.",
    excludes=("attention",),
)
def fullgrad(image, integral):
    """FullGrad: |gradient x input| and |gradient x bias| of every convolution and batch norm, each scaled to [0, 1], summed.

    Bias terms are upsampled to the image. The map has one channel, spread evenly over the image's, so that its channel sum is
    the paper's map.
    """
    answer = yield Ask(image.x[None], image.target, rule)
    integral.add(answer.gradient)
