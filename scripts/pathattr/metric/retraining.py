"""Metrics that train the network again on images that maps have changed."""

import copy

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..model.train import BATCH, descend, normalised, predictions
from ..registry import metric
from ..rng import generator
from ..values import Positive, Share, TrainingImages


def kept(maps: Tensor, share: float, most: bool) -> Tensor:
    """Where each map (N, C, H, W) has the share of its elements that are the most, or least, salient: bool (N, C, H, W).

    Elements are ordered by their signed values, ties by position.
    """
    order = maps.flatten(1).argsort(dim=1, stable=True)  # least salient first
    count = round(share * order.shape[1])
    chosen = order[:, order.shape[1] - count :] if most else order[:, :count]
    return torch.zeros_like(order, dtype=torch.bool).scatter_(1, chosen, True).view(maps.shape)


def fine_tune(network, x: Tensor, labels: Tensor, *, epochs: int, batch_size: int, learning_rate: Positive, key: tuple):
    """A trained copy of the network: SGD, momentum 0.9, weight decay 5e-4, rate / 10 after half and 7/10 of the epochs.

    `x`: (N, C, H, W), normalised. Batches are of equal size, at most `batch_size`, in an order drawn by the `key` alone.
    """
    network = copy.deepcopy(network).requires_grad_(True).to(memory_format=torch.channels_last).train()
    batches = -(-len(x) // batch_size)
    optimiser = torch.optim.SGD(network.parameters(), learning_rate, momentum=0.9, weight_decay=5e-4)
    drops = [epochs * batches // 2, epochs * batches * 7 // 10]
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, drops, gamma=0.1)
    draws = generator(*key)

    def drawn():
        for _ in range(epochs):
            for batch in np.array_split(draws.permutation(len(x)), batches):
                yield x[batch], labels[batch]

    with torch.random.fork_rng():
        torch.manual_seed(int(draws.integers(2**63)))  # of layers that draw, such as dropout
        descend(network, drawn(), optimiser, schedule, epochs * batches)
    return network


@metric(
    "diffroar",
    paper="Shah et al., NeurIPS 2021, as Yang et al., ICLR 2023, use it",
    equation="accuracy(most salient kept) - accuracy(least salient kept), sections 5 and A.3.1",
    forwards="2 * seeds",
    scores={
        "roar_top": ("0 to 1", "higher"),
        "roar_bottom": ("0 to 1", "lower"),
        "diffroar": ("-1 to 1", "higher"),
        "diffroar_seed": ("-1 to 1", "higher"),
    },
    retrains=True,
)
def diffroar(
    network,
    data,
    maps,
    *,
    shares: tuple[Share, ...] = (0.2, 0.5, 0.8),
    epochs: int = 4,
    batch_size: int = 128,
    learning_rate: Positive = 0.01,
    seeds: int = 2,
    train: TrainingImages = 1397,
):
    """DiffROAR: what networks learn from the most salient elements of images, less what they learn from the least salient ones.

    For each share of elements kept, of all C x H x W by the signed values of the map: of the first `train` training images and of
    all test images the most salient ones are kept and the others become the training images' mean of their channel; a copy of the
    network is fine-tuned on these training images (see `fine_tune`; the paper: 10 epochs, 0.01, / 10 at epochs 5 and 7; optimiser,
    shares and what removed elements become are ours, as usual for the network and as Shah et al. have it) and says of each test
    image, in evaluation mode, whether it predicts its label. The same with the least salient kept. The order of batches depends on
    the seed's number and on nothing of the map, so that methods are paired. A map that knows the label can tell it by its shape: a
    known weakness.

    Gives, of each test image, the means over seeds roar_top and roar_bottom and their difference diffroar as (share, values), with
    `<score>_auc`, by the trapezoidal rule over the shares, divided by their range, its x being nan; and diffroar_seed: (seed's
    number, diffroar_auc of that seed). `maps`: "train" and "test" -> (N, C, H, W). Forward passes: of each share, trainings apart.
    Raises `InputError`.
    """
    shares = sorted(set(shares))
    if len(data.pixels) < train:
        raise InputError(f"diffroar: train is {train}; accepted: at most the {len(data.pixels)} training images")
    device = next(network.parameters()).device
    images = {"train": data.pixels[:train], "test": data.test_pixels}
    for split, pixels in images.items():
        if maps[split].shape != pixels.shape:
            raise InputError(f"diffroar: {split} maps have shape {tuple(maps[split].shape)}; accepted: {pixels.shape}")
    x = {split: normalised(pixels, data.mean, data.std, device) for split, pixels in images.items()}  # the mean colour is 0
    maps = {split: torch.as_tensor(maps[split]).to(device) for split in images}
    labels, expected = torch.from_numpy(data.labels[:train]).to(device), torch.from_numpy(data.test_labels)
    settings = dict(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate)
    met = np.empty((2, seeds, len(expected), len(shares)))  # [most, least] salient kept
    for side, most in enumerate((True, False)):
        for place, share in enumerate(shares):
            changed = {split: x[split] * kept(maps[split], share, most) for split in images}
            for seed in range(seeds):
                tuned = fine_tune(network, changed["train"], labels, key=(data.seed, "diffroar", seed), **settings)
                met[side, seed, :, place] = predictions(tuned, changed["test"].split(BATCH)) == expected
    return _scores(np.array(shares), *met)


def _scores(shares: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> dict:
    """Scores of both outcomes, (seeds, N, shares)."""
    curves = {"roar_top": top.mean(0), "roar_bottom": bottom.mean(0), "diffroar": (top - bottom).mean(0)}
    scores = {}
    for name, values in curves.items():
        scores[name] = (shares, values)
        scores[f"{name}_auc"] = (np.array([np.nan]), _area(shares, values)[:, None])
    scores["diffroar_seed"] = (np.arange(len(top), dtype=float), _area(shares, top - bottom).T)
    return scores


def _area(shares: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Mean of curves (..., shares) by the trapezoidal rule; of one point, the point."""
    if len(shares) == 1:
        return values[..., 0]
    return np.trapezoid(values, shares, axis=-1) / (shares[-1] - shares[0])
