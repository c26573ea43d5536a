"""Path attribution of one image, float64: each gradient on its own, each sum a loop.

`network`: (1, C, H, W) pixels -> (1, classes) logits. `draws(purpose)`: the image's generators.
"""

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Point:
    """One gradient of a path: which reference (number and image), where, its weight."""

    number: int
    reference: torch.Tensor
    at: torch.Tensor
    gradient: torch.Tensor
    weight: float


def gradient(network, at, target: int):
    """dF_target / dx at one image (C, H, W)."""
    at = at.clone().requires_grad_(True)
    network(at[None])[0, target].backward()
    return at.grad


def attribution(x, points):
    """Sum of weight (x - x') gradient."""
    total = torch.zeros_like(x)
    for point in points:
        total += point.weight * (x - point.reference) * point.gradient
    return total


def integrated_gradients(network, x, target: int, steps: int, rule: str, baseline: float):
    """LPI (1) by a quadrature rule."""
    reference = torch.full_like(x, baseline)
    if rule == "midpoint":
        nodes = [((k + 0.5) / steps, 1 / steps) for k in range(steps)]
    elif rule == "right":
        nodes = [(k / steps, 1 / steps) for k in range(1, steps + 1)]
    elif rule == "gauss":  # of [-1, 1], Golub and Welsch: eigenvalues of the Jacobi matrix, squares of the first components
        between = [k / (4 * k * k - 1) ** 0.5 for k in range(1, steps)]
        places, vectors = np.linalg.eigh(np.diag(between, 1) + np.diag(between, -1))
        nodes = [((place + 1) / 2, first**2) for place, first in zip(places, vectors[0], strict=True)]
    else:  # trapezoid: `steps` points, so steps - 1 intervals, and the ends count half
        nodes = [(k / (steps - 1), (0.5 if k in (0, steps - 1) else 1.0) / (steps - 1)) for k in range(steps)]
    points = []
    for alpha, weight in nodes:
        at = reference + alpha * (x - reference)
        points.append(Point(0, reference, at, gradient(network, at, target), weight))
    return points


def straight_lines(network, x, target: int, references, densities, draws, steps: int):
    """Weighted references, `steps` random alpha each: LPI (6), and (4) with equal densities."""
    alphas = draws("alpha").random((len(references), steps), dtype="float32")
    points = []
    for number, (reference, density) in enumerate(zip(references, densities, strict=True)):
        for step in range(steps):
            at = reference + float(alphas[number][step]) * (x - reference)
            points.append(Point(number, reference, at, gradient(network, at, target), density / steps))
    return points


def expected_gradients(network, x, target: int, background, draws, references: int, steps: int):
    """EG: `references` different background images, each as likely as any other."""
    chosen = draws("references").choice(len(background), references, replace=False)
    images = [background[int(number)] for number in chosen]
    return straight_lines(network, x, target, images, [1 / references] * references, draws, steps)


def adversarial(network, x, target: int, classes_there: int, draws, *, steps, classes, step_size, restart: bool):
    """AGI: (attribution, number of gradients). `restart`: the released code, which steps from x every time."""
    others = [label for label in range(classes_there) if label != target]
    total, gradients = torch.zeros_like(x), 0
    for other in draws("classes").choice(others, classes, replace=False):
        path = [x]
        for _ in range(steps):
            gradients += 1
            if int(network(path[-1][None])[0].argmax()) == int(other):
                break
            start = x if restart else path[-1]
            moved = torch.zeros_like(x)
            slope = gradient(network, path[-1], int(other))
            for place in range(x.numel()):
                step = step_size * float(torch.sign(slope.flatten()[place]))
                moved.view(-1)[place] = min(1.0, max(0.0, float(start.flatten()[place]) + step))
            gradients += 1
            total += -gradient(network, path[-1], target) * (moved - start) / classes
            path.append(moved)
    return total, gradients
