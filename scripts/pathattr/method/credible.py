"""Credible path attribution (Akhtar and Jalwana, ICML 2023): baselines of equal logits, valid path features only."""

import torch

from ..batching import Ask
from ..registry import method


@method(
    "credible",
    paper="Akhtar and Jalwana, ICML 2023",
    equation="Algorithm 2, Definition 7",
    gradients="1 + baselines * (steps // baselines)",
    nested=("steps",),
    needs=("baselines",),
    holds={"steps >= baselines": "at least one step a baseline"},
    baseline="compute_baseline",
    defaults="150 steps over three baselines: section 7",
    limits="Not complete: gradients that are not valid are left out. Where none is valid A is 0.",
)
def credible(image, integral, *, steps: int = 150, as_printed: bool = False):
    """Path integration over valid features, from the image's own baselines x'_b, computed beforehand.

    On each path x~ = x'_b + alpha (x - x'_b), alpha ~ U(0, 1), `steps` shared among the baselines, an element is valid
    (Definition 7) where (x - x~) dF(x~)/dx has the sign of (x - x'_b) dF(x)/dx and is smaller in size: gradients along the path on
    both sides, as footnote 3 has them. A is the mean over b of (x - x'_b) times the mean of dF(x~)/dx over the valid points, 0
    where there is none. So one linear piece accepts every point (Proposition 2), Example 2 comes out as printed, and the unit of
    a pixel does not matter. Fewer steps draw the first of the alphas that more steps draw.

    `as_printed`: line 9 of Algorithm 2 read literally, dF(x)/dx itself against (x - x~) dF(x~)/dx: it rejects all points where
    x < x'_b, and depends on the unit. (Lines 1 and 4 set rho to 0, and line 10 adds to it; here the threshold stays.)
    """
    count = len(image.baselines)
    each = steps // count
    answer = yield Ask(image.x[None], image.target)
    slope = answer.gradient[0]
    for number, baseline in enumerate(image.baselines):
        alpha = torch.from_numpy(image.draws("alpha", number).random(each, dtype="float32")).to(image.x)
        points = baseline + alpha.view(-1, 1, 1, 1) * (image.x - baseline)
        answer = yield Ask(points, image.target)
        felt = (image.x - points) * answer.gradient
        threshold = slope if as_printed else (image.x - baseline) * slope
        valid = (felt.sign() == threshold.sign()) & (felt.abs() < threshold.abs())
        for part, few in [(integral, each), *((part, value // count) for (_, value), part in integral.parts.items())]:
            share = valid[:few] / valid[:few].sum(0).clamp_min(1)
            part.add(answer.gradient[:few], share * (image.x - baseline), 1 / count)
