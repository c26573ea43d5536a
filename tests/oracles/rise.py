"""RISE (Petsiuk et al., BMVC 2018), equation (6), mask by mask and pixel by pixel, float64; and what it is on average."""

import itertools
import math

import numpy as np


def mask(grid, shift, height: int, width: int) -> np.ndarray:
    """A grid (s, s), enlarged by linear interpolation between the cells' centres and cut out at a shift: (height, width)."""
    cells = len(grid)
    cell = [math.ceil(side / cells) for side in (height, width)]
    found = np.zeros((height, width))
    for row, column in itertools.product(range(height), range(width)):
        places = []
        for at, move, one in ((row, shift[0], cell[0]), (column, shift[1], cell[1])):
            place = min(max((at + move + 0.5) * cells / ((cells + 1) * one) - 0.5, 0.0), cells - 1)
            low = int(place)
            places.append([(low, 1 - (place - low)), (min(low + 1, cells - 1), place - low)])
        found[row, column] = sum(grid[r][c] * a * b for (r, a), (c, b) in itertools.product(*places))
    return found


def saliency(score, x, masks, probability: float, value: float) -> np.ndarray:
    """The mean of the masks, each times the score of the image behind it, over `probability`: (H, W) of an image (C, H, W)."""
    total = np.zeros(x.shape[1:])
    for one in masks:
        total += score(x * one + value * (1 - one)) * one
    return total / (len(masks) * probability)


def expected(score, x, cells: int, probability: float, value: float) -> np.ndarray:
    """What `saliency` is on average: over all grids and all shifts, each by how likely it is."""
    height, width = x.shape[1:]
    cell = [math.ceil(side / cells) for side in (height, width)]
    total = np.zeros((height, width))
    for bits in itertools.product((0, 1), repeat=cells * cells):
        likely = probability ** sum(bits) * (1 - probability) ** (len(bits) - sum(bits)) / (cell[0] * cell[1])
        for shift in itertools.product(range(cell[0]), range(cell[1])):
            one = mask(np.reshape(bits, (cells, cells)), shift, height, width)
            total += likely * score(x * one + value * (1 - one)) * one
    return total / probability
