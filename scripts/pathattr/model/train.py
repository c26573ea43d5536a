"""Training: plain, seeded, on a fixed number of threads. The one place besides the integrator that takes gradients."""

import math
from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from ..errors import InputError, problem

BATCH = 256  # images a call where nothing is learnt


def train(
    network: nn.Module,
    pixels: np.ndarray,
    labels: np.ndarray,
    mean,
    std,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float,
    seed: int,
    device: str = "cpu",
    penalty: Callable | None = None,
) -> nn.Module:
    """Train on uint8 (N, C, H, W) pixels with AdamW, one learning-rate cycle and cross-entropy.

    `penalty`: `f(network, x, labels)` of a batch, x being normalised, a number that is added to its loss.

    A weight gradient is a sum over the batch whose order depends on the number of threads, so the caller fixes that
    number: the same threads, seed and machine give the same weights. Raises `InputError` for fewer than 4 steps and for a loss
    that is not finite.
    """
    if not 0 < learning_rate < math.inf:
        raise InputError(f"training: learning_rate is {learning_rate}; accepted: a finite number above 0")
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise InputError("training: the network has no parameters that can be trained; accepted: one that has")
    generator = torch.Generator().manual_seed(seed)
    network = network.to(device, memory_format=torch.channels_last).train()
    batches = len(pixels) // batch_size
    if epochs * batches < 4:
        raise InputError(f"training: {epochs * batches} steps of {batch_size} out of {len(pixels)} images; accepted: at least 4")
    optimiser = torch.optim.AdamW(network.parameters(), learning_rate, weight_decay=weight_decay)
    rise = max(0.2, 2 / (epochs * batches))  # at least two steps
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=epochs * batches, pct_start=rise)

    def drawn():
        for _ in range(epochs):
            order = torch.randperm(len(pixels), generator=generator).numpy()
            for batch in np.array_split(order[: batches * batch_size], batches):
                yield normalised(pixels[batch], mean, std, device), torch.from_numpy(labels[batch]).to(device)

    descend(network, drawn(), optimiser, schedule, epochs * batches, penalty)
    return network.eval()


def descend(network: nn.Module, batches: Iterable, optimiser, schedule, steps: int, penalty: Callable | None = None):
    """One step of the optimiser, and of its schedule, for each of the batches (x, labels), on cross-entropy and `penalty`.

    The loss of every step is read, and one that is not finite ends the training with an `InputError`, as does
    whatever the network raises.
    """
    with tqdm(total=steps, desc="training", unit="batch", mininterval=2.0, ascii=True) as bar:
        for step, (x, labels) in enumerate(batches):
            try:
                logits = network(x.contiguous(memory_format=torch.channels_last))
                loss = nn.functional.cross_entropy(logits, labels)
                if penalty is not None:
                    loss = loss + penalty(network, x, labels)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            except (Exception, SystemExit) as error:
                raise InputError(
                    f"training: {problem(error)}, after {step} steps; accepted: a network that gives logits (images, classes) in "
                    "training mode too, and a learning rate that it bears"
                ) from error
            schedule.step()
            value = loss.item()
            if not math.isfinite(value):
                raise InputError(f"training: loss {value} after {step} steps; accepted: a smaller learning rate")
            bar.set_postfix(loss=f"{value:.3f}", refresh=False)
            bar.update()


def slope(score: Tensor, at: Tensor) -> Tensor:
    """Gradient of the sum of `score` at `at`, which can be differentiated again."""
    return torch.autograd.grad(score.sum(), at, create_graph=True)[0]


def accuracy(classifier, images: Iterable[Tensor], labels) -> float:
    """Share of images (C, H, W), pixels in [0, 1], whose largest logit is that of their label."""
    return float((classifier.logits(images).argmax(1) == torch.as_tensor(labels)).double().mean())


def share_met(network: nn.Module, pixels: np.ndarray, labels: np.ndarray, mean, std) -> float:
    """Share of the labels (N,) of uint8 (N, C, H, W) pixels that the network predicts. It is left in evaluation mode."""
    device = next(network.parameters()).device
    parts = (normalised(pixels[start : start + BATCH], mean, std, device) for start in range(0, len(pixels), BATCH))
    return float((predictions(network, parts) == torch.from_numpy(labels)).double().mean())


def predictions(network: nn.Module, batches: Iterable[Tensor]) -> Tensor:
    """Classes (N,), on the CPU, of normalised images in batches (n, C, H, W). The network is left in evaluation mode."""
    network.eval()
    with torch.no_grad():
        return torch.cat([network(x.contiguous(memory_format=torch.channels_last)).argmax(1).cpu() for x in batches])


def normalised(pixels: np.ndarray, mean, std, device="cpu") -> Tensor:
    """uint8 (N, C, H, W) -> float32 (pixels / 255 - mean) / std on the device."""
    mean, std = (torch.tensor(values, device=device).view(1, -1, 1, 1) for values in (mean, std))
    return (torch.from_numpy(pixels).to(device).float() / 255 - mean) / std
