"""Worked examples of the LPI paper (Yang et al., AAAI 2023), through the integrator."""

import pandas as pd
import torch
from torch import Tensor, nn

from ..api import attribute
from ..model.classifier import Classifier

SCALE = 8.0  # a pixel in [0, 1] stands for a coordinate in [0, 8]; attributions do not change under that map
STEPS = 300  # a multiple of 3 and 4, so that no midpoint falls on a border between pieces and the sums are exact


class Piecewise(nn.Module):
    """F of Eq. 3: x1 + 3 x2 where x1, x2 <= 1; 3 x1 + x2 where x1, x2 > 1; 0 elsewhere. (N, 1, 1, 2) -> (N, 1)."""

    def forward(self, x: Tensor) -> Tensor:
        x1, x2 = x.flatten(1).T
        lower = (x1 <= 1) & (x2 <= 1)
        upper = (x1 > 1) & (x2 > 1)
        return (lower * (x1 + 3 * x2) + upper * (3 * x1 + x2))[:, None]


def examples() -> pd.DataFrame:
    """Both examples at both points: attribution computed by IG and as printed, and their ratio x1 : x2.

    Example 1 integrates from 0. Example 2 takes a reference in the same piece; the paper names none and prints the ratio
    3 : 1, which holds for references on the diagonal through the point, here (2, 2).
    """
    classifier = Classifier(Piecewise(), mean=(0.0,), std=(1 / SCALE,))
    printed = {(1, 1.5): (2.5, 3.5), (1, 4.0): (10.0, 6.0)}
    rows = []
    for example, reference in ((1, 0.0), (2, 2.0)):
        for place in (1.5, 4.0):
            x = torch.full((1, 1, 1, 2), place / SCALE)
            maps = attribute("ig", classifier, x, [0], steps=STEPS, baseline=reference / SCALE)
            first, second = maps["vanilla"].flatten().tolist()
            expected = printed.get((example, place), (float("nan"),) * 2)
            rows.append(
                {
                    "example": example,
                    "x": f"({place:g}, {place:g})",
                    "reference": f"({reference:g}, {reference:g})",
                    "x1": first,
                    "x2": second,
                    "x1_reported": expected[0],
                    "x2_reported": expected[1],
                    "ratio": first / second,
                    "ratio_reported": 3.0 if example == 2 else expected[0] / expected[1],
                }
            )
    return pd.DataFrame(rows).round(6)
