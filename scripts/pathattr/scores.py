"""Per-image scores gathered over shards and summarised, and the papers' printed numbers to set beside them. No torch."""

from pathlib import Path

import numpy as np
import pandas as pd

from .errors import InputError
from .rng import generator
from .store import read_table

DRAWS, CHUNK = 2000, 50  # bootstrap resamples of an interval


def collect(files, digests: dict, metrics: list[str], variant: str = "vanilla") -> pd.DataFrame:
    """Some scores of all files, with columns `model` and `method` from their place, ordered by model, method and image.

    `digests`: path -> expected digest. Raises `InputError` where the methods of a model were measured on different images.
    """
    wanted = [("metric", "in", metrics), ("variant", "==", variant)]
    parts = []
    for file in files:
        _, _, dataset, model, method, _, _ = Path(file).parts[-7:]
        parts.append(read_table(file, digests[str(file)], wanted)[0].assign(dataset=dataset, model=model, method=method))
    table = pd.concat(parts, ignore_index=True)
    keys = ["model", "method", "metric", "image_id", "x"]
    if table.duplicated(keys).any():
        raise InputError(f"scores: {table[table.duplicated(keys)].iloc[0][keys].to_dict()} comes twice")
    images = table.drop_duplicates(["model", "method", "image_id"]).groupby(["model", "method"])["image_id"]
    if images.agg(frozenset).groupby("model").nunique().gt(1).any():
        raise InputError(f"scores: methods were measured on different images: {images.size().to_dict()}")
    return table.sort_values(keys, kind="stable", ignore_index=True)


def summarise(table: pd.DataFrame, by: list[str], seed: int) -> pd.DataFrame:
    """Mean of `value` over images within each group, with `low` and `high`, a 95 % bootstrap interval, and `n` images.

    The resamples are keyed by the seed and the number of images alone, so groups over the same images share them and an
    interval does not depend on what else is summarised.
    """
    ordered = table.sort_values("image_id", kind="stable")
    groups = {key: group.to_numpy() for key, group in ordered.groupby(by, sort=True, dropna=False)["value"]}
    limits = {}
    for n in {len(values) for values in groups.values()}:
        keys = [key for key, values in groups.items() if len(values) == n]
        low, high = intervals(np.stack([groups[key] for key in keys], axis=1), seed)
        limits |= {key: limit for key, *limit in zip(keys, low, high, strict=True)}
    rows = [(*key, values.mean(), *limits[key], len(values)) for key, values in groups.items()]
    return pd.DataFrame(rows, columns=[*by, "mean", "low", "high", "n"])


def intervals(values: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """95 % percentile-bootstrap intervals of the column means of (N, G) values: low (G,) and high (G,)."""
    count = len(values)
    rng = generator(seed, "bootstrap", count)
    means = []
    for _ in range(0, DRAWS, CHUNK):  # in pieces: all weights at once would take gigabytes for 50 000 images
        weights = rng.multinomial(count, np.full(count, 1 / count), size=CHUNK)
        means.append(weights @ values / count)
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975], axis=0)
    return low, high


def sweep_points(files, digests: dict, points, metrics: list[str], seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A sweep's points with their scores, and the scores of all methods measured.

    `points`: (name, method, values) as `Study.points` gives them. Returns one row a point and metric (series = method,
    values, metric, gradients an image, mean, low, high, n); and mean, low, high, n by (method, metric).
    """
    table = collect(files, digests, metrics)
    areas = summarise(table, ["method", "metric"], seed).set_index(["method", "metric"])
    gradients = table.groupby("method")["gradients"].mean()
    rows = [
        {"series": method, "values": values, "metric": metric, "gradients": gradients[name], **areas.loc[(name, metric)]}
        for name, method, values in points
        for metric in metrics
    ]
    return pd.DataFrame(rows).astype({"n": int}), areas.astype({"n": int})


def reported(path, table: str) -> pd.DataFrame:
    """Printed numbers of one table of a paper: model, method, metric, value."""
    numbers = pd.read_csv(path)
    return numbers[numbers["table"] == table].drop(columns="table").reset_index(drop=True)
