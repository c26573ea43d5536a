"""Sensitivity-n of one image, mask by mask and pixel by pixel, with NumPy's own least squares and correlation."""

import numpy as np
import torch

from pathattr.rng import generator


def drawn(height: int, width: int, seed: int, image_id: str, fraction: float, subsets: int) -> np.ndarray:
    """Bernoulli masks (subsets, height, width), one number drawn after the other."""
    rng = generator(seed, "masked", image_id, "masks", fraction)
    masks = np.zeros((subsets, height, width), bool)
    for subset in range(subsets):
        for row in range(height):
            for column in range(width):
                masks[subset, row, column] = rng.random() < fraction
    return masks


def sensitivity_n(network, x, mean, image_id: str, attribution, target: int, fraction: float, subsets: int, seed: int = 0) -> dict:
    """The partial correlation given the number of masked pixels, and the plain one. `network` takes pixels (N, C, H, W)."""
    channels, height, width = x.shape
    sums, changes, sizes = [], [], []
    full = float(network(x[None])[0, target])
    for mask in drawn(height, width, seed, image_id, fraction, subsets):
        image, total, size = x.clone(), 0.0, 0
        for row in range(height):
            for column in range(width):
                if mask[row, column]:
                    size += 1
                    for channel in range(channels):
                        image[channel, row, column] = mean[channel]
                        total += float(attribution[channel, row, column])
        with torch.no_grad():
            changes.append(full - float(network(image[None])[0, target]))
        sums.append(total)
        sizes.append(size)
    left = [np.array(values) - np.polyval(np.polyfit(sizes, values, 1), sizes) for values in (sums, changes)]
    return {
        "sensitivity_n": np.corrcoef(*left)[0, 1],
        "sensitivity_n_as_released": np.corrcoef(sums, changes)[0, 1],
    }
