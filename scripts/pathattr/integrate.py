"""The integrator: the one place that takes gradients, and what is made of them.

A method yields points of one image, receives the objective's gradient there, and adds products of a displacement and a
gradient to its `Integral`. What an integral keeps of these products is its variants: the plain sum, its absolute value and
the two re-calibrated forms (Yang et al., ICLR 2023), all from the same gradients in one pass.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from .batching import Answer, run
from .errors import InputError
from .objective import OBJECTIVES
from .rng import generator

VARIANTS = ("vanilla", "absolute", "valid_interpolations", "valid_references")
LAMBDA = 2.0  # Lemma 1 of the re-calibration paper: the mean of x - x~ on a path is half of x - x'


@dataclass(frozen=True)
class Image:
    """What a method may know of the image that it explains.

    `x`: (C, H, W) pixels in [0, 1], float32. `target`: the class explained. `id`: the image's name. `draws(purpose)`: a NumPy
    generator keyed by seed, method, image and purpose. `classes`: how many there are. Where the method needs them, `logits`:
    (classes,) of the image; `background`: training images, `background[i]` being (C, H, W) in [0, 1]; `neighbourhoods`: LPI's.
    """

    x: Tensor
    target: int
    id: str
    draws: Callable[..., np.random.Generator]
    classes: int
    logits: Tensor | None = None
    background: object = None
    neighbourhoods: object = None


class Integral:
    """Sums of displacement x gradient of one image, in float32, one reducer a variant."""

    def __init__(self, x: Tensor, variants: Iterable[str] = ("vanilla",)):
        self.x, self.variants = x, tuple(variants)
        unknown = set(self.variants) - set(VARIANTS)
        if unknown:
            raise InputError(f"unknown variants {sorted(unknown)}; accepted: {', '.join(VARIANTS)}")
        self.total = torch.zeros_like(x)
        self._kept, self._kept_weight = torch.zeros_like(x), torch.zeros_like(x)
        self._references: dict[int, tuple[Tensor, float]] = {}

    def add(self, gradient: Tensor, displacement=1.0, weight=1.0, points: Tensor | None = None, references=None):
        """Add K products.

        `gradient`: (K, C, H, W). `displacement`: x - x', broadcastable to it. `weight`: quadrature weight, a number or
        (K,). `points`: (K, C, H, W), where the gradients were taken, for the valid interpolations. `references`: (K,)
        numbers of the references that the points belong to, for the valid references.
        """
        weight = torch.as_tensor(weight, dtype=torch.float32, device=gradient.device).reshape(-1, 1, 1, 1)
        products = weight * displacement * gradient
        self.total += products.sum(0)
        if "valid_interpolations" in self.variants:
            towards = (self.x - points) * gradient  # (K, C, H, W), Alg. 1 line 6
            valid = (towards >= 0) * weight
            self._kept += (valid * towards).sum(0)
            self._kept_weight += valid.sum(0)
        if "valid_references" in self.variants:
            weights = weight.reshape(-1).expand(len(gradient))
            for number in dict.fromkeys(references):
                mine = torch.as_tensor([other == number for other in references], device=gradient.device)
                total, share = self._references.get(number, (0.0, 0.0))
                self._references[number] = (total + products[mine].sum(0), share + float(weights[mine].sum()))

    def result(self) -> dict[str, Tensor]:
        """Variant -> (C, H, W).

        vanilla: sum of w (x - x') g. absolute: its absolute value. valid_interpolations: Alg. 1 of the re-calibration
        paper, lambda = 2 times the weighted mean of (x - x~) g over the points where it is not negative.
        valid_references: Alg. 2, the mean gradient of each reference, reset between references, times x - x', averaged
        over the references where it is not negative (no lambda: x - x' is the whole displacement already). A mean of
        nothing is 0.
        """
        made = {"vanilla": lambda: self.total, "absolute": lambda: self.total.abs()}
        made["valid_interpolations"] = lambda: LAMBDA * _ratio(self._kept, self._kept_weight)
        made["valid_references"] = self._valid_references
        return {variant: made[variant]() for variant in self.variants}

    def _valid_references(self) -> Tensor:
        kept, shares = torch.zeros_like(self.x), torch.zeros_like(self.x)
        for total, share in self._references.values():
            valid = total >= 0
            kept += valid * total
            shares += valid * share
        return _ratio(kept, shares)


def _ratio(above: Tensor, below: Tensor) -> Tensor:
    return torch.where(below > 0, above / below.clamp_min(torch.finfo(below.dtype).tiny), 0.0)


def evaluate_gradient(classifier, objective: str, points: Tensor, target: Tensor, gradient: bool) -> Answer:
    """Logits and the objective's gradient at the points, as `batching.run` asks for them."""
    if not gradient:
        return classifier.answer(points, target, gradient)
    points = points.contiguous(memory_format=torch.channels_last).requires_grad_(True)
    with torch.enable_grad():
        logits = classifier(points)
        score = OBJECTIVES[objective](logits, target).sum()
    (slope,) = torch.autograd.grad(score, points)
    return Answer(logits.detach(), slope.contiguous())


def integrate(
    classifier,
    method: Callable,
    images: Iterable[Image],
    *,
    objective: str = "logit",
    variants: Iterable[str] = ("vanilla",),
    micro_batch: int = 32,
    **parameters,
) -> Iterator[tuple[int, tuple[dict[str, Tensor], int]]]:
    """Attribution maps of the images, yielded as they finish: (position, (variant -> (C, H, W) float32 on the CPU, number
    of gradients that it took)).

    `method(image, integral, **parameters)` is a generator that yields `Ask` and receives `Answer`.
    """
    if objective not in OBJECTIVES:
        raise InputError(f"unknown objective {objective!r}; accepted: {', '.join(OBJECTIVES)}")

    def one(image: Image):
        integral = Integral(image.x, variants)
        steps, gradients, answer = method(image, integral, **parameters), 0, None
        while True:
            try:
                ask = steps.send(answer)
            except StopIteration:
                break
            gradients += len(ask.points) if ask.gradient else 0
            answer = yield ask
        return {variant: values.cpu() for variant, values in integral.result().items()}, gradients

    evaluate = partial(evaluate_gradient, classifier, objective)
    yield from run((one(image) for image in images), evaluate, micro_batch)


def draws(seed: int, method: str, image_id: str) -> Callable[..., np.random.Generator]:
    """The generators of one image: `draws(purpose)` is keyed by seed, method, image id and purpose."""
    return lambda *purpose: generator(seed, method, image_id, *purpose)
