"""The nearest point found beyond the decision boundary (Wang et al., 2022)."""

import torch

from ..batching import Ask
from ..registry import baseline
from ..values import Positive
from .found import Found

TINY = 1e-12  # below it a length counts as none


@baseline(
    "boundary",
    paper="Wang et al., ICML 2022 (BIG)",
    equation="argmin ||x' - x||_2, argmax F(x') != argmax F(x)",
    gradients="number of radii * (attack_steps + 1), at most",
    defaults="radii and 40 steps: released code of BIG, its PGD part; the step is ours",
)
def boundary(
    image,
    *,
    radii: tuple[Positive, ...] = (36 / 255, 64 / 255, 0.3, 0.5, 0.7, 0.9, 1.1),
    attack_steps: int = 40,
):
    """The point where an attack first changes the predicted class, by the first of `radii` (L2, in pixel values) that can.

    Each radius: from x, `attack_steps` steps of length 2 radius / attack_steps along the gradient of the cross-entropy of the
    predicted class, projected to the ball and clipped to [0, 1]; it ends at the first point of another class. Where no
    radius succeeds, the last point of the last one is taken and `met` is false. `distance`: L2 in pixel values. The released code
    steps by 2 radius^2 / attack_steps in normalised units; here the step is in proportion to the radius, in pixel values.
    """
    answer = yield Ask(image.x[None], rule="logits")
    predicted, done, taken = int(answer.logits[0].argmax()), 0, 0
    for radius in radii:
        moved = image.x
        for step in range(attack_steps + 1):
            answer = yield Ask(moved[None], predicted, "loss")
            taken += 1
            if int(answer.logits[0].argmax()) != predicted:
                return [Found(moved, True, done, _distance(moved, image.x), taken)]
            if step < attack_steps:
                length = torch.linalg.vector_norm(answer.gradient[0]).clamp_min(TINY)
                away = moved + 2 * radius / attack_steps * answer.gradient[0] / length - image.x
                away = away * min(1.0, radius / max(float(torch.linalg.vector_norm(away)), TINY))
                moved, done = (image.x + away).clamp(0, 1), done + 1
    return [Found(moved, False, done, _distance(moved, image.x), taken)]


def _distance(one, other) -> float:
    return float(torch.linalg.vector_norm(one - other))
