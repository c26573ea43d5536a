"""The desired baseline of credible path attribution (ICML 2023): other pixels, the same logits."""

import torch
from torch.nn.functional import conv2d, pad

from ..batching import Ask
from ..errors import InputError
from ..registry import baseline
from .found import Found


def blur(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """Gaussian blur of (C, H, W) by a separable kernel of 3 sigma to each side, edge pixels repeated."""
    reach = max(1, round(3 * sigma))
    place = torch.arange(-reach, reach + 1, dtype=x.dtype, device=x.device)
    kernel = torch.exp(-(place**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    wide = pad(x[:, None], (reach, reach, reach, reach), mode="replicate")
    return conv2d(conv2d(wide, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))[:, 0]


def push(x: torch.Tensor, moved: torch.Tensor, delta: float) -> torch.Tensor:
    """`moved` with every element at least delta from x and inside [0, 1].

    Lines 4 to 7 of Algorithm 1: what lies nearer moves on by delta, away from x. Two mends, so that Definition 6 holds of every
    element: one that equals x moves up rather than nowhere, and one that clipping would bring back within delta goes to
    the other side of x, where there is room.
    """
    side = torch.where(moved >= x, 1.0, -1.0)
    near = (x - moved).abs() < delta
    moved = torch.where(near, moved + side * delta, moved).clamp(0, 1)
    cramped = (x - moved).abs() < delta - 1e-6  # beyond rounding
    return torch.where(cramped, x - side * delta, moved)


@baseline(
    "compute_baseline",
    paper="Akhtar and Jalwana, ICML 2023",
    equation="Algorithm 1, Definition 6",
    gradients="iterations * number of blurs, at most",
    defaults="three baselines: section 7; delta 5/255: the supplement as reported elsewhere; blurs, step_size, tolerance and "
    "iterations are ours, the paper prints none",
)
def compute_baseline(
    image,
    *,
    blurs: tuple[float, ...] = (2.0, 4.0, 8.0),
    step_size: float = 1 / 255,
    tolerance: float = 1.0,
    delta: float = 5 / 255,
    iterations: int = 50,
):
    """ComputeBaseline: one baseline for each standard deviation of `blurs`, in pixels.

    Algorithm 1: begin at the blurred image; while ||F(x) - F(x')||_2 of the logits exceeds `tolerance`, take a step of
    `step_size` against the sign of the gradient of the cross-entropy of the predicted class, move elements within `delta` of x
    away from it, and clip. The printed loop may never end: after `iterations` the nearest point so far is taken, and `met` is
    false. `distance` is that of the logits. The constraint |x - x'| >= delta holds of every element.
    """
    if not 0 < delta <= 0.5:
        raise InputError(f"compute_baseline: delta is {delta}; accepted: above 0, at most 0.5")
    if not blurs or not all(sigma > 0 for sigma in blurs):
        raise InputError(
            f"compute_baseline: blurs are {tuple(blurs)}; accepted: one or more standard deviations above 0, in pixels"
        )
    answer = yield Ask(image.x[None], rule="logits")
    there, predicted = answer.logits[0], int(answer.logits[0].argmax())
    found = []
    for sigma in blurs:
        moved, best, nearest = push(image.x, blur(image.x, sigma), delta), None, float("inf")
        for done in range(iterations + 1):
            answer = yield Ask(moved[None], predicted, "loss")
            distance = float(torch.linalg.vector_norm(answer.logits[0] - there))
            if best is None or distance < nearest:
                best, nearest = moved, distance
            if nearest <= tolerance or done == iterations:
                break
            moved = push(image.x, moved - step_size * answer.gradient[0].sign(), delta)
        found.append(Found(best, nearest <= tolerance, done, nearest, done + 1))
    return found
