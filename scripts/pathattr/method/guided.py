"""Guided IG (Kapishnikov et al., CVPR 2021): the path that takes the pixels of small gradient first."""

import torch

from ..batching import Ask
from ..registry import method
from ..values import Fraction, NonNegative

CLOSE = 1e-6  # of the whole distance: a step has arrived


@method(
    "gig",
    paper="Kapishnikov et al., CVPR 2021 (Guided IG)",
    equation="A = sum of dF(x_k)/dx (x_{k+1} - x_k), adaptive path",
    gradients="steps",
    defaults="fraction 0.25, max_dist 0.02, black baseline: released code of Guided IG, which takes 200 steps; 50 are ours, the "
    "code of the LA paper takes 15",
    limits="Gradients are taken at the left end of each step, so completeness needs many steps.",
)
def gig(image, integral, *, steps: int = 50, fraction: Fraction = 0.25, max_dist: NonNegative = 0.02, baseline: float = 0.0):
    """Guided IG: a path from `baseline` to the image that moves the elements of small gradient first.

    After step k the path has covered k / `steps` of the L1 distance. Within a step the elements whose |gradient| is among
    the lowest `fraction` move towards the image, all by the same share, as far as `max_dist` ahead of the straight line allows,
    and then the next lowest, until the distance is covered; elements more than `max_dist` behind are brought up first. Every
    move adds itself times the gradient at the step's beginning. Each element (channel and pixel) moves on its own.
    """
    displacement = (image.x - baseline).double().flatten()
    weight = displacement.abs()
    whole = float(weight.sum())
    at = (displacement == 0).double()  # where each element is: 0 at the baseline, 1 at the image
    for step in range(steps if whole > 0 else 0):
        answer = yield Ask((baseline + at * displacement).float().view(1, *image.x.shape), image.target)
        size = answer.gradient.flatten().abs()
        share, before = (step + 1) / steps, at
        ahead = min(share + max_dist, 1.0)
        at = at.clamp_min(max(share - max_dist, 0.0))
        while True:
            left = whole * share - float(weight @ at)  # L1 distance still to be covered in this step
            free = at < ahead
            if left <= CLOSE * whole or not free.any():
                break
            sizes = torch.where(free, size, torch.inf)
            lowest = sizes.kthvalue(1 + int(fraction * (len(sizes) - 1))).values
            chosen = free & (sizes <= lowest)
            room = float(weight @ torch.where(chosen, ahead - at, 0.0))
            if room >= left:
                at = torch.where(chosen, at + left / room * (ahead - at), at)
                break
            at = torch.where(chosen, ahead, at)
        integral.add(answer.gradient, ((at - before) * displacement).float().view(image.x.shape))
