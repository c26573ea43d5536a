"""Metrics of where on the image a map lies. They need no network."""

import numpy as np

from ..registry import metric


@metric(
    "on_object",
    paper="Yang et al., AAAI 2023",
    equation="Figs 1 and 5, as told; no formula",
    forwards="0",
    needs=("mask",),
    unsigned=True,
    scores={"object_share": ("0 to 1", "higher")},
)
def on_object(image, attribution):
    """Share of a map's absolute values that lies on the object: sum of |A| within its mask over the sum of |A|.

    A map of zeros prefers no pixel: its share is the object's share of the image. Gives object_share, x being nan. One image;
    (C, H, W) attribution.
    """
    size = attribution.double().abs().sum(0)
    if not size.sum():
        size = size + 1
    share = float(size[image.mask].sum() / size.sum())
    return {"object_share": (np.array([np.nan]), np.array([share]))}
    yield  # a generator, as all metrics are, that asks nothing
