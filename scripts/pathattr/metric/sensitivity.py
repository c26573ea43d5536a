"""Sensitivity-n: whether what a map gives to random subsets of pixels goes with what the network loses without them."""

from typing import Literal

import numpy as np

from ..errors import InputError
from ..probe.masked import masks
from ..registry import metric
from ..values import Draws, Share

# A spread below this share of the largest value possible is rounding: of float64 sums, and of a network's float32 logits.
SUMS, LOGITS = 1e-12, 1e-6


def without(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """What is left of values (S,) after their least-squares line in sizes (S,)."""
    values, sizes = values - values.mean(), sizes - sizes.mean()
    spread = (sizes**2).sum()
    return values - sizes * ((sizes * values).sum() / spread) if spread else values


def correlation(first: np.ndarray, second: np.ndarray, floors) -> float | None:
    """Pearson's correlation of two (S,), None where the standard deviation of one is not above its floor."""
    first, second = first - first.mean(), second - second.mean()
    deviations = np.sqrt((first**2).mean()), np.sqrt((second**2).mean())
    if not all(deviation > floor for deviation, floor in zip(deviations, floors, strict=True)):
        return None
    return float(np.clip((first / deviations[0] * (second / deviations[1])).mean(), -1, 1))


@metric(
    "sensitivity_n",
    paper="Ancona et al., ICLR 2018, as Yang et al., ICLR 2023, and Akhtar and Jalwana, ICML 2023, use it",
    equation="sum of A_i over S = F(x) - F(x_[x_S=0]): re-calibration, section 5.3",
    forwards="1 + len(fractions) * subsets",
    probe="masked",
    scores={
        "sensitivity_n": ("-1 to 1", "higher"),
        "sensitivity_n_as_released": ("-1 to 1", "higher"),
        "sensitivity_n_mean": ("-1 to 1", "higher"),
        "sensitivity_n_as_released_mean": ("-1 to 1", "higher"),
        "sensitivity_n_undefined": ("0 to 1", "lower"),
    },
)
def sensitivity_n(
    image,
    attribution,
    *,
    fractions: tuple[Share, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    subsets: Draws = 100,
    of: Literal["label", "predicted"] = "label",
):
    """Correlation, over random subsets of the pixels, of a map's sum in the subset and the loss of a logit without it.

    For each fraction q, over the probe's `subsets` Bernoulli(q) masks: sensitivity_n, the partial Pearson correlation of the sum of
    the map (of all channels, signed) over the masked pixels and F(x) - F(masked), both regressed on the number of masked pixels,
    which such masks do not fix and which the sum of any map of one sign follows; sensitivity_n_as_released, the plain one of the
    same numbers, as in the released code of re-calibration. F is the logit of the image's class (`of` label: re-calibration) or of
    the class predicted for the image (predicted: credible). A correlation without variance on a side, also after the regression,
    counts as 0; sensitivity_n_undefined is the share of fractions where the partial one has none.

    Gives the two as (q, values), and with x nan their means over fractions, `<score>_mean`, and sensitivity_n_undefined. The
    network is asked by the probe, once for all maps. One image; (C, H, W) attribution. Raises `InputError`.
    """
    probed = image.probe
    y = image.target if of == "label" else int(probed["clean"].argmax())
    if probed["masked"].shape[:2] != (len(fractions), subsets):
        found = "{} fractions, {} subsets".format(*probed["masked"].shape[:2])
        raise InputError(f"sensitivity_n: what was probed has {found}; accepted: those asked for, {len(fractions)} and {subsets}")
    clean, outputs = float(probed["clean"][y]), probed["masked"][..., y].astype(np.float64)
    values = attribution.double().cpu().numpy()
    floors = SUMS * np.abs(values).sum(), LOGITS * max(abs(clean), np.abs(outputs).max())
    values, partial, plain = values.sum(0), [], []
    for number, fraction in enumerate(fractions):
        drawn = [mask for piece in masks(image, fraction, subsets) for mask in piece]
        sizes = np.array([mask.sum() for mask in drawn])
        if not np.array_equal(sizes, probed["sizes"][number]):
            raise InputError(
                f"sensitivity_n: image {image.id} was probed with other masks; accepted: the same seed, ids and fractions"
            )
        pair = np.array([values[mask].sum() for mask in drawn]), clean - outputs[number]
        plain.append(correlation(*pair, floors))
        partial.append(correlation(*(without(one, sizes) for one in pair), floors))
    scores = {}
    for name, found in {"sensitivity_n": partial, "sensitivity_n_as_released": plain}.items():
        curve = np.array([one or 0.0 for one in found])
        scores[name] = (np.array(fractions), curve)
        scores[f"{name}_mean"] = (np.array([np.nan]), np.array([curve.mean()]))
    scores["sensitivity_n_undefined"] = (np.array([np.nan]), np.array([np.mean([one is None for one in partial])]))
    return scores
    yield  # a generator, as all metrics are, that asks nothing: its probe has
