"""What a way to compute baselines gives for each of them."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Found:
    """A baseline. `pixels`: (C, H, W) in [0, 1]. `met`: whether what it looks for was found. `iterations` taken.

    `distance`: to the image, in the unit of the way that computed it. `gradients` taken.
    """

    pixels: Tensor
    met: bool
    iterations: int
    distance: float
    gradients: int
