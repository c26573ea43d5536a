"""Worked examples of the credible paper (Akhtar and Jalwana, ICML 2023), through the registered methods."""

import pandas as pd
import torch
from torch import Tensor, nn

from ..api import attribute
from ..model.classifier import Classifier

SCALE = 8.0  # a pixel in [0, 1] stands for a coordinate in [0, 8]; attributions do not change under that map
STEPS = 300  # a multiple of 3 and 4, so that no midpoint falls on a border between pieces and the sums are exact
POINTS = ((1.5, 1.5), (4.0, 4.0))
PRINTED = {  # (example, method, point): A
    (1, "ig", (1.5, 1.5)): (3.5, 6.5),
    (1, "ig", (4.0, 4.0)): (20.0, 19.0),
    (2, "credible", (1.5, 1.5)): (-6.0, -1.5),
    (2, "credible", (4.0, 4.0)): (4.0, 1.0),
}


class Piecewise(nn.Module):
    """F of Example 1: x1 + 4 x2 + 1 where x1, x2 <= 1; 4 x1 + x2 + 2 where x1, x2 > 1; 0 elsewhere. (N, 1, 1, 2) -> (N, 1)."""

    def forward(self, x: Tensor) -> Tensor:
        x1, x2 = x.flatten(1).T
        lower = (x1 <= 1) & (x2 <= 1)
        upper = (x1 > 1) & (x2 > 1)
        return (lower * (x1 + 4 * x2 + 1) + upper * (4 * x1 + x2 + 2))[:, None]


def examples() -> pd.DataFrame:
    """Both examples at both points: attribution by IG from 0, by the proposed method from (3, 3) in the same piece and from (2, 3),
    with the printed numbers and the ratio x1 : x2, which the paper says to be "always" 4 in size inside the piece.
    """
    classifier = Classifier(Piecewise(), mean=(0.0,), std=(1 / SCALE,))
    rows = []
    for example, method, reference in ((1, "ig", (0.0, 0.0)), (2, "credible", (3.0, 3.0)), (2, "credible", (2.0, 3.0))):
        for point in POINTS:
            x, baseline = (torch.tensor(place).view(1, 1, 1, 2) / SCALE for place in (point, reference))
            if method == "ig":
                maps = attribute("ig", classifier, x, [0], steps=STEPS)
            else:
                maps = attribute("credible", classifier, x, [0], baselines=baseline[:, None])
            first, second = maps["vanilla"].flatten().tolist()
            printed = PRINTED.get((example, method, point)) if reference != (2.0, 3.0) else None
            printed = printed or (float("nan"),) * 2
            rows.append(
                {
                    "example": example,
                    "method": method,
                    "x": "({:g}, {:g})".format(*point),
                    "reference": "({:g}, {:g})".format(*reference),
                    "x1": first,
                    "x2": second,
                    "x1_reported": printed[0],
                    "x2_reported": printed[1],
                    "ratio": first / second,
                    "ratio_reported": 4.0 if example == 2 else printed[0] / printed[1],
                }
            )
    return pd.DataFrame(rows).round(6)
