"""Methods that integrate along the straight line from one reference."""

from typing import Literal

import torch

from ..batching import Ask
from ..errors import InputError
from ..registry import method


def quadrature(rule: str, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Nodes in [0, 1] and weights that sum to 1, both (steps,), of a rule for the integral over alpha."""
    if rule == "midpoint":
        return (torch.arange(steps) + 0.5) / steps, torch.full((steps,), 1 / steps)
    if rule == "right":
        return torch.arange(1, steps + 1) / steps, torch.full((steps,), 1 / steps)
    if rule == "trapezoid":
        if steps < 2:
            raise InputError("rule 'trapezoid' takes at least 2 steps")
        weights = torch.full((steps,), 1 / (steps - 1))
        weights[[0, -1]] /= 2
        return torch.linspace(0, 1, steps), weights
    raise InputError(f"unknown rule {rule!r}; accepted: midpoint, right, trapezoid")


@method("ig", paper="Sundararajan et al., ICML 2017", equation="LPI (1)", gradients="steps")
def ig(
    image,
    integral,
    *,
    steps: int = 20,
    rule: Literal["midpoint", "right", "trapezoid"] = "midpoint",
    baseline: float = 0.0,
):
    """Integrated Gradients: A = (x - x') * integral over alpha in [0, 1] of dF(x' + alpha (x - x'))/dx.

    Eq. 1 of the LPI paper. The reference x' has every pixel equal to `baseline` (0: black); `steps` gradients by the
    midpoint rule, or `right` or `trapezoid`. Pixels equal to the reference get exactly 0.
    """
    alpha, weight = quadrature(rule, steps)
    displacement = image.x - baseline
    points = baseline + alpha.to(image.x).view(-1, 1, 1, 1) * displacement  # (steps, C, H, W)
    answer = yield Ask(points, image.target)
    integral.add(answer.gradient, displacement, weight, points)
