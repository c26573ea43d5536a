"""Insertion and deletion of an image's elements (colour values), as the Local Attribution paper and as earlier code have them."""

from typing import Literal

import numpy as np
import torch

from ..registry import metric
from ..values import Points
from .removal import games, scored


def places(attribution: torch.Tensor, ranking: str) -> torch.Tensor:
    """Place of each element of a map (C, H, W) in the order of insertion, 0 the largest, by signed value, ties by position.

    `ranking`: "element", all C H W elements in one order; "channel", each channel in an order of its own; "agi", each pixel by
    the best of its places in the channels' orders, (1, H, W); "pixel", pixels by their channel sums, (1, H, W).
    """
    channels, height, width = attribution.shape
    values = attribution.sum(0, keepdim=True) if ranking == "pixel" else attribution
    orders = values.reshape(1 if ranking in ("element", "pixel") else channels, -1).argsort(descending=True, stable=True)
    place = torch.empty_like(orders)
    place.scatter_(1, orders, torch.arange(orders.shape[1], device=orders.device).expand_as(orders))
    if ranking == "agi":
        place = place.amin(0)
    return place.view(-1, height, width)


@metric(
    "la_insertion_deletion",
    paper="Zhu et al., ACM MM 2024 (Local Attribution)",
    equation="section 4.3, as its code computes it",
    forwards="2 * steps + 1",
    scores={
        "la_insertion": ("0 to 1", "higher"),
        "la_deletion": ("0 to 1", "lower"),
        "la_difference": ("-1 to 1", "higher"),
    },
)
def la_insertion_deletion(
    image, attribution, *, steps: Points = 12, ranking: Literal["element", "channel", "agi", "pixel"] = "element"
):
    """Insertion into a black image and deletion to black, by the probability of the class predicted for the clean image.

    At k = 0, ..., `steps`: insertion has the elements of the first k / steps places of the image and 0 elsewhere, deletion 0 in
    these places; all C H W elements are in one descending order of the signed map, ties by position (section 4.3: "treat each
    input dimension equivalently"). `ranking` of earlier code (Appendix F): "channel", MFABA's: a step takes the next H W / steps of
    every channel's own order; "agi", AGI's and RISE's: of every channel's own order, but for all channels of these pixels, so
    that they run out before the last step; "pixel": by the channel sum. The released code takes 224 steps of 672 elements.

    Section 4.3's formulas, means of P_i - P_0 and of P_full - P_i, are not what its code computes nor its tables show; those
    are the areas under the curves of P_i. The difference of both is ours.

    Gives la_insertion, la_deletion and la_difference as (k / steps, values), and `<score>_auc`, by the trapezoidal rule over 0..1
    with both ends included, its x being nan. One image; (C, H, W) attribution.
    """
    place = places(attribution, ranking)
    total = attribution.numel() if ranking == "element" else attribution[0].numel()
    black = torch.zeros_like(image.x)
    inserted, deleted = yield from games(image.x, place, total, black, black, steps)
    curves = {"la_insertion": inserted, "la_deletion": deleted, "la_difference": inserted - deleted}
    return scored(np.arange(steps + 1) / steps, curves)
