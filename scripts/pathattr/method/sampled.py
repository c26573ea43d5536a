"""Methods that integrate along straight lines from many references."""

import torch

from ..batching import Ask
from ..errors import InputError
from ..registry import method


def choose(draws, available: int, references: int) -> list[int]:
    """Positions of an image's references among the background images, drawn without replacement."""
    if references > available:
        raise InputError(f"references is {references}; accepted: at most the {available} background images")
    return [int(number) for number in draws("references").choice(available, references, replace=False)]


def straight_lines(image, integral, references, weight, steps: int):
    """Add the paths from R references (R, C, H, W), each weighted (R,), with `steps` random alpha ~ U(0, 1) each.

    One question for all R * steps points. The draws are the image's, purpose "alpha".
    """
    count = len(references)
    alpha = torch.from_numpy(image.draws("alpha").random((count, steps), dtype="float32")).to(image.x)
    displacement = (image.x - references)[:, None]  # (R, 1, C, H, W)
    points = references[:, None] + alpha[:, :, None, None, None] * displacement  # (R, steps, C, H, W)
    answer = yield Ask(points.flatten(0, 1), image.target)
    integral.add(
        answer.gradient,
        displacement.expand_as(points).flatten(0, 1),
        (weight / steps).repeat_interleave(steps),
        points.flatten(0, 1),
        [reference for reference in range(count) for _ in range(steps)],
    )


@method(
    "eg",
    paper="Erion et al., Nature Machine Intelligence 2021",
    equation="A = E[(x - x') dF(x' + alpha (x - x'))/dx]",
    gradients="references * steps",
    needs=("background",),
    variants=("vanilla", "absolute", "valid_interpolations", "valid_references"),
)
def eg(image, integral, *, references: int = 20, steps: int = 1):
    """Expected Gradients: the mean over x' from the training images and alpha ~ U(0, 1) of (x - x') times the gradient.

    `references` training images are drawn for each image without replacement, and each meets its own gradient, at
    `steps` random alpha.
    """
    chosen = choose(image.draws, len(image.background), references)
    drawn = torch.stack([image.background[number] for number in chosen]).to(image.x)
    yield from straight_lines(image, integral, drawn, torch.full((references,), 1 / references), steps)
