"""How a classifier bears noise."""

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..rng import generator


def accuracy_under_noise(classifier, images: Tensor, labels, sigmas, seed: int) -> np.ndarray:
    """Whether each image, with Gaussian noise of each standard deviation, is given its label: bool (len(sigmas), N).

    `images`: (N, C, H, W) pixels in [0, 1], and `sigmas` in their unit; what leaves [0, 1] is clipped. One draw, keyed by the seed
    alone and scaled, serves all sigmas and all classifiers; an image's own does not depend on how many come after it. Raises
    `InputError` for a negative sigma.
    """
    if min(sigmas) < 0:
        raise InputError(f"sigmas are {list(sigmas)}; accepted: 0 or more")
    noise = torch.from_numpy(generator(seed, "gaussian noise").standard_normal(tuple(images.shape), dtype=np.float32))
    labels = torch.as_tensor(labels)
    met = [classifier.logits((images + sigma * noise).clamp(0, 1)).argmax(1) == labels for sigma in sigmas]
    return torch.stack(met).numpy()
