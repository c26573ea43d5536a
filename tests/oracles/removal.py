"""DiffID and its two games (LPI, Eq. 7) for one image, pixel by pixel."""

import math

import numpy as np


def ranking(attribution, absolute: bool) -> list[tuple[int, int]]:
    """Pixels from the least to the most salient, ties by position."""
    channels, height, width = attribution.shape
    salience = {}
    for row in range(height):
        for column in range(width):
            values = [float(attribution[channel, row, column]) for channel in range(channels)]
            salience[row, column] = sum(abs(value) for value in values) if absolute else sum(values)
    return sorted(salience, key=lambda pixel: (salience[pixel], pixel))


def without(normalised, removed: set):
    """The normalised image, each removed pixel replaced by one number: the mean of all channels of all pixels preserved."""
    channels, height, width = normalised.shape
    places = [(row, column) for row in range(height) for column in range(width)]
    preserved = [place for place in places if place not in removed] or places
    total = math.fsum(float(normalised[channel, row, column]) for row, column in preserved for channel in range(channels))
    mean = total / (len(preserved) * channels)
    filled = normalised.clone()
    for row, column in removed:
        for channel in range(channels):
            filled[channel, row, column] = mean
    return filled


def outcomes(network, normalised, target: int, full: float) -> dict[str, float]:
    """Logit ratio, probability and accuracy of one normalised image."""
    logits = network(normalised[None])[0].tolist()
    largest = max(logits)
    exponentials = [math.exp(value - largest) for value in logits]
    return {
        "output": logits[target] / full,
        "probability": exponentials[target] / sum(exponentials),
        "accuracy": float(logits.index(largest) == target),
    }


def trapezoid(x, values) -> float:
    """Area under a curve."""
    return sum((right - left) * (values[k] + values[k + 1]) / 2 for k, (left, right) in enumerate(zip(x, x[1:], strict=False)))


def diffid(network, x, mean, std, attribution, target: int, fractions: int, absolute: bool) -> dict:
    """Score -> list over delta = 0, 1/fractions, ..., 1, and `<score>_auc` -> number. `network` takes normalised images."""
    normalised = x.clone()
    for channel in range(len(x)):
        normalised[channel] = (x[channel] - mean[channel]) / std[channel]
    order = ranking(attribution, absolute)
    full = float(network(normalised[None])[0, target])
    deltas = [step / fractions for step in range(fractions + 1)]
    curves = {}
    for step in range(fractions + 1):
        count = len(order) * step // fractions
        inserted = outcomes(network, without(normalised, set(order[:count])), target, full)
        deleted = outcomes(network, without(normalised, set(order[len(order) - count :])), target, full)
        for name in inserted:
            curves.setdefault(f"insertion_{name}", []).append(inserted[name])
            curves.setdefault(f"deletion_{name}", []).append(deleted[name])
            curves.setdefault(f"diffid_{name}", []).append(inserted[name] - deleted[name])
    areas = {f"{name}_auc": trapezoid(deltas, values) for name, values in curves.items()}
    return {**{name: np.array(values) for name, values in curves.items()}, **areas}
