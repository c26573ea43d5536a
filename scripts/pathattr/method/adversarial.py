"""Methods whose path is an attack on the classifier."""

from typing import Literal

import torch

from ..batching import Ask
from ..registry import method
from ..values import OtherClasses, Positive


@method(
    "agi",
    paper="Pan et al., IJCAI 2021",
    equation="A = -sum_t sum_j dF_y(x_j)/dx * (x_{j+1} - x_j)",
    gradients="2 * steps * classes",
    variants=("vanilla", "absolute", "valid_interpolations", "valid_references"),
    defaults="20 steps, one random class: LPI paper, Comparison; step_size 0.05: released code of AGI",
    limits="An attack that succeeds at once leaves no path, and a map of 0.",
)
def agi(
    image,
    integral,
    *,
    steps: int = 20,
    classes: OtherClasses = 1,
    step_size: Positive = 0.05,
    as_released: bool = False,
):
    """Adversarial Gradient Integration: the path of a targeted attack, integrated backwards.

    For each of `classes` random classes t other than the true y: x_0 = x and x_{j+1} = clip(x_j + step_size sign
    dF_t(x_j)/dx, 0, 1), at most `steps` times and until t is predicted; A is the mean over t of the sum over j of
    -dF_y(x_j)/dx (x_{j+1} - x_j), which approaches F_y(x) - F_y(x_adv). Two gradients a step, fewer where the attack
    succeeds early. For the re-calibrated forms, x_j are the interpolations and each class's attack is a reference.

    `as_released`: every step restarts from the image, x_{j+1} = clip(x + step_size sign dF_t(x_j)/dx), and contributes
    x_{j+1} - x, as all published code does; the attack then never leaves a ball of radius step_size.
    """
    others = [label for label in range(image.classes) if label != image.target]
    for number, other in enumerate(image.draws("classes").choice(others, classes, replace=False)):
        at = image.x
        for _ in range(steps):
            attack = yield Ask(at[None], int(other))
            if int(attack.logits[0].argmax()) == other:
                break
            origin = image.x if as_released else at
            after = (origin + step_size * attack.gradient[0].sign()).clamp(0, 1)
            answer = yield Ask(at[None], image.target)
            integral.add(answer.gradient, origin - after, 1 / classes, points=at[None], references=[number])
            at = after


@method(
    "mfaba",
    paper="Zhu et al., AAAI 2024 (MFABA)",
    equation="A = -sum_t dF(x_t)/dx * (x_{t+1} - x_t)",
    gradients="steps",
    objectives=("probability", "logit", "log_probability"),
    defaults="50 steps of 0.001, by sign; probability: released code of the LA paper; norm l2 goes with step_size 0.1",
    limits="By sign A is step_size times the sum of |gradient|: never negative but where clipping bites. 0 for an image that "
    "is misclassified.",
)
def mfaba(image, integral, *, steps: int = 50, step_size: Positive = 0.001, norm: Literal["sign", "l2"] = "sign"):
    """MFABA: an untargeted attack's path, integrated backwards, one gradient a step for both.

    x_{t+1} = clip(x_t - step_size n(dF(x_t)/dx), 0, 1), n the sign or division by the L2 norm, until another class is
    predicted or `steps` are done.
    """
    at = image.x
    for _ in range(steps):
        answer = yield Ask(at[None], image.target)
        if int(answer.logits[0].argmax()) != image.target:
            break
        slope = answer.gradient[0]
        direction = slope.sign() if norm == "sign" else slope / torch.linalg.vector_norm(slope).clamp_min(1e-12)
        after = (at - step_size * direction).clamp(0, 1)
        integral.add(answer.gradient, at - after)
        at = after


@method(
    "la",
    paper="Zhu et al., ACM MM 2024 (Local Attribution)",
    equation="(2), (6), (7), section 3.4",
    gradients="steps * ((2 * targets if attack != 'untargeted' else 0) + (attack != 'targeted'))",
    objectives=("log_probability", "probability"),
    nested=("steps", "targets", "attack"),
    needs=("logits",),
    defaults="20 samplings, s = 20: section 4.4; 19 other classes and the untargeted branch: released code. The loss of Eq. 2 is "
    "the cross-entropy, minus the log_probability",
    limits="Black pixels have no local space and get 0, by the linear constraint. A large share of A is |gradient| * epsilon / 2 "
    "of the untargeted branch, which has no sign.",
)
def la(
    image,
    integral,
    *,
    steps: int = 20,
    targets: int = 19,
    spatial_range: Positive = 20.0,
    attack: Literal["both", "targeted", "untargeted"] = "both",
    constraint: Literal["linear", "constant"] = "linear",
    as_released: bool = False,
):
    """Local Attribution: the mean change of the loss, to first order, under one-step attacks within the local space of x.

    The local space is |x~ - x| <= epsilon / 2, epsilon = x / `spatial_range` (`constant`: 1 / spatial_range). One branch raises
    the loss L of the class y, d = sign dL_y; `targets` branches lower that of another class t, the most probable ones (all
    where there are fewer), d = -sign dL_t (`attack` keeps one kind). In each, `steps` samplings, one step from the image along
    the last gradient: x~_0 = x, x~_{j+1} = clip(x + epsilon / 2 d(x~_j)); the exploration x^ = clip(x~ + epsilon / 2 d(x~))
    contributes (x^ - x~) dL_y(x~). A is the mean over branches and samplings. With the probability as objective, minus it
    takes the place of L in the contribution.

    `as_released`: attacks by the gradient of probabilities, `targets` random other classes, full steps x_{j+1} = clip(x +
    epsilon d(x_j)), which contribute x_{j+1} - x times the gradient at x_j, summed. (Without the code's leak across its batch.)
    """
    others = [label for label in range(image.classes) if label != image.target]
    if attack == "untargeted":
        chosen = []
    elif as_released:
        chosen = [int(label) for label in image.draws("classes").choice(others, min(targets, len(others)), replace=False)]
    else:
        chosen = sorted(others, key=lambda label: -float(image.logits[label]))[:targets]
    classes = torch.tensor(chosen, dtype=torch.long)
    branches, targeted = len(classes) + (attack != "targeted"), len(classes)
    reach = (image.x if constraint == "linear" else torch.ones_like(image.x)) / spatial_range * (1.0 if as_released else 0.5)
    at = image.x.expand(branches, *image.x.shape)
    place = {"targets": [*range(targeted), *[-1] * (attack != "targeted")]}  # a run with fewer keeps the untargeted branch
    place["attack"] = ["targeted" if number >= 0 else "untargeted" for number in place["targets"]]
    for step in range(steps):
        answer = yield Ask(at, image.target)
        direction = -answer.gradient.sign()  # away from y; of a probability or its logarithm the sign is the same
        if targeted:
            attacked = yield Ask(at[:targeted], classes, "log_probability")
            direction[:targeted] = attacked.gradient.sign()
        after = (image.x + reach * direction).clamp(0, 1)
        if as_released:
            integral.add(answer.gradient, image.x - after)
        else:
            place["steps"] = [step] * branches
            integral.add(answer.gradient, at - (at + reach * direction).clamp(0, 1), 1 / branches, 1 / steps, place=place)
        at = after
