"""Metrics that remove or insert pixels in the order of their attribution: DiffID, and the games of RISE."""

import numpy as np
import torch

from ..batching import LOGITS, Ask
from ..blur import blur as blurred
from ..registry import metric
from ..values import Blur, Points

OUTCOMES = ("output", "probability", "accuracy")
GAMES = ("insertion", "deletion", "diffid")


def salience(attribution: torch.Tensor, absolute: bool) -> torch.Tensor:
    """(C, H, W) -> (H, W): the sum over channels, of absolute values if `absolute`."""
    return (attribution.abs() if absolute else attribution).sum(0)


def auc(x: np.ndarray, values: np.ndarray) -> float:
    """Area under a curve by the trapezoidal rule over the x given, both ends included."""
    return float(np.trapezoid(values, x))


def scored(x: np.ndarray, curves: dict) -> dict:
    """Score -> (x, values) of each curve (K,) over x (K,), and `<score>_auc`, its x being nan."""
    scores = {}
    for name, curve in curves.items():
        scores[name] = (x, curve)
        scores[f"{name}_auc"] = (np.array([np.nan]), np.array([auc(x, curve)]))
    return scores


def games(pixels, place, total: int, start, end, steps: int):
    """Probabilities (steps + 1,) of the class predicted for the image while it is inserted into `start`, and deleted onto `end`.

    Generator for a metric to `yield from`; 2 * steps + 1 forward passes. `place`: each element's place in the order, 0 the most
    salient, of `total`, (C, H, W) or (1, H, W); at k of `steps`, those of the first total * k // steps places are there, or gone.
    """
    counts = [total * step // steps for step in range(steps + 1)]
    inserted = [torch.where(place < count, pixels, start) for count in counts[:-1]]
    deleted = [torch.where(place < count, end, pixels) for count in counts[1:]]
    answer = yield Ask(torch.stack([*inserted, pixels, *deleted]), rule=LOGITS)
    logits = answer.logits.double().cpu()
    likely = torch.softmax(logits, 1)[:, logits[steps].argmax()].numpy()
    return likely[: steps + 1], likely[steps:]


def remove(pixels, order, counts, mean, std):
    """Images (len(counts), C, H, W) without the first counts[k] pixels of `order` (H*W positions).

    A removed pixel becomes the mean of the preserved ones, all channels pooled, in normalised space; with none
    preserved, that of the whole image.
    """
    channels, height, width = pixels.shape
    normalised = ((pixels - mean) / std).flatten(1)[:, order]  # (C, HW) in the order of removal
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order), device=order.device)
    images = []
    for count in counts:
        preserved = normalised[:, count:] if count < len(order) else normalised
        fill = preserved.mean(dtype=torch.float64).float() * std + mean  # (C, 1, 1), in pixel space
        images.append(torch.where((place < count).view(1, height, width), fill, pixels))
    return torch.stack(images) if images else pixels.new_zeros(0, *pixels.shape)


@metric(
    "diffid",
    paper="Yang et al., AAAI 2023",
    equation="(7)",
    forwards="2 * fractions",
    unsigned="absolute",
    scores={
        "diffid_output": ("unbounded", "higher"),
        "diffid_probability": ("-1 to 1", "higher"),
        "diffid_accuracy": ("-1 to 1", "higher"),
        "insertion_output": ("unbounded", "higher"),
        "insertion_probability": ("0 to 1", "higher"),
        "insertion_accuracy": ("0 to 1", "higher"),
        "deletion_output": ("unbounded", "lower"),
        "deletion_probability": ("0 to 1", "lower"),
        "deletion_accuracy": ("0 to 1", "lower"),
    },
)
def diffid(image, attribution, *, fractions: Points = 10, absolute: bool = True):
    """DiffID, psi(delta) = F(Ins) - F(Del), with the two games that it is the difference of (LPI paper, Eq. 7).

    At delta = 0, 1/fractions, ..., 1: insertion removes the fraction delta of the least salient pixels, deletion of the
    most salient. Pixels are ordered by the channel sum of the map (of its absolute values if `absolute`), ties by
    position; removed ones become the mean of the preserved (see `remove`). Outcomes for the image's class y: output, the
    ratio F_y(perturbed) / F_y(image) of raw logits; probability, softmax_y of the perturbed image, which has no pole;
    accuracy, 1 where y is predicted. Both games share the forward passes at delta = 0 and 1, where DiffID is 0.

    Gives score -> (x, values), x being delta, for each game and outcome, and `<score>_auc`, by the trapezoidal rule over
    0..1 with both ends included, its x being nan. One image; (C, H, W) attribution.
    """
    pixels = image.x
    mean, std = image.mean.view(-1, 1, 1), image.std.view(-1, 1, 1)
    order = salience(attribution, absolute).flatten().argsort(stable=True)  # least salient first
    delta = np.arange(fractions + 1) / fractions
    counts = [int(len(order) * step // fractions) for step in range(1, fractions)]
    asked = torch.cat(
        [
            pixels[None],
            remove(pixels, order, counts, mean, std),
            remove(pixels, order.flip(0), counts, mean, std),
            remove(pixels, order, [len(order)], mean, std),
        ]
    )
    answer = yield Ask(asked, rule=LOGITS)
    logits = answer.logits.double().cpu()
    y = image.target
    outcome = {
        "output": (logits[:, y] / logits[0, y]).numpy(),
        "probability": torch.softmax(logits, 1)[:, y].numpy(),
        "accuracy": (logits.argmax(1) == y).double().numpy(),
    }
    inserted = [0, *range(1, fractions), -1]
    deleted = [0, *range(fractions, 2 * fractions - 1), -1]
    curves = {}
    for name, values in outcome.items():
        curves |= {f"insertion_{name}": values[inserted], f"deletion_{name}": values[deleted]}
        curves[f"diffid_{name}"] = curves[f"insertion_{name}"] - curves[f"deletion_{name}"]
    return scored(delta, curves)


@metric(
    "rise",
    paper="Petsiuk et al., BMVC 2018, as Akhtar and Jalwana, ICML 2023, report it",
    equation="AUC(insertion) - AUC(deletion), section 7",
    forwards="2 * steps + 1",
    unsigned="absolute",
    scores={
        "rise_insertion": ("0 to 1", "higher"),
        "rise_deletion": ("0 to 1", "lower"),
        "rise": ("-1 to 1", "higher"),
    },
)
def rise(image, attribution, *, steps: Points = 12, blur: Blur = 8.0, absolute: bool = False):
    """Insertion into a blurred image less deletion onto the data set's mean colour, by the probability of the predicted class.

    At the fractions 0, 1/steps, ..., 1 of the most salient pixels (channel sum, of absolute values if `absolute`, ties by place):
    insertion has these of the image and the others of the image blurred with `blur` pixels of standard deviation; deletion
    has the mean colour, 0 in normalised space, in their place. The class is that which the network predicts for the image. RISE's
    code blurs by 5 pixels at 224; at 64 pixels 8 are needed until nothing can be read.

    Gives rise_insertion, rise_deletion and their difference rise as (fraction, values), and `<score>_auc`, by the trapezoidal rule
    over 0..1 with both ends included, its x being nan. One image; (C, H, W) attribution.
    """
    pixels = image.x
    order = salience(attribution, absolute).flatten().argsort(descending=True, stable=True)
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order), device=order.device)
    start, end = blurred(pixels, blur), image.mean.view(-1, 1, 1).expand_as(pixels)
    inserted, deleted = yield from games(pixels, place.view(1, *pixels.shape[1:]), len(order), start, end, steps)
    curves = {"rise_insertion": inserted, "rise_deletion": deleted, "rise": inserted - deleted}
    return scored(np.arange(steps + 1) / steps, curves)
