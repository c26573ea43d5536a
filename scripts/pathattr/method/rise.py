"""RISE (Petsiuk et al., BMVC 2018): random masks, weighted by what the network still sees. No gradients."""

import torch
from torch.nn.functional import interpolate

from ..batching import LOGITS, Ask
from ..objective import OBJECTIVES
from ..registry import method
from ..values import Share

CHUNK = 128  # masks in memory at a time


def masks_of(grids, shifts, height: int, width: int) -> torch.Tensor:
    """Masks (K, 1, height, width) in [0, 1] from grids (K, s, s) of zeros and ones: each enlarged by linear interpolation to one
    cell more than the image on each axis and cut out at its shift (K, 2), rows and columns of pixels, each less than a cell."""
    cells = grids.shape[-1]
    cell = [-(-side // cells) for side in (height, width)]
    large = interpolate(grids[:, None], [(cells + 1) * side for side in cell], mode="bilinear", align_corners=False)
    cut = [one[:, top : top + height, left : left + width] for one, (top, left) in zip(large, shifts.tolist(), strict=True)]
    return torch.stack(cut)


@method(
    "rise",
    paper="Petsiuk et al., BMVC 2018 (RISE)",
    equation="(6): S(l) = 1 / (p N) sum of f(x * M_i) M_i(l)",
    gradients="0",
    forwards="masks",
    objectives=("probability", "logit", "log_probability", "loss"),
    defaults="7 x 7 cells, p 0.5: the paper, which takes 4 000 masks for VGG-16 and 8 000 for ResNet-50; behind them "
    "black, which is ours; the released code has the mean colour",
    limits="No sign: a map lies around the mean of f over the masks, and is higher where the class is. Noise falls with the "
    "root of the number of masks. Nothing finer than a cell, a seventh of the side.",
)
def rise(image, integral, *, masks: int = 4000, cells: int = 7, probability: Share = 0.5, value: float = 0.0):
    """RISE: the mean of random masks, each weighted by the objective at the image behind it, over their mean, `probability`.

    A mask is a grid of `cells` x `cells` that are open with `probability`, enlarged to the image with a random shift; what it hides
    has `value`. The map has one channel, spread evenly over the image's, so that its channel sum is the paper's.
    """
    channels, *sides = image.x.shape
    cell = [-(-side // cells) for side in sides]
    draw = image.draws("masks")
    grids = torch.from_numpy((draw.random((masks, cells, cells)) < probability).astype("float32")).to(image.x.device)
    shifts = torch.from_numpy(draw.integers(0, cell, (masks, 2)))
    total, target = torch.zeros(sides, device=image.x.device), torch.tensor([image.target], device=image.x.device)
    for some in torch.arange(masks).split(CHUNK):
        mask = masks_of(grids[some.to(grids.device)], shifts[some], *sides)
        answer = yield Ask(image.x * mask + value * (1 - mask), rule=LOGITS)
        weights = OBJECTIVES[image.objective](answer.logits, target.expand(len(some)))
        total += (weights.view(-1, 1, 1) * mask[:, 0]).sum(0)
    integral.add((total / (masks * probability)).expand(1, channels, *sides), 1 / channels)
