"""Per-image scores summarised: means with bootstrap intervals over images, and rank correlations. No torch."""

import itertools

import numpy as np
import pandas as pd

from .ranks import centred_ranks
from .rng import generator

DRAWS, CHUNK = 2000, 50  # bootstrap resamples of an interval
ALL, SOME = 9, 100_000  # points of which all orders are tried; orders of more
COUNTED = (("flat_maps", "flat", "sum"), ("met_share", "met", "mean"))  # what goes with a mean, of which column, how


def summarise(table: pd.DataFrame, by: list[str], seed: int) -> pd.DataFrame:
    """Mean of `value` over images within each group, with `low` and `high`, a 95 % bootstrap interval, and `n` images; and
    where the table tells of them, `flat_maps`, how many of their maps rank no pixel, and `met_share`, of their own baselines those
    that met their goal.

    The resamples are keyed by the seed and the number of images alone, so groups over the same images share them and an
    interval does not depend on what else is summarised.
    """
    ordered = table.sort_values("image_id", kind="stable")
    grouped = ordered.groupby(by, sort=True, dropna=False)
    groups = {key: group.to_numpy() for key, group in grouped["value"]}
    limits = {}
    for n in {len(values) for values in groups.values()}:
        keys = [key for key, values in groups.items() if len(values) == n]
        low, high = intervals(np.stack([groups[key] for key in keys], axis=1), seed)
        limits |= {key: limit for key, *limit in zip(keys, low, high, strict=True)}
    rows = [(*key, values.mean(), *limits[key], len(values)) for key, values in groups.items()]
    counts = {name: (of, how) for name, of, how in COUNTED if of in table}
    counted = [grouped.agg(**counts).reset_index(drop=True)] if counts else []  # in the groups' order
    return pd.concat([pd.DataFrame(rows, columns=[*by, "mean", "low", "high", "n"]), *counted], axis=1)


def intervals(values: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """95 % percentile-bootstrap intervals of the column means of (N, G) values: low (G,) and high (G,)."""
    low, high = np.quantile(resampled(values, seed), [0.025, 0.975], axis=0)
    return low, high


def resampled(values: np.ndarray, seed: int) -> np.ndarray:
    """Column means of (N, G) values in each of 2 000 bootstrap resamples of the rows: (2 000, G)."""
    count = len(values)
    rng = generator(seed, "bootstrap", count)
    means = []
    for _ in range(0, DRAWS, CHUNK):  # in pieces: all weights at once would take gigabytes for 50 000 images
        weights = rng.multinomial(count, np.full(count, 1 / count), size=CHUNK)
        means.append(weights @ values / count)
    return np.concatenate(means)


def orders(one, other, seed: int) -> tuple[np.ndarray, float]:
    """What a permutation test of Spearman's correlation takes: products of the centred ranks, which are exact, in the given order,
    first, and in all orders of up to 9 points, or in 100 000 random ones of more; and what divides them into correlations, 0 where
    one is constant.
    """
    first, second, scale = centred_ranks(one, other)
    count = len(first)
    if count <= ALL:
        tried = np.array(list(itertools.permutations(range(count))))
    else:
        random = generator(seed, "orders", count).permuted(np.tile(np.arange(count), (SOME, 1)), axis=1)
        tried = np.concatenate([np.arange(count)[None], random])
    return second[tried] @ first, scale


def counts_in(table: pd.DataFrame) -> list[str]:
    """Which columns of what `summarise` counts a table has."""
    return [name for name, _, _ in COUNTED if name in table]
