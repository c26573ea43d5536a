"""Straight-line methods of one image, float64: each gradient on its own, each sum a loop.

`network`: (1, C, H, W) pixels -> (1, classes) logits. `draws(purpose)`: the image's generators.
"""

import torch

from .paths import Point


def objective_of(logits, target: int, objective: str):
    """The scalar explained, of one image's logits (classes,)."""
    if objective == "logit":
        return logits[target]
    log_probability = logits[target] - torch.logsumexp(logits, 0)
    return {"log_probability": log_probability, "probability": log_probability.exp(), "loss": -log_probability}[objective]


def slope(network, at, target: int, objective: str = "logit"):
    """dF / dx at one image (C, H, W)."""
    at = at.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(objective_of(network(at[None])[0], target, objective), at)
    return gradient


def drawn(draws, purpose: str, shape, kind: str = "standard_normal"):
    """The image's random numbers: float32, as they are part of the interface, then widened."""
    return torch.from_numpy(getattr(draws(purpose), kind)(tuple(shape), dtype="float32")).double()


def nodes(rule: str, steps: int) -> list[tuple[float, float]]:
    """(alpha, weight) of a quadrature rule."""
    if rule == "midpoint":
        return [((k + 0.5) / steps, 1 / steps) for k in range(steps)]
    if rule == "right":
        return [((k + 1) / steps, 1 / steps) for k in range(steps)]
    inner = 1 / (steps - 1)
    return [(k * inner, inner / 2 if k in (0, steps - 1) else inner) for k in range(steps)]


def line(network, x, target: int, reference, steps: int, rule: str = "midpoint", objective: str = "logit", number=0, share=1.0):
    """The points of the straight line from one reference. alpha = 1 is the image itself, to the last bit."""
    points = []
    for alpha, weight in nodes(rule, steps):
        at = (1 - alpha) * reference + alpha * x
        if abs(alpha - 1) < 1e-12:
            at = x
        points.append(Point(number, reference, at, slope(network, at, target, objective), share * weight))
    return points


def lines(network, x, target: int, references, steps: int, rule: str = "midpoint", objective: str = "logit"):
    """The points of the lines from several references, each as likely as any other."""
    points = []
    for number, reference in enumerate(references):
        points += line(network, x, target, reference, steps, rule, objective, number, 1 / len(references))
    return points


def as_released(network, x, target: int, steps: int, baseline: float, objective: str = "logit"):
    """IG of the re-calibration code: sum over alpha = linspace(0, 1, steps) of the displacement REACHED times the gradient."""
    total = torch.zeros_like(x)
    for k in range(steps):
        alpha = k / (steps - 1) if steps > 1 else 0.0
        at = baseline + alpha * (x - baseline)
        total += (at - baseline) * slope(network, at, target, objective)
    return total


def gaussian(x, draws, mean: float, std: float):
    """IG(G): an image of noise."""
    return (mean + std * drawn(draws, "baseline", x.shape)).clamp(0, 1)


def average(x, per_channel: bool):
    """IG(A): the mean of each channel, or of all, at every pixel."""
    result = torch.zeros_like(x)
    for channel in range(len(x)):
        values = x[channel].flatten().tolist() if per_channel else x.flatten().tolist()
        result[channel] = sum(values) / len(values)
    return result


def mean_gradient(x, points):
    """IG / (x - x'), taken as the integral of the gradient also where x = x' (Taylor paper, IG1)."""
    total = torch.zeros_like(x)
    for point in points:
        total += point.weight * point.gradient
    return total


def ig1(network, x, target, steps, rule="midpoint", baseline=0.0, objective="logit"):
    """Mean gradient on the way from a constant image."""
    return mean_gradient(x, line(network, x, target, torch.full_like(x, baseline), steps, rule, objective))


def ig3(network, x, target, draws, references, steps, rule="midpoint", std=0.25, objective="logit"):
    """Mean over baselines x + Delta, Delta ~ N(0, std^2), of the mean gradient. IG2 is that of one baseline."""
    noise = drawn(draws, "baselines", (references, *x.shape))
    return mean_gradient(x, lines(network, x, target, [x + std * each for each in noise], steps, rule, objective))


def smoothgrad(network, x, target, draws, samples, noise, relative=True, objective="logit"):
    """Mean gradient of noisy copies."""
    scale = noise * float(x.max() - x.min()) if relative else noise
    total = torch.zeros_like(x)
    for each in drawn(draws, "noise", (samples, *x.shape)):
        total += slope(network, x + scale * each, target, objective) / samples
    return total


def uniform_references(x, draws, references: int):
    """IG-Uniform."""
    return list(drawn(draws, "references", (references, *x.shape), "random"))


def noisy_references(x, draws, references: int, noise: float):
    """IG-SG and IG-SQ."""
    scale = noise * float(x.max() - x.min())
    return [(x + scale * each).clamp(0, 1) for each in drawn(draws, "references", (references, *x.shape))]


def squared(x, points):
    """IG-SQ: signed displacement times the gradient squared."""
    total = torch.zeros_like(x)
    for point in points:
        total += point.weight * (x - point.reference) * point.gradient**2
    return total


def squared_valid_interpolations(x, points, proportionality: float = 2.0):
    """Algorithm 1 with every kept product, lambda included, squared."""
    result = torch.zeros_like(x)
    for place in range(x.numel()):
        kept, weights = 0.0, 0.0
        for point in points:
            product = float((x - point.at).flatten()[place]) * float(point.gradient.flatten()[place])
            if product >= 0:
                kept += point.weight * (proportionality * product) ** 2
                weights += point.weight
        if weights:
            result.view(-1)[place] = kept / weights
    return result


def squared_valid_references(x, points):
    """Algorithm 2 with every kept product squared."""
    result = torch.zeros_like(x)
    numbers = sorted({point.number for point in points})
    for place in range(x.numel()):
        kept, weights = 0.0, 0.0
        for number in numbers:
            own = [point for point in points if point.number == number]
            weight = sum(point.weight for point in own)
            mean = sum(point.weight * float(point.gradient.flatten()[place]) for point in own) / weight
            product = float((x - own[0].reference).flatten()[place]) * mean
            if product >= 0:
                kept += weight * product**2
                weights += weight
        if weights:
            result.view(-1)[place] = kept / weights
    return result
