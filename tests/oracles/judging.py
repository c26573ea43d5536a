"""Statistics and verdicts of claims, from the protocol in words: one draw, one cell, one image at a time.

The resamples are the library's own draws: `weights` are how often each image is in each of them.
"""

import math

import numpy as np

from pathattr.scores import resampled


def weights(count: int, seed: int) -> list[list[int]]:
    """How often each of `count` images is drawn, a list a resample."""
    return np.rint(resampled(np.eye(count), seed) * count).astype(int).tolist()


def mean(values) -> float:
    return sum(values) / len(values)


def means(values, drawn: list[list[int]]) -> list[float]:
    """The mean over the images of each resample."""
    return [sum(times * value for times, value in zip(one, values, strict=True)) / len(values) for one in drawn]


def quantile(values, share: float) -> float:
    """Between order statistics, linearly."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def error(draws: list[float]) -> float:
    """Standard deviation over draws, n - 1 in the denominator."""
    middle = mean(draws)
    return math.sqrt(sum((draw - middle) ** 2 for draw in draws) / (len(draws) - 1))


def simultaneous(estimates: list[float], draws: list[list[float]], level: float = 0.95) -> list[tuple[float, float]]:
    """(low, high) of each cell. `draws`: a list a cell, their places being the same resamples."""
    errors = [error(one) for one in draws]
    farthest = []
    for place in range(len(draws[0])):
        scaled = 0.0
        for cell, estimate in enumerate(estimates):
            if errors[cell] > 0:
                scaled = max(scaled, abs(draws[cell][place] - estimate) / errors[cell])
        farthest.append(scaled)
    factor = quantile(farthest, level)
    return [(estimate - factor * wide, estimate + factor * wide) for estimate, wide in zip(estimates, errors, strict=True)]


def where(low: float, high: float, trainings: list[float], margin: float = 0.0) -> str:
    """The side of a cell: decided where its interval and the mean of every training lie beyond the margin, all on one side."""
    if all(value > margin for value in (low, high, *trainings)):
        return "for"
    if all(value < margin for value in (low, high, *trainings)):
        return "against"
    return "open"


def verdict(sides: list[str]) -> tuple[str, int]:
    """The word, and how many cells lie on the claimed side."""
    claimed = len([one for one in sides if one == "for"])
    other = len([one for one in sides if one == "against"])
    if claimed > 0:
        return ("reproduced" if claimed == len(sides) else "mixed"), claimed
    return ("reversed" if other > 0 else "undecided"), 0


def _bisect(function, low: float, high: float) -> float:
    """Where a function that grows from low to high crosses 0."""
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if function(middle) > 0 else (middle, high)
    return (low + high) / 2


def normal_quantile(share: float) -> float:
    return _bisect(lambda z: (1 + math.erf(z / math.sqrt(2))) / 2 - share, -40.0, 40.0)


def wilson(hits: int, count: int, level: float = 0.95) -> tuple[float, float]:
    """The shares p that a score test does not refuse: |hits / count - p| <= z sqrt(p (1 - p) / count)."""
    z, share = normal_quantile((1 + level) / 2), hits / count

    def beyond(p):
        return (share - p) ** 2 - z**2 * p * (1 - p) / count

    return _bisect(lambda p: -beyond(p), 0.0, share) if hits else 0.0, _bisect(beyond, share, 1.0) if hits < count else 1.0


def ranks(values) -> list[float]:
    """1 for the least; equal values share the mean of their places."""
    return [mean([place + 1 for place, other in enumerate(sorted(values)) if other == value]) for value in values]


def spearman(first, second) -> float:
    """Pearson's correlation of the ranks."""
    a, b = ranks(first), ranks(second)
    a, b = [one - mean(a) for one in a], [one - mean(b) for one in b]
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def trimmed(values) -> float:
    """Mean of what is left when as many of the smallest and of the largest are put away as 5 % of all hold whole."""
    left = sorted(values)
    away = len(left) // 20
    for _ in range(away):
        left.remove(min(left))
        left.remove(max(left))
    return mean(left)
