"""How well a network knows its classes: its accuracy, and whether that is more than chance."""

import numpy as np

from . import train

LEVEL = 0.05


def tested(classifier, images, labels) -> dict:
    """`test_accuracy` on N images (C, H, W) by their labels (N,), and `test_images`, N; `chance`, the share of the most frequent
    label, which the same answer to all images reaches; `chance_p`, the probability of as many hits or more by chance (exact
    binomial test); `at_chance`: whether that is above 0.05. None of labels -1, and no test where all hits would not do.
    """
    labels = np.asarray(labels)
    found = {"test_accuracy": None, "test_images": len(labels), "chance": None, "chance_p": None, "at_chance": False}
    if (labels < 0).any():
        return found
    found |= {"test_accuracy": train.accuracy(classifier, images, labels)}
    return found | chance(round(found["test_accuracy"] * len(labels)), labels)


def chance(hits: int, labels) -> dict:
    """`chance`, `chance_p` and `at_chance`, as of `tested`, of so many hits."""
    from scipy.stats import binom

    share = float(np.unique(labels, return_counts=True)[1].max() / len(labels))
    p = float(binom.sf(hits - 1, len(labels), share)) if share ** len(labels) <= LEVEL else None
    return {"chance": share, "chance_p": p, "at_chance": p is not None and p > LEVEL}
