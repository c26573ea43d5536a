"""Credible path attribution (Akhtar and Jalwana, ICML 2023): baselines of equal logits, valid path features only."""

import torch

from ..batching import Ask
from ..errors import InputError
from ..registry import method


@method(
    "credible",
    paper="Akhtar and Jalwana, ICML 2023",
    equation="Algorithm 2, Definition 7",
    gradients="1 + baselines * (steps // baselines)",
    needs=("baselines",),
    baseline="compute_baseline",
    defaults="150 steps over three baselines: section 7",
    limits="Not complete: gradients that are not valid are left out. Where none is valid A is 0.",
)
def credible(image, integral, *, steps: int = 150):
    """Path integration over valid features, from the image's own baselines x'_b, computed beforehand.

    With rho = dF(x)/dx: on each path x~ = x'_b + alpha (x - x'_b), alpha ~ U(0, 1), `steps` shared among the baselines, an
    element is valid where rho~ = (x - x~) dF(x~)/dx has rho's sign and is smaller in size. A is the mean over b of (x - x'_b) times
    the mean of dF(x~)/dx over the valid points, 0 where there is none. The printed algorithm sets rho to 0 and uses it as
    threshold and accumulator at once; here the threshold stays.
    """
    count = len(image.baselines)
    each = steps // count
    if not each:
        raise InputError(f"credible: steps is {steps}; accepted: at least {count}, one a baseline")
    answer = yield Ask(image.x[None], image.target)
    threshold = answer.gradient[0]
    alpha = torch.from_numpy(image.draws("alpha").random((count, each), dtype="float32")).to(image.x)
    for baseline, places in zip(image.baselines, alpha, strict=True):
        points = baseline + places.view(-1, 1, 1, 1) * (image.x - baseline)
        answer = yield Ask(points, image.target)
        felt = (image.x - points) * answer.gradient
        valid = (felt.sign() == threshold.sign()) & (felt.abs() < threshold.abs())
        share = valid / valid.sum(0).clamp_min(1)
        integral.add(answer.gradient, share * (image.x - baseline), 1 / count)
