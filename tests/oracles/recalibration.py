"""Algorithms 1 and 2 of the re-calibration paper (Yang et al., ICLR 2023), feature by feature, over points of any weight.

The paper's averages are over equal weights; with weights w they are the w-weighted ones.
"""

import torch


def valid_interpolations(x, points, proportionality: float = 2.0):
    """Algorithm 1."""
    result = torch.zeros_like(x)
    for place in range(x.numel()):
        kept = []
        for point in points:
            slope, variation = float(point.gradient.flatten()[place]), float((x - point.at).flatten()[place])
            if slope * variation >= 0:
                kept.append((point.weight, slope * variation))
        if kept:
            mean = sum(weight * product for weight, product in kept) / sum(weight for weight, _ in kept)
            result.view(-1)[place] = proportionality * mean
    return result


def valid_references(x, points):
    """Algorithm 2, the mean gradient reset for each reference; no factor, as x - x' is the whole displacement already."""
    result = torch.zeros_like(x)
    for place in range(x.numel()):
        kept = []
        for number in sorted({point.number for point in points}):
            own = [point for point in points if point.number == number]
            weight = sum(point.weight for point in own)
            slope = sum(point.weight * float(point.gradient.flatten()[place]) for point in own) / weight
            variation = float((x - own[0].reference).flatten()[place])
            if slope * variation >= 0:
                kept.append((weight, slope * variation))
        if kept:
            result.view(-1)[place] = sum(weight * product for weight, product in kept) / sum(weight for weight, _ in kept)
    return result
