"""Methods whose path is an attack on the classifier."""

from ..batching import Ask
from ..errors import InputError
from ..registry import method


@method(
    "agi",
    paper="Pan et al., IJCAI 2021",
    equation="A = -sum_t sum_j dF_y(x_j)/dx * (x_{j+1} - x_j)",
    gradients="2 * steps * classes",
)
def agi(
    image,
    integral,
    *,
    steps: int = 20,
    classes: int = 1,
    step_size: float = 0.05,
    as_released: bool = False,
):
    """Adversarial Gradient Integration: the path of a targeted attack, integrated backwards.

    For each of `classes` random classes t other than the true y: x_0 = x and x_{j+1} = clip(x_j + step_size sign
    dF_t(x_j)/dx, 0, 1), at most `steps` times and until t is predicted; A is the mean over t of the sum over j of
    -dF_y(x_j)/dx (x_{j+1} - x_j), which approaches F_y(x) - F_y(x_adv). Two gradients a step, fewer where the attack
    succeeds early. Pan et al. use step_size 0.05.

    `as_released`: every step restarts from the image, x_{j+1} = clip(x + step_size sign dF_t(x_j)/dx), and contributes
    x_{j+1} - x, as all published code does; the attack then never leaves a ball of radius step_size.
    """
    others = [label for label in range(image.classes) if label != image.target]
    if classes > len(others):
        raise InputError(f"agi: classes is {classes}; accepted: at most the {len(others)} other classes")
    for other in image.draws("classes").choice(others, classes, replace=False):
        at = image.x
        for _ in range(steps):
            attack = yield Ask(at[None], int(other))
            if int(attack.logits[0].argmax()) == other:
                break
            origin = image.x if as_released else at
            after = (origin + step_size * attack.gradient[0].sign()).clamp(0, 1)
            answer = yield Ask(at[None], image.target)
            integral.add(answer.gradient, origin - after, 1 / classes)
            at = after
