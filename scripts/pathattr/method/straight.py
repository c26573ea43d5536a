"""Methods that integrate along straight lines, from one reference or from several."""

from typing import Literal

import numpy as np
import torch

from ..batching import Ask
from ..errors import InputError
from ..registry import method
from ..values import NonNegative

CHUNK = 128  # points of one image in memory at a time


def quadrature(rule: str, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Nodes in [0, 1] and weights that sum to 1, both (steps,), of a rule for the integral over alpha.

    "midpoint", "right" (k / steps, k = 1..steps) and "trapezoid" (at least 2 steps, both ends) have equidistant nodes, float32.
    "gauss" is Gauss-Legendre, float64: exact, but for rounding, where the gradient along the path is a polynomial in alpha of
    degree at most 2 * steps - 1. Raises `InputError` for any other name.
    """
    if rule == "midpoint":
        return (torch.arange(steps) + 0.5) / steps, torch.full((steps,), 1 / steps)
    if rule == "right":
        return torch.arange(1, steps + 1) / steps, torch.full((steps,), 1 / steps)
    if rule == "trapezoid":
        if steps < 2:
            raise InputError("rule 'trapezoid' takes at least 2 steps")
        weights = torch.full((steps,), 1 / (steps - 1))
        weights[[0, -1]] /= 2
        return torch.linspace(0, 1, steps), weights
    if rule == "gauss":
        nodes, weights = (torch.from_numpy(one) for one in np.polynomial.legendre.leggauss(steps))  # of [-1, 1]
        return (nodes + 1) / 2, weights / 2
    raise InputError(f"unknown rule {rule!r}; accepted: midpoint, right, trapezoid, gauss")


def straight_lines(image, integral, references, weight, alpha, step, *, factor: bool = True):
    """Add the integrals over the straight lines from R references (R, C, H, W) to the image.

    `weight`: of the references, a number or (R,). `alpha`: (steps,) or (R, steps) places on the lines, 0 at the reference,
    with quadrature weights `step`, a number or (steps,). `factor`: whether x - x' multiplies the gradients. A question has at
    most `CHUNK` points: several whole references, or a piece of the path from one.
    """
    count, steps = len(references), alpha.shape[-1]
    alpha = alpha.to(image.x).expand(count, steps)
    weight, step = torch.as_tensor(weight).expand(count), torch.as_tensor(step).expand(steps)
    few = max(1, CHUNK // steps)
    for first in range(0, count, few):
        some = slice(first, first + few)
        displacement = (image.x - references[some])[:, None]  # (r, 1, C, H, W)
        for start in range(0, steps, CHUNK):
            part = slice(start, start + CHUNK)
            places = alpha[some, part]
            points = (places[:, :, None, None, None] * displacement).add_(references[some, None]).flatten(0, 1)
            answer = yield Ask(points, image.target)
            along = displacement.expand(-1, places.shape[1], -1, -1, -1)
            numbers = [number for number in range(count)[some] for _ in range(places.shape[1])]
            integral.add(
                answer.gradient,
                (along[0, :1] if len(along) == 1 else along.flatten(0, 1)) if factor else 1.0,
                weight[some, None].expand(places.shape).flatten(),
                step[part].expand(places.shape).flatten(),
                points,
                numbers,
                place={"references": numbers},
            )


@method(
    "ig",
    paper="Sundararajan et al., ICML 2017",
    equation="LPI (1)",
    gradients="steps",
    holds={
        "steps > 1 or (rule != 'trapezoid' and not as_released)": "at least 2 steps by the trapezoid rule or as released",
        "steps <= 1000 or rule != 'gauss'": "at most 1000 steps by the Gauss rule",
    },
    variants=("vanilla", "absolute", "per_unit"),
    defaults="20 steps: LPI paper, Comparison",
    limits="Pixels equal to the reference get exactly 0: from black, the dark ones.",
)
def ig(
    image,
    integral,
    *,
    steps: int = 20,
    rule: Literal["midpoint", "right", "trapezoid", "gauss"] = "midpoint",
    baseline: float = 0.0,
    as_released: bool = False,
):
    """Integrated Gradients: A = (x - x') * integral over alpha in [0, 1] of dF(x' + alpha (x - x'))/dx.

    Eq. 1 of the LPI paper. The reference x' has every pixel equal to `baseline` (0: black); `steps` gradients by the
    midpoint rule, or `right`, `trapezoid` or `gauss`.

    `as_released`: the sum of alpha (x - x') times the gradient over alpha from 0 to 1, both ends included, as the code of the
    re-calibration paper has it: gradients near the image count more, and the scale grows with the steps. `rule` is not used.
    """
    reference = torch.full_like(image.x, baseline)[None]
    if as_released:
        alpha = torch.linspace(0, 1, steps)
        yield from straight_lines(image, integral, reference, 1.0, alpha, alpha)
    else:
        yield from straight_lines(image, integral, reference, 1.0, *quadrature(rule, steps))


@method(
    "ig_gaussian",
    paper="Akhtar and Jalwana, ICML 2023",
    equation="Table 1, IG (G)",
    gradients="steps",
    holds={
        "steps > 1 or rule != 'trapezoid'": "at least 2 steps by the trapezoid rule",
        "steps <= 1000 or rule != 'gauss'": "at most 1000 steps by the Gauss rule",
    },
    defaults="150 steps: section 7; mean and std are ours, the paper prints none",
    limits="One draw of noise: another seed gives another map.",
)
def ig_gaussian(
    image,
    integral,
    *,
    steps: int = 150,
    rule: Literal["midpoint", "right", "trapezoid", "gauss"] = "midpoint",
    mean: float = 0.5,
    std: NonNegative = 0.25,
):
    """IG from one image of Gaussian noise, N(`mean`, `std`^2) an element, clipped to [0, 1]."""
    noise = _normal(image, "baseline", 1)
    yield from straight_lines(image, integral, (mean + std * noise).clamp(0, 1), 1.0, *quadrature(rule, steps))


@method(
    "ig_average",
    paper="Akhtar and Jalwana, ICML 2023",
    equation="Table 1, IG (A)",
    gradients="steps",
    holds={
        "steps > 1 or rule != 'trapezoid'": "at least 2 steps by the trapezoid rule",
        "steps <= 1000 or rule != 'gauss'": "at most 1000 steps by the Gauss rule",
    },
    defaults="150 steps: section 7; the mean of each channel is ours, the paper says average pixel value",
    limits="Pixels of the average colour get 0; a constant image gets 0 everywhere.",
)
def ig_average(
    image,
    integral,
    *,
    steps: int = 150,
    rule: Literal["midpoint", "right", "trapezoid", "gauss"] = "midpoint",
    per_channel: bool = True,
):
    """IG from the image whose every pixel is the average of the image's, of each channel (`per_channel`) or of all."""
    mean = image.x.mean((1, 2), keepdim=True) if per_channel else image.x.mean()
    yield from straight_lines(image, integral, mean.expand_as(image.x)[None], 1.0, *quadrature(rule, steps))


@method(
    "big",
    paper="Wang et al., ICML 2022 (BIG)",
    equation="IG from the nearest adversarial point",
    gradients="baselines * steps",
    holds={
        "steps > 1 or rule != 'trapezoid'": "at least 2 steps by the trapezoid rule",
        "steps <= 1000 or rule != 'gauss'": "at most 1000 steps by the Gauss rule",
    },
    needs=("baselines",),
    baseline="boundary",
    defaults="10 steps by the trapezoid rule: released code of BIG",
    limits="Where no attack succeeds, the baseline is the attack's last point (column `met` of its baselines is false).",
)
def big(
    image,
    integral,
    *,
    steps: int = 10,
    rule: Literal["midpoint", "right", "trapezoid", "gauss"] = "trapezoid",
):
    """Boundary-based IG: IG from a point beyond the decision boundary near the image, found beforehand."""
    yield from straight_lines(image, integral, image.baselines, 1 / len(image.baselines), *quadrature(rule, steps))


@method(
    "ig1",
    paper="Deng et al., 2020 (Taylor framework)",
    equation="section 4, IG1: a_i / Delta_i",
    gradients="steps",
    holds={
        "steps > 1 or rule != 'trapezoid'": "at least 2 steps by the trapezoid rule",
        "steps <= 1000 or rule != 'gauss'": "at most 1000 steps by the Gauss rule",
    },
    within=("ig", "per_unit"),
    defaults="black baseline: section 5; 50 steps are ours, the paper prints none",
    limits="Not complete: no longer a share of F(x) - F(x').",
)
def ig1(
    image,
    integral,
    *,
    steps: int = 50,
    rule: Literal["midpoint", "right", "trapezoid", "gauss"] = "midpoint",
    baseline: float = 0.0,
):
    """IG without its factor x - x': the mean gradient on the path from `baseline`, also where x equals it."""
    reference = torch.full_like(image.x, baseline)[None]
    yield from straight_lines(image, integral, reference, 1.0, *quadrature(rule, steps), factor=False)


@method(
    "ig2",
    paper="Deng et al., 2020 (Taylor framework)",
    equation="section 4, IG2: Delta ~ N(0, std^2)",
    gradients="steps",
    holds={
        "steps > 1 or rule != 'trapezoid'": "at least 2 steps by the trapezoid rule",
        "steps <= 1000 or rule != 'gauss'": "at most 1000 steps by the Gauss rule",
    },
    within=("ig3", "references=1"),
    defaults="std 0.25 (0.25 * 255): section 5; 50 steps are ours, the paper prints none",
    limits="One draw of noise: another seed gives another map. Baselines leave [0, 1].",
)
def ig2(
    image,
    integral,
    *,
    steps: int = 50,
    rule: Literal["midpoint", "right", "trapezoid", "gauss"] = "midpoint",
    std: NonNegative = 0.25,
):
    """The mean gradient on the path from the image with Gaussian noise added, x' = x + Delta, not clipped: IG3's first draw."""
    references = image.x + std * _normal(image, "baselines", 1)
    yield from straight_lines(image, integral, references, 1.0, *quadrature(rule, steps), factor=False)


@method(
    "ig3",
    paper="Deng et al., 2020 (Taylor framework)",
    equation="section 4, IG3: mean over J baselines",
    gradients="references * steps",
    holds={
        "steps > 1 or rule != 'trapezoid'": "at least 2 steps by the trapezoid rule",
        "steps <= 1000 or rule != 'gauss'": "at most 1000 steps by the Gauss rule",
    },
    nested=("references",),
    defaults="20 references, std 0.25 (0.25 * 255): section 5; 50 steps are ours, the paper prints none",
    limits="References leave [0, 1].",
)
def ig3(
    image,
    integral,
    *,
    references: int = 20,
    steps: int = 50,
    rule: Literal["midpoint", "right", "trapezoid", "gauss"] = "midpoint",
    std: NonNegative = 0.25,
):
    """The mean of IG2 over `references` draws of the noise."""
    noisy = image.x + std * _normal(image, "baselines", references)
    yield from straight_lines(image, integral, noisy, 1 / references, *quadrature(rule, steps), factor=False)


@method(
    "ig_uniform",
    paper="Sturmfels et al., Distill 2020",
    equation="re-calibration Alg. 1 and 2",
    gradients="references * steps",
    holds={
        "steps > 1 or rule != 'trapezoid'": "at least 2 steps by the trapezoid rule",
        "steps <= 1000 or rule != 'gauss'": "at most 1000 steps by the Gauss rule",
    },
    nested=("references",),
    variants=("vanilla", "absolute", "valid_interpolations", "valid_references"),
    defaults="10 references, 5 steps: re-calibration paper, A.3.1",
)
def ig_uniform(
    image,
    integral,
    *,
    references: int = 10,
    steps: int = 5,
    rule: Literal["midpoint", "right", "trapezoid", "gauss"] = "midpoint",
):
    """The mean of IG over `references` images of uniform noise in [0, 1), each meeting its own gradients."""
    noise = image.draws("references").random((references, *image.x.shape), dtype="float32")
    noise = torch.from_numpy(noise).to(image.x)
    yield from straight_lines(image, integral, noise, 1 / references, *quadrature(rule, steps))


@method(
    "ig_sg",
    paper="Smilkov et al., 2017, as references",
    equation="re-calibration Alg. 1 and 2",
    gradients="references * steps",
    holds={
        "steps > 1 or rule != 'trapezoid'": "at least 2 steps by the trapezoid rule",
        "steps <= 1000 or rule != 'gauss'": "at most 1000 steps by the Gauss rule",
    },
    nested=("references",),
    variants=("vanilla", "absolute", "valid_interpolations", "valid_references"),
    defaults="10 references, 5 steps: re-calibration paper, A.3.1; noise 0.15: its released code",
    limits="A constant image has no noise, and gets 0.",
)
def ig_sg(
    image,
    integral,
    *,
    references: int = 10,
    steps: int = 5,
    noise: NonNegative = 0.15,
    rule: Literal["midpoint", "right", "trapezoid", "gauss"] = "midpoint",
):
    """The mean of IG over `references` copies of the image with Gaussian noise, clipped to [0, 1].

    The standard deviation is `noise` times the image's own range of values.
    """
    noisy = (image.x + _sigma(image.x, noise) * _normal(image, "references", references)).clamp(0, 1)
    yield from straight_lines(image, integral, noisy, 1 / references, *quadrature(rule, steps))


@method(
    "ig_sq",
    paper="Hooker et al., NeurIPS 2019, as references",
    equation="re-calibration Alg. 1 and 2, gradients squared",
    gradients="references * steps",
    holds={
        "steps > 1 or rule != 'trapezoid'": "at least 2 steps by the trapezoid rule",
        "steps <= 1000 or rule != 'gauss'": "at most 1000 steps by the Gauss rule",
    },
    nested=("references",),
    variants=("vanilla", "absolute", "valid_interpolations", "valid_references"),
    defaults="10 references, 5 steps: re-calibration paper, A.3.1; noise 0.15: its released code",
    limits="Not complete. The sign is that of x - x', which says little; the re-calibrated forms have none.",
)
def ig_sq(
    image,
    integral,
    *,
    references: int = 10,
    steps: int = 5,
    noise: NonNegative = 0.15,
    rule: Literal["midpoint", "right", "trapezoid", "gauss"] = "midpoint",
):
    """IG-SG with squared gradients: the mean of (x - x') (dF/dx)^2. The re-calibrated forms average squared products."""
    integral.square = True
    noisy = (image.x + _sigma(image.x, noise) * _normal(image, "references", references)).clamp(0, 1)
    yield from straight_lines(image, integral, noisy, 1 / references, *quadrature(rule, steps))


@method(
    "smoothgrad",
    paper="Smilkov et al., 2017",
    equation="A = mean of dF(x + noise)/dx",
    gradients="samples",
    defaults="50 samples: re-calibration paper, A.3.1; noise 0.15: its released code",
    limits="Per unit of pixel value, as inputgrad.",
)
def smoothgrad(image, integral, *, samples: int = 50, noise: NonNegative = 0.15, relative: bool = True):
    """The mean gradient over `samples` copies of the image with Gaussian noise, not clipped.

    The standard deviation is `noise` times the image's range of values, or `noise` itself in pixel values (not `relative`).
    """
    sigma = _sigma(image.x, noise) if relative else noise
    answer = yield Ask(image.x + sigma * _normal(image, "noise", samples), image.target)
    integral.add(answer.gradient, weight=1 / samples)


def _sigma(x: torch.Tensor, noise: NonNegative) -> torch.Tensor:
    return noise * (x.max() - x.min())


def _normal(image, purpose: str, count: int) -> torch.Tensor:
    """Standard normal draws (count, C, H, W)."""
    return torch.from_numpy(image.draws(purpose).standard_normal((count, *image.x.shape), dtype="float32")).to(image.x)
