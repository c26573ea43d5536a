"""Judging: from differences an image to intervals, and from intervals to a verdict. No torch.

The protocol is one for all claims. A *cell* is one comparison on one model. Its estimate is a mean over images, in the claimed
direction; the intervals of all cells of a claim hold together at 95 % (max-t, from the bootstrap draws that the cells share). A
cell is *for* the claim where its interval lies wholly beyond the margin on the claimed side, *against* it where it lies wholly
on the other side, else *open*. A verdict is a finding, never an error.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd

from .scores import resampled

VERDICTS = ("reproduced", "reversed", "mixed", "undecided", "not run", "holds", "does not hold")
FOR, AGAINST, OPEN = "for", "against", "open"


@dataclass
class Judged:
    """What a comparison found.

    `compared`: what its numbers are, in words. `cells`: one mapping each, at least `label`, `estimate`, `low`, `high`, `n`, `side`.
    `overall`: the mean over the cells, with its 95 % interval. `notes`: lines to read along. `reason`: why it was not run.
    """

    compared: str
    cells: list[dict]
    exact: bool = False
    overall: dict = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    reason: str = ""


class NotRun(Exception):
    """A claim that cannot be judged here; its text says why."""

    @property
    def judged(self) -> Judged:
        return Judged("", [], reason=str(self))


def simultaneous(estimates: np.ndarray, draws: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of C estimates that hold together: low (C,) and high (C,).

    `draws`: (D, C) of their bootstrap draws. Max-t: the `level` quantile over draws of max |draw - estimate| / standard error.
    """
    error = draws.std(0, ddof=1)
    scaled = np.divide(np.abs(draws - estimates), error, out=np.zeros_like(draws), where=error > 0)
    reach = np.quantile(scaled.max(1), level) * error
    return estimates - reach, estimates + reach


def side(low: float, high: float, margin: float = 0.0) -> str:
    """Where an interval lies: beyond the margin on the claimed side, wholly on the other side, or neither."""
    if low > margin:
        return FOR
    return AGAINST if high < margin else OPEN


def agreed(where: str, trainings, margin: float = 0.0) -> str:
    """The side of a cell where the estimate of each training lies there too, else open."""
    there = {FOR: lambda one: one > margin, AGAINST: lambda one: one < margin, OPEN: lambda one: True}[where]
    return where if all(there(one) for one in trainings) else OPEN


def decide(sides: list[str]) -> str:
    """The verdict on a claim from the sides of its cells."""
    if sides and all(one == FOR for one in sides):
        return "reproduced"
    if FOR in sides:
        return "mixed"
    return "reversed" if AGAINST in sides else "undecided"


def cells_of(differences: list[dict], seed: int, margin: float = 0.0) -> tuple[list[dict], dict]:
    """Cells of differences in the claimed direction, and the mean over them.

    `differences`: of each cell `label`, `values` (an image each, images in one order), `training` (of each image) and what
    else its cell shall hold. A cell of a model with several trainings is decided only where each lies on its side.
    """
    draws = np.stack([resampled(one["values"][:, None], seed)[:, 0] for one in differences], axis=1)
    estimates = np.array([one["values"].mean() for one in differences])
    low, high = simultaneous(estimates, draws)
    cells = []
    for number, one in enumerate(differences):
        own = {key: value for key, value in one.items() if key not in ("values", "training")}
        trainings = pd.Series(one["values"]).groupby(np.asarray(one["training"])).mean()
        where = agreed(side(low[number], high[number], margin), trainings, margin)
        own |= {"estimate": estimates[number], "low": low[number], "high": high[number], "n": len(one["values"]), "side": where}
        cells.append(own | {"trainings": trainings.tolist() if len(trainings) > 1 else []})
    together = np.quantile(draws.mean(1), [0.025, 0.975])
    return cells, {"estimate": estimates.mean(), "low": together[0], "high": together[1]}


def trimmed(values: np.ndarray, share: float = 0.05) -> float:
    """Mean without the smallest and the largest 5 %."""
    cut = int(len(values) * share)
    return float(np.sort(values)[cut : len(values) - cut].mean())


def wilson(hits: int, count: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share of images."""
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share, square = hits / count, z**2 / count
    middle, reach = share + square / 2, z * np.sqrt(share * (1 - share) / count + square / (4 * count))
    low, high = (middle - reach) / (1 + square), (middle + reach) / (1 + square)
    return 0.0 if hits == 0 else low, 1.0 if hits == count else high  # exactly, not but for rounding


def verdict(judged: Judged, about: dict) -> dict:
    """The verdict on a claim as it is written: what the configuration says of it, `about`, and what was found."""
    sides = [cell["side"] for cell in judged.cells]
    if judged.reason:
        word = "not run"
    elif judged.exact:
        word = "holds" if all(one == FOR for one in sides) else "does not hold"
    else:
        word = decide(sides)
    several = max((len(cell.get("trainings", [])) for cell in judged.cells), default=0)
    notes = judged.notes + [f"given these {several} trainings"] * (several > 1)
    notes += [f"left out: {name} {why}" for name, why in about.get("left_out", {}).items()]
    return {
        **{key: about[key] for key in ("paper", "id", "says", "where", "artefacts", "digest")},
        "verdict": word,
        "cells_for": sides.count(FOR),
        "cells_against": sides.count(AGAINST),
        "compared": judged.compared,
        "measured_on": measured_on(about["models"]),
        "overall": _plain(judged.overall),
        "cells": [_plain(cell) for cell in judged.cells],
        "notes": [judged.reason] if judged.reason else notes,
    }


def measured_on(models: dict) -> str:
    """The models and data sets of a claim, in words."""
    places = [
        one["model"] + (f" (for {one['stands_for']})" if one["stands_for"] else "") + f" on {one['dataset']}"
        for one in models.values()
    ]
    return ", ".join(places)


def _plain(values: dict) -> dict:
    """Numbers that JSON and every machine write alike: 6 significant digits, no NumPy, none for what is not a number."""

    def one(value):
        if isinstance(value, list | tuple):
            return [one(part) for part in value]
        if isinstance(value, float | np.floating):
            return float(f"{value:.6g}") if np.isfinite(value) else None
        return int(value) if isinstance(value, np.integer) else value

    return {key: one(value) for key, value in values.items()}


def table(verdicts: list[dict]) -> pd.DataFrame:
    """One row a claim: what it says, what was compared, the mean over its cells, the verdict."""
    rows = []
    for one in verdicts:
        n = sorted({cell["n"] for cell in one["cells"] if "n" in cell})
        printed = [cell["printed"] for cell in one["cells"] if cell.get("printed") is not None]
        rows.append(
            {
                "claim": f"{one['paper']}.{one['id']}",
                "verdict": one["verdict"],
                "cells_for": one["cells_for"],
                "cells_against": one["cells_against"],
                "cells": len(one["cells"]),
                "estimate": one["overall"].get("estimate"),
                "low": one["overall"].get("low"),
                "high": one["overall"].get("high"),
                "reported": np.mean(printed) if printed else None,
                "n": " ".join(map(str, n)),
                "compared": one["compared"],
                "says": one["says"],
                "where": one["where"],
                "artefacts": " ".join(one["artefacts"]),
                "measured_on": one["measured_on"],
                "notes": " | ".join(one["notes"]),
            }
        )
    return pd.DataFrame(rows)


def document(verdicts: list[dict], told: dict, benchmarks) -> dict:
    """All verdicts for machines (resources/claims.schema.json), with the command and the cost that remakes each alone.

    The cost is summed over the benchmark files of every job that a claim's verdict hangs on, None where one is missing.
    """
    claims = []
    for one in verdicts:
        file = f"results/claims/{one['paper']}.{one['id']}.json"
        cost = _cost(told["takes"][file], Path(benchmarks))
        claims.append({**one, "command": f"snakemake --cores all {file}", **cost})
    return {"schema": "resources/claims.schema.json", "digest": told["digest"], "claims": claims}


def _cost(patterns: list[str], folder: Path) -> dict:
    """Jobs, seconds on one core's worth of a job, and the largest memory, of the benchmark files of these patterns."""
    files = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
    parts = [pd.read_csv(path, sep="\t", na_values="-") for path in files]
    if not parts or any(not list(folder.glob(pattern)) for pattern in patterns):
        return {"jobs": None, "seconds": None, "megabytes": None}
    every = pd.concat(parts)
    memory = every["max_rss"].max()
    return {
        "jobs": len(parts),
        "seconds": round(float(every["s"].sum()), 1),
        "megabytes": None if np.isnan(memory) else round(memory),
    }


def counts(verdicts: list[dict], titles: dict) -> str:
    """Verdicts counted, a line a paper."""
    lines = []
    for paper, title in titles.items():
        words = [one["verdict"] for one in verdicts if one["paper"] == paper]
        said = ", ".join(f"{words.count(word)} {word}" for word in VERDICTS if word in words)
        lines.append(f"{title}: {len(words)} claims: {said}")
    return "\n".join(lines) + "\n"


def read(path) -> list[dict]:
    """Claims of a claims.json."""
    return json.loads(Path(path).read_text())["claims"]
