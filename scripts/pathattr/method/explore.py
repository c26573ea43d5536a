"""AttEXplore (Zhu et al., ICLR 2024): an attack along gradients of copies augmented in the frequency domain."""

import functools
import math

import torch
from torch.nn.functional import conv2d, interpolate

from ..batching import Ask
from ..errors import InputError
from ..registry import method
from ..values import Positive

GROWTH, USED = 1.15, 0.5  # of input diversity: the largest side over the image's, and how often it is applied
KERNEL = 7  # side of the Gaussian that smooths gradients, three standard deviations to each side


@functools.cache
def cosine_basis(size: int) -> torch.Tensor:
    """Orthonormal DCT-II, (size, size): coefficients = basis @ signal, and its transpose is the inverse."""
    place = torch.arange(size, dtype=torch.float64)
    basis = torch.cos(math.pi / size * (place[None] + 0.5) * place[:, None]) * math.sqrt(2 / size)
    basis[0] /= math.sqrt(2)
    return basis.float()


@functools.lru_cache(4096)
def resized(size: int, side: int, offset: int) -> torch.Tensor:
    """One axis of input diversity as a matrix (size, size): resize to `side`, pad by zeros from `offset` on, resize back.

    Both resizings are bilinear and separable, so a matrix an axis is the whole of it, and its transpose takes gradients back.
    """
    large = int(GROWTH * size)

    def bilinear(a: int, b: int) -> torch.Tensor:
        rows = torch.eye(a)[:, None]  # (a, 1, a): each unit vector as a signal
        return interpolate(rows, size=b, mode="linear", align_corners=False)[:, 0].T

    padded = torch.zeros(large, size)
    padded[offset : offset + side] = bilinear(size, side)
    return bilinear(large, size) @ padded


def smoothed(gradient: torch.Tensor) -> torch.Tensor:
    """(C, H, W) convolved, a channel at a time, with a normal density over three standard deviations, zeros around."""
    place = torch.linspace(-3, 3, KERNEL, dtype=gradient.dtype, device=gradient.device)
    kernel = torch.exp(-(place**2) / 2)
    kernel = kernel / kernel.sum()
    kernel = (kernel[:, None] * kernel[None]).view(1, 1, KERNEL, KERNEL)
    return conv2d(gradient[:, None], kernel, padding=KERNEL // 2)[:, 0]


@method(
    "attexplore",
    paper="Zhu et al., ICLR 2024 (AttEXplore)",
    equation="A = -sum_j m_j (x_{j+1} - x_j)",
    gradients="steps * samples",
    objectives=("loss", "log_probability", "probability", "logit"),
    defaults="10 steps, 20 samples, epsilon 16/255, all constants of the augmentations: released code",
    limits="A is epsilon / steps times the sum of |momentum|: never negative but where clipping bites. Square images only.",
)
def attexplore(image, integral, *, steps: int = 10, samples: int = 20, epsilon: Positive = 16 / 255):
    """AttEXplore: momentum steps against the sign of gradients averaged over augmented copies, integrated backwards.

    Each copy of x_j: Gaussian noise of 16/255, its DCT coefficients times U(0.5, 1.5), and, every other time, resized to a larger
    side, padded at a random place and resized back; the gradient is that at the copy before resizing. The mean over
    `samples` copies, smoothed by a 7 x 7 Gaussian and divided by its mean absolute value, adds to the momentum m_j; x_{j+1} =
    clip(x_j - epsilon / steps sign m_j) stays within `epsilon` of x. The momentum stands where other methods have the gradient.
    """
    channels, size, width = image.x.shape
    if size != width:
        raise InputError(f"attexplore: images are {size} x {width}; accepted: square ones")
    basis, large, at = cosine_basis(size).to(image.x), int(GROWTH * size), image.x
    momentum = torch.zeros_like(image.x)
    for step in range(steps):
        draw = image.draws("augmentation", step)
        noise = torch.from_numpy(draw.standard_normal((samples, *image.x.shape), dtype="float32")).to(image.x) * 16 / 255
        mask = torch.from_numpy(draw.random((samples, *image.x.shape), dtype="float32")).to(image.x) + 0.5
        used = draw.random(samples) < USED
        sides = draw.integers(size, max(large, size + 1), samples)
        places = [draw.integers(0, [max(large - side, 1) for side in sides]) for _ in range(2)]
        masked = mask * (basis @ (at + noise) @ basis.T)
        rows, columns = (
            torch.stack(
                [resized(size, int(s), int(p)) if u else torch.eye(size) for s, p, u in zip(sides, place, used, strict=True)]
            ).to(image.x)[:, None]
            for place in places
        )  # (samples, 1, size, size)
        answer = yield Ask((rows @ basis.T) @ masked @ (basis @ columns.mT), image.target)  # inverse DCT and resizing in one
        mean = smoothed((rows.mT @ answer.gradient @ columns).mean(0))
        momentum = momentum + mean / mean.abs().mean().clamp_min(1e-20)
        after = at - epsilon / steps * momentum.sign()
        after = after.clamp(image.x - epsilon, image.x + epsilon).clamp(0, 1)
        integral.add(momentum[None], at - after)
        at = after
