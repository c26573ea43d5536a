"""Expected Gradients: straight lines from training images, at random places on them."""

import torch

from ..registry import method
from ..values import TrainingImages
from .straight import straight_lines


def choose(draws, available: int, references: int) -> list[int]:
    """Positions of an image's references among the background images, drawn without replacement."""
    return draws("references").choice(available, references, replace=False).tolist()


def random_places(image, references: int, steps: int) -> torch.Tensor:
    """alpha ~ U(0, 1), (references, steps), purpose "alpha"."""
    return torch.from_numpy(image.draws("alpha").random((references, steps), dtype="float32"))


@method(
    "eg",
    paper="Erion et al., Nature Machine Intelligence 2021",
    equation="A = E[(x - x') dF(x' + alpha (x - x'))/dx]",
    gradients="references * steps",
    nested=("references",),
    needs=("background",),
    variants=("vanilla", "absolute", "valid_interpolations", "valid_references"),
    defaults="20 references, one random step each: LPI paper, Comparison",
)
def eg(image, integral, *, references: TrainingImages = 20, steps: int = 1):
    """Expected Gradients: the mean over x' from the training images and alpha ~ U(0, 1) of (x - x') times the gradient.

    `references` training images are drawn for each image without replacement, and each meets its own gradient, at
    `steps` random alpha.
    """
    chosen = choose(image.draws, len(image.background), references)
    drawn = torch.stack([image.background[number] for number in chosen]).to(image.x)
    yield from straight_lines(image, integral, drawn, 1 / references, random_places(image, references, steps), 1 / steps)
