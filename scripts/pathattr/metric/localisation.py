"""Metrics of where on the image a map lies and of how even it is. They need no network."""

from typing import Literal

import numpy as np

from ..errors import InputError
from ..registry import metric


def _mask(image) -> np.ndarray:
    """The object's mask (H, W), which must not be empty."""
    mask = image.mask.cpu().numpy()
    if not mask.any():
        raise InputError(f"the mask of image {image.id} is empty; accepted: at least one pixel")
    return mask


def neighbours(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of all pairs of pixels of (H, W) that are next to each other, horizontally or vertically: (P,), (P,)."""
    first = np.concatenate([values[:, :-1].ravel(), values[:-1].ravel()])
    return first, np.concatenate([values[:, 1:].ravel(), values[1:].ravel()])


def entropy(size: np.ndarray) -> float:
    """Entropy of values >= 0, not all 0, as a distribution over pixels, over its largest value, the log of their number."""
    share = size[size > 0] / size.sum()
    return min(1.0, float(-(share * np.log(share)).sum() / np.log(size.size)))  # not 1 + rounding


def _single(**scores: float) -> dict:
    return {name: (np.array([np.nan]), np.array([value])) for name, value in scores.items()}


@metric(
    "on_object",
    paper="Yang et al., AAAI 2023; the other four serve what papers say of their pictures",
    equation="Figs 1 and 5, as told; no formula",
    forwards="0",
    needs=("mask",),
    scores={
        "object_share": ("0 to 1", "higher"),
        "object_concentration": ("unbounded", "higher"),
        "total_variation": ("0 to 4", "lower"),
        "sign_changes": ("0 to 1", "lower"),
        "entropy": ("0 to 1", "lower"),
    },
)
def on_object(image, attribution):
    """Share of a map that lies on the object, and how even, smooth and concise the map is.

    With |A| the sum over channels of absolute values: object_share, the sum of |A| within the object's mask over the sum of |A|;
    object_concentration, that share over the object's share of the image, 1 for a map without preference; entropy, of |A| as a
    distribution over the n pixels, over log n, 0 for one pixel and 1 for a constant map.
    With A the signed sum over channels: total_variation, the sum of |A_i - A_j| over horizontal and vertical neighbours over the
    sum of |A_i|; sign_changes, of the neighbours that are both not 0, the share whose signs differ, 0 where there are none.

    A map of zeros prefers no pixel: its object_concentration and entropy are 1, its other two 0. All have x nan. One image;
    (C, H, W) attribution. Raises `InputError` where the mask is empty.
    """
    mask, values = _mask(image), attribution.double().cpu().numpy()
    size, signed = np.abs(values).sum(0), values.sum(0)
    if not size.sum():
        size = size + 1
    share = float(size[mask].sum() / size.sum())
    first, second = neighbours(signed)
    whole, both = np.abs(signed).sum(), (first != 0) & (second != 0)
    return _single(
        object_share=share,
        object_concentration=share / float(mask.mean()),
        total_variation=float(np.abs(first - second).sum() / whole) if whole else 0.0,
        sign_changes=float((np.sign(first) != np.sign(second))[both].mean()) if both.any() else 0.0,
        entropy=entropy(size),
    )
    yield  # a generator, as all metrics are, that asks nothing


@metric(
    "localisation",
    paper="Deng et al., 2020 (Taylor framework)",
    equation="section 5, Table 2: m / n",
    forwards="0",
    needs=("mask", "box"),
    unsigned="absolute",
    missing=("localised",),
    scores={"localised": ("0 to 1", "higher"), "box_share": ("0 to 1", "higher"), "region_share": ("0 to 1", "higher")},
)
def localisation(image, attribution, *, absolute: bool = True, region: Literal["box", "object"] = "box"):
    """How many of the n largest pixels of a map lie in the bounding box, n being the pixels of the box: localised = m / n.

    Pixels are ordered by the channel sum of |A| (`absolute`) or of A, ties by position; the paper does not say which. `region`: in
    place of the box (of several, their union) the object itself, its mask. A map that has nothing to do with the region has
    localised = region_share on average. A region that is empty, such as a box which the crop has cut off, has no localised: nan.

    box_share, the box's share of the image whatever the region, and region_share, the region's, are no quality of a map: by the
    first images are chosen, as Table 2 does (at most 33 %, at most 66 %), the second is the floor; their direction is a convention.
    All have x nan. One image; (C, H, W) attribution.
    """
    box, values = image.box.cpu().numpy(), attribution.double().cpu().numpy()
    where = box if region == "box" else image.mask.cpu().numpy()
    order = (np.abs(values) if absolute else values).sum(0).ravel()
    largest = np.argsort(-order, kind="stable")[: where.sum()]
    localised = float(where.ravel()[largest].mean()) if where.any() else np.nan
    return _single(localised=localised, box_share=float(box.mean()), region_share=float(where.mean()))
    yield  # a generator, as all metrics are, that asks nothing
