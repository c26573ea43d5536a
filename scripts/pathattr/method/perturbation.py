"""Methods that change pixels and look at the output (Taylor framework, section 3 II and III). No gradients."""

from typing import Literal

import torch

from ..batching import LOGITS, Ask
from ..objective import OBJECTIVES
from ..registry import method
from ..values import Pixels

CHUNK = 128  # changed images in memory at a time


def drops(image, groups, count: int, value: float):
    """F(x) - F(x with one group of elements set to `value`), for each of `count` groups: (count,).

    `groups`: (C, H, W) whole numbers, the group that each element belongs to.
    """
    score, target = OBJECTIVES[image.objective], torch.tensor([image.target], device=image.x.device)
    answer = yield Ask(image.x[None], rule=LOGITS)
    whole, changed = score(answer.logits, target), []
    for some in torch.arange(count, device=image.x.device).split(CHUNK):
        answer = yield Ask(torch.where(groups == some.view(-1, 1, 1, 1), value, image.x), rule=LOGITS)
        changed.append(score(answer.logits, target.expand(len(some))))
    return whole - torch.cat(changed)


@method(
    "perturbation_1",
    paper="Deng et al., 2020 (Taylor framework)",
    equation="section 3 II, (8): a_i = f(x) - f(x')",
    gradients="0",
    forwards="1 + (elements if per == 'element' else pixels)",
    defaults="black is ours, the paper says a constant v",
    limits="No interactions between elements; one forward pass an element (C x H x W of them).",
)
def perturbation_1(image, integral, *, value: float = 0.0, per: Literal["element", "pixel"] = "element"):
    """Perturbation-1: what the output loses when one element, or one pixel in all its channels, is set to `value`.

    A pixel's loss stands in each of its channels divided by their number, so that the channel sum is the loss.
    """
    channels, *sides = image.x.shape
    count = sides[0] * sides[1] * (channels if per == "element" else 1)
    groups = torch.arange(count, device=image.x.device).view(-1, *sides).expand_as(image.x)
    lost = yield from drops(image, groups, count, value)
    integral.add(lost[groups][None], 1.0 if per == "element" else 1 / channels)


@method(
    "perturbation_patch",
    paper="Deng et al., 2020 (Taylor framework)",
    equation="section 3 III, (9)",
    gradients="0",
    forwards="1 + ceil(height / size) * ceil(width / size)",
    defaults="8 x 8 patches side by side, black, are ours: the paper prints none",
    limits="Every element of a patch gets the patch's whole loss: nothing finer than a patch.",
)
def perturbation_patch(image, integral, *, size: Pixels = 8, value: float = 0.0):
    """Perturbation-patch: what the output loses when a patch of `size` x `size` pixels is set to `value`, at all its elements."""
    _, height, width = image.x.shape
    row, column = torch.arange(height, device=image.x.device) // size, torch.arange(width, device=image.x.device) // size
    columns = int(column[-1]) + 1
    patch = (row[:, None] * columns + column).expand_as(image.x)
    lost = yield from drops(image, patch, (int(row[-1]) + 1) * columns, value)
    integral.add(lost[patch][None])
