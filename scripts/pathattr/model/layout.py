"""In which layout of the memory a network runs fastest, and whether with its batch norms folded: measured, not believed."""

import time
from functools import partial

import torch
from torch import nn

LAYOUTS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
ROWS, ROUNDS = 32, 3  # points a gradient; how often each contestant runs, after a first time that is not counted


def seconds(work, device: str) -> float:
    """Wall time of one call, the GPU's work included."""
    if device == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def _gradient(network: nn.Module, x: torch.Tensor):
    return torch.autograd.grad(network(x).sum(), x)


@torch.enable_grad()  # whatever the call that asks is in
def fastest(networks: list[nn.Module], shape, device: str) -> tuple[nn.Module, str]:
    """The network, out of forms of one network, and the layout in which gradients at images of `shape` (C, H, W) take least time.

    Contestants alternate, so that a machine that slows down slows all of them.
    """
    images, taken = torch.rand(ROWS, *shape, generator=torch.Generator().manual_seed(0)).to(device), {}
    for _ in range(ROUNDS + 1):
        for layout, format in LAYOUTS.items():
            for number, network in enumerate(networks):
                network.to(memory_format=format)
                x = images.clone(memory_format=format).requires_grad_()
                taken.setdefault((number, layout), []).append(seconds(partial(_gradient, network, x), device))
    number, layout = min(taken, key=lambda one: min(taken[one][1:]))
    return networks[number], layout
