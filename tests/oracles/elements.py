"""Insertion and deletion of an image's elements, one image, element by element, in plain numpy loops."""

import numpy as np


def batches(attribution: np.ndarray, ranking: str, steps: int) -> list[list[tuple[int, int, int]]]:
    """The elements (channel, row, column) that each of `steps` steps takes, as the code of each paper takes them."""
    channels, height, width = attribution.shape
    pixels = [(row, column) for row in range(height) for column in range(width)]

    def split(order: list) -> list[list]:
        edges = [len(order) * step // steps for step in range(steps + 1)]
        return [order[a:b] for a, b in zip(edges, edges[1:], strict=False)]

    def descending(things, value) -> list:
        return sorted(things, key=lambda one: -value(one))  # a stable sort: ties stay as they are

    if ranking == "element":
        every = [(channel, *pixel) for channel in range(channels) for pixel in pixels]
        return split(descending(every, lambda one: float(attribution[one])))
    if ranking == "pixel":
        order = descending(pixels, lambda one: float(sum(attribution[channel][one] for channel in range(channels))))
        return [[(channel, *pixel) for pixel in part for channel in range(channels)] for part in split(order)]
    own = [split(descending(pixels, lambda one, channel=channel: float(attribution[channel][one]))) for channel in range(channels)]
    found = []
    for step in range(steps):
        if ranking == "channel":  # of MFABA
            found.append([(channel, *pixel) for channel in range(channels) for pixel in own[channel][step]])
        else:  # of AGI: the pixels that any channel's order names, and these of all channels
            named = [pixel for channel in range(channels) for pixel in own[channel][step]]
            found.append([(channel, *pixel) for channel in range(channels) for pixel in named])
    return found


def curves(probabilities, x: np.ndarray, attribution: np.ndarray, ranking: str, steps: int) -> tuple[list, list, float, float]:
    """Insertion and deletion (steps + 1 numbers each), and their areas. `probabilities`: of all classes, of an image (C, H, W)."""
    predicted = int(np.argmax(probabilities(x)))
    shown, hidden = np.zeros_like(x), x.copy()
    inserted, deleted = [probabilities(shown)[predicted]], [probabilities(hidden)[predicted]]
    for part in batches(attribution, ranking, steps):
        for element in part:
            shown[element] = x[element]
            hidden[element] = 0
        inserted.append(probabilities(shown)[predicted])
        deleted.append(probabilities(hidden)[predicted])
    areas = [(sum(curve) - curve[0] / 2 - curve[-1] / 2) / (len(curve) - 1) for curve in (inserted, deleted)]
    return inserted, deleted, *areas
