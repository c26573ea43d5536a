"""Spearman's rank correlation, and maps that rank nothing. No torch."""

import numpy as np
import pandas as pd


def spearman(one, other) -> float:
    """Spearman's rank correlation of two arrays of one size, ties sharing their mean rank; nan where one is constant."""
    first, second, scale = centred_ranks(one, other)
    return float(first @ second / scale) if scale else np.nan


def centred_ranks(one, other) -> tuple[np.ndarray, np.ndarray, float]:
    """Centred ranks of both, and the product of their lengths."""
    a, b = (pd.Series(np.ravel(values)).rank().to_numpy() - (np.size(values) + 1) / 2 for values in (one, other))
    return a, b, float(np.sqrt((a @ a) * (b @ b)))


def flat(maps: np.ndarray) -> np.ndarray:
    """Whether no pixel of a map differs from another (most often it is 0 everywhere), so that it ranks none: (..., C, H, W) ->
    (...)."""
    return (maps == maps[..., :1, :1]).all((-3, -2, -1))
