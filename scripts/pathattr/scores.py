"""Per-image scores gathered over shards and summarised, and the papers' printed numbers to set beside them. No torch."""

from pathlib import Path

import numpy as np
import pandas as pd

from .errors import InputError
from .rng import generator
from .store import read_table

DRAWS = 2000  # bootstrap resamples of an interval


def collect(files, digests: dict) -> pd.DataFrame:
    """Scores of all files, with columns `model` and `method` from their place, ordered by model, method and image.

    `digests`: path -> expected digest. Raises `InputError` where the methods of a model were measured on different images.
    """
    parts = []
    for file in files:
        _, _, dataset, model, method, _, _ = Path(file).parts[-7:]
        parts.append(read_table(file, digests[str(file)])[0].assign(dataset=dataset, model=model, method=method))
    table = pd.concat(parts, ignore_index=True)
    keys = ["model", "method", "variant", "metric", "image_id", "x"]
    if table.duplicated(keys).any():
        raise InputError(f"scores: {table[table.duplicated(keys)].iloc[0][keys].to_dict()} comes twice")
    counts = table.groupby(["model", "method"])["image_id"].nunique()
    if (counts.groupby("model").nunique() > 1).any():
        raise InputError(f"scores: methods were measured on different numbers of images: {counts.to_dict()}")
    return table.sort_values(keys, kind="stable", ignore_index=True)


def summarise(table: pd.DataFrame, by: list[str], seed: int) -> pd.DataFrame:
    """Mean of `value` over images within each group, with `low` and `high`, a 95 % bootstrap interval, and `n` images.

    The resamples are keyed by the seed and the number of images alone, so groups over the same images share them and an
    interval does not depend on what else is summarised.
    """
    rows = []
    for key, group in table.groupby(by, sort=True, dropna=False):
        values = group.sort_values("image_id", kind="stable")["value"].to_numpy()
        low, high = interval(values, seed)
        rows.append((*key, values.mean(), low, high, len(values)))
    return pd.DataFrame(rows, columns=[*by, "mean", "low", "high", "n"])


def interval(values: np.ndarray, seed: int) -> tuple[float, float]:
    """95 % percentile-bootstrap interval of the mean of (N,) values."""
    rng = generator(seed, "bootstrap", len(values))
    weights = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), size=DRAWS)  # (DRAWS, N)
    low, high = np.quantile(weights @ values / len(values), [0.025, 0.975])
    return float(low), float(high)


def sweep_points(files, digests: dict, points, metrics: list[str], seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A sweep's points with their scores, and the scores of all methods measured.

    `points`: (name, method, values) as `Study.points` gives them. Returns one row a point and metric (series = method,
    values, metric, gradients an image, mean, low, high, n); and mean, low, high, n by (method, metric).
    """
    table = collect(files, digests)
    table = table[(table["variant"] == "vanilla") & table["metric"].isin(metrics)]
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
