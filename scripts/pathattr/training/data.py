"""What a training sees."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Data:
    """Images to train on, and to test on.

    `pixels`, `test_pixels`: uint8 (N, C, H, W). `labels`, `test_labels`: (N,). `mean`, `std`: one number a channel, of pixels
    in [0, 1]. `seed`: of all that is drawn. `device`: "cpu" or "cuda".
    """

    pixels: np.ndarray
    labels: np.ndarray
    test_pixels: np.ndarray
    test_labels: np.ndarray
    mean: list[float]
    std: list[float]
    seed: int
    device: str = "cpu"
