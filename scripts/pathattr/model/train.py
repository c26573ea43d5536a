"""Training of the stand-ins: plain, seeded, on a fixed number of threads."""

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from ..errors import InputError


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
) -> nn.Module:
    """Train on uint8 (N, C, H, W) pixels with AdamW, one learning-rate cycle and cross-entropy.

    A weight gradient is a sum over the batch whose order depends on the number of threads, so the caller fixes that
    number: the same threads, seed and machine give the same weights.
    """
    generator = torch.Generator().manual_seed(seed)
    network = network.to(device, memory_format=torch.channels_last).train()
    mean, std = (torch.tensor(values, device=device).view(1, -1, 1, 1) for values in (mean, std))
    batches = len(pixels) // batch_size
    if epochs * batches < 4:
        raise InputError(f"training: {epochs * batches} steps of {batch_size} out of {len(pixels)} images; accepted: at least 4")
    optimiser = torch.optim.AdamW(network.parameters(), learning_rate, weight_decay=weight_decay)
    rise = max(0.2, 2 / (epochs * batches))  # at least two steps
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=epochs * batches, pct_start=rise)
    with tqdm(total=epochs * batches, desc="training", unit="batch", mininterval=2.0, ascii=True) as bar:
        for _ in range(epochs):
            order = torch.randperm(len(pixels), generator=generator).numpy()
            for batch in np.array_split(order[: batches * batch_size], batches):
                x = (torch.from_numpy(pixels[batch]).to(device).float() / 255 - mean) / std
                logits = network(x.contiguous(memory_format=torch.channels_last))
                loss = nn.functional.cross_entropy(logits, torch.from_numpy(labels[batch]).to(device))
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
                bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
                bar.update()
    return network.eval()


def accuracy(classifier, images: Tensor, labels: Tensor) -> float:
    """Share of (N, C, H, W) pixels in [0, 1] whose largest logit is that of their label."""
    return float((classifier.logits(images).argmax(1) == torch.as_tensor(labels)).double().mean())
