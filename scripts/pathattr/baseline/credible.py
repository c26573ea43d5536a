"""The desired baseline of credible path attribution (ICML 2023): other pixels, the same logits."""

from typing import Literal

import torch

from ..batching import Ask
from ..blur import blur
from ..registry import baseline
from ..values import Blur, Margin, NonNegative, Positive
from .found import Found


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
    gradients="(iterations + 1) * number of blurs, at most",
    defaults="three baselines: section 7; delta 5/255: the supplement as reported elsewhere; blurs, step_size, tolerance and "
    "iterations are ours, the paper prints none",
)
def compute_baseline(
    image,
    *,
    blurs: tuple[Blur, ...] = (2.0, 4.0, 8.0),
    step_size: Positive = 1 / 255,
    tolerance: NonNegative = 0.07,
    delta: Margin = 5 / 255,
    iterations: int = 50,
    loss: Literal["distance", "soft", "hard"] = "distance",
):
    """ComputeBaseline: one baseline for each standard deviation of `blurs`, in pixels.

    Algorithm 1: begin at the blurred image; while ||F(x) - F(x')||_2 of the logits exceeds `tolerance` times ||F(x)||_2, take a
    step of `step_size` against the sign of the gradient of the loss, move elements within `delta` of x away from it, and clip.
    `loss` is what line 3 descends: the squared "distance" of the logits, which Eq. 4 minimises, or the cross-entropy of Lemma 1
    with the probabilities of x ("soft") or with its class ("hard"), whose fixed point is not F(x). The printed loop may never
    end: after `iterations` the nearest point so far is taken, and `met` is false. `distance` is relative, as the tolerance is.
    The constraint |x - x'| >= delta holds of every element.
    """
    answer = yield Ask(image.x[None], rule="logits")
    there = answer.logits[0]
    size = float(torch.linalg.vector_norm(there)) or 1.0
    rule, aim = {
        "distance": ("logit_distance", there[None]),
        "soft": ("soft_loss", there[None]),
        "hard": ("loss", int(there.argmax())),
    }[loss]
    found = []
    for sigma in blurs:
        moved, best, nearest = push(image.x, blur(image.x, sigma), delta), None, float("inf")
        for done in range(iterations + 1):
            answer = yield Ask(moved[None], aim, rule)
            distance = float(torch.linalg.vector_norm(answer.logits[0] - there)) / size
            if best is None or distance < nearest:
                best, nearest = moved, distance
            if nearest <= tolerance or done == iterations:
                break
            moved = push(image.x, moved - step_size * answer.gradient[0].sign(), delta)
        found.append(Found(best, nearest <= tolerance, done, nearest, done + 1))
    return found
