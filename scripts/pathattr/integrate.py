"""The integrator: the one place that takes gradients, and what is made of them.

A method yields points of one image, receives the objective's gradient there, and adds products of a displacement and a
gradient to its `Integral`. What an integral keeps of these products is its variants: the plain sum, its absolute value and
the two re-calibrated forms (Yang et al., ICLR 2023), all from the same gradients in one pass.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from .batching import GRADIENT, LOGITS, Answer, run
from .errors import InputError
from .finite import watched
from .objective import OBJECTIVES, TOWARDS
from .rng import generator

VARIANTS = ("vanilla", "absolute", "valid_interpolations", "valid_references", "per_unit")
LAMBDA = 2.0  # Lemma 1 of the re-calibration paper: the mean of x - x~ on a path is half of x - x'


@dataclass(frozen=True)
class Image:
    """What a method may know of the image that it explains.

    `x`: (C, H, W) pixels in [0, 1], float32. `target`: the class explained. `id`: the image's name. `draws(purpose)`: a NumPy
    generator keyed by seed, method, image and purpose. `classes`: how many there are. `objective`: what is differentiated.
    Where the method needs them, `logits`: (classes,) of the image; `background`: training images, `background[i]` being
    (C, H, W) in [0, 1]; `neighbourhoods`: LPI's; `baselines`: (B, C, H, W), the image's own.
    """

    x: Tensor
    target: int
    id: str
    draws: Callable[..., np.random.Generator]
    classes: int
    objective: str = "logit"
    logits: Tensor | None = None
    background: object = None
    neighbourhoods: object = None
    baselines: Tensor | None = None


class Integral:
    """Sums of displacement x gradient of one image, in float32, one reducer a variant.

    `square`: square the gradients (IG-SQ); the re-calibrated forms then square the products that they keep. `upto`: nested
    parameter -> values; `parts`: (parameter, value) -> the integral over those products that a run with this value has.
    """

    def __init__(self, x: Tensor, variants: Iterable[str] = ("vanilla",), upto: Mapping[str, Iterable] | None = None):
        self.x, self.variants, self.square = x, tuple(variants), False
        unknown = set(self.variants) - set(VARIANTS)
        if unknown:
            raise InputError(f"unknown variants {sorted(unknown)}; accepted: {', '.join(VARIANTS)}")
        self.total, self._gradients = torch.zeros_like(x), torch.zeros_like(x)
        self._kept, self._kept_weight, self._accepted = (torch.zeros_like(x) for _ in range(3))
        self._references: dict[int, tuple[Tensor, float]] = {}
        self.parts = {(name, value): Integral(x, variants) for name, values in (upto or {}).items() for value in values}
        self._weight, self._scale = 0.0, 1.0  # of all products; of a part, by how much a product weighs more there

    def add(
        self, gradient: Tensor, displacement=1.0, weight=1.0, step=1.0, points: Tensor | None = None, references=None, place=None
    ):
        """Add K products: weight * step * displacement * gradient.

        `gradient`: (K, C, H, W). `displacement`: x - x', broadcastable to it. `weight`: of the reference that each point
        belongs to (its density, or 1 / references), a number or (K,). `step`: of the point within the path of its reference
        (a quadrature weight; 1 where the displacement is a piece of the path), a number or (K,). `points`: (K, C, H, W),
        where the gradients were taken, for the valid interpolations. `references`: K numbers of the references, for the
        valid references. `place`: nested parameter -> K numbers or words: the part of a number has the products whose own is
        below it, the part of a word those that have this word. All of a part's weights are then scaled to the sum of all of the
        whole's.
        """
        rows = len(gradient)
        if place and self.parts:
            weights = torch.as_tensor(weight, dtype=torch.float64).expand(rows) * torch.as_tensor(step, dtype=torch.float64)
            self._add_to_parts(weights.numpy(), place, gradient, (displacement, weight, step), points, references)
        weight, step = (
            torch.as_tensor(value, dtype=torch.float32, device=gradient.device).expand(rows).view(-1, 1, 1, 1)
            for value in (weight, step)
        )
        share, along = weight * step, displacement * gradient
        if "per_unit" in self.variants:
            self._gradients += (share * gradient).sum(0)
        if "valid_interpolations" in self.variants:
            towards = (self.x - points) * gradient  # (K, C, H, W), Alg. 1 line 6
            accepted = towards >= 0
            valid = accepted * share
            self._kept += (valid * (towards**2 if self.square else towards)).sum(0)
            self._kept_weight += valid.sum(0)
            self._accepted += accepted.sum(0)
        if "valid_references" in self.variants:
            numbers, place = np.unique(np.asarray(references), return_inverse=True)
            place = torch.from_numpy(place).to(gradient.device)
            sums = gradient.new_zeros(len(numbers), *gradient.shape[1:]).index_add_(0, place, step * along)
            weights = dict(zip(references, weight.flatten().tolist(), strict=True))
            for number, mine in zip(numbers.tolist(), sums, strict=True):
                before = self._references.get(number, (0.0, 0.0))[0]
                self._references[number] = (before + mine, weights[number])
        products = along * gradient if self.square else along  # read by nobody after: no memory for another
        self.total += products.mul_(share).sum(0)

    def _add_to_parts(self, weights, place, gradient, factors, points, references):
        self._weight += weights.sum()
        for (name, value), part in self.parts.items():
            numbers = np.asarray(place[name])
            mine = np.flatnonzero(numbers == value if isinstance(value, str) else numbers < value)
            if len(mine):
                part._weight += weights[mine].sum()
                part.square = self.square
                part.add(
                    gradient[mine],
                    *(_rows(one, mine, gradient) for one in factors),
                    None if points is None else points[mine],
                    None if references is None else [references[row] for row in mine],
                )
            part._scale = self._weight / part._weight if part._weight else 1.0

    def result(self) -> dict[str, Tensor]:
        """Variant -> (C, H, W).

        vanilla: the sum of the products. absolute: its absolute value. valid_interpolations: Alg. 1 of the re-calibration
        paper, lambda = 2 times the weighted mean of (x - x~) g over the points where it is not negative. valid_references:
        Alg. 2, the integral of each reference on its own (the printed algorithm forgets to reset it), averaged over the
        references where it is not negative (no lambda: x - x' is the whole displacement already). A mean of nothing is 0.
        per_unit: the sum of the gradients without their displacements, what a unit of change brings (Taylor paper, IG1).
        Parts follow as VARIANT@PARAMETER=VALUE.
        """
        made = {"vanilla": lambda: self._scale * self.total, "absolute": lambda: self._scale * self.total.abs()}
        made["per_unit"] = lambda: self._scale * self._gradients
        scale = LAMBDA**2 if self.square else LAMBDA
        made["valid_interpolations"] = lambda: scale * _ratio(self._kept, self._kept_weight)
        made["valid_references"] = self._valid_references
        found = {variant: made[variant]() for variant in self.variants}
        return found | {part_of(name, key): values for key, part in self.parts.items() for name, values in part.result().items()}

    def valid(self) -> dict[str, float]:
        """Re-calibrated variant -> how many points, or references, were kept: the mean over elements."""
        made = {"valid_interpolations": lambda: self._accepted}
        made["valid_references"] = lambda: sum((total >= 0).float() for total, _ in self._references.values())
        found = {name: float(torch.as_tensor(count()).float().mean()) for name, count in made.items() if name in self.variants}
        return found | {part_of(name, key): count for key, part in self.parts.items() for name, count in part.valid().items()}

    def _valid_references(self) -> Tensor:
        kept, shares = torch.zeros_like(self.x), torch.zeros_like(self.x)
        for total, weight in self._references.values():
            valid = (total >= 0) * weight
            kept += valid * (total**2 if self.square else total)
            shares += valid
        return _ratio(kept, shares)


def part_of(variant: str, part: tuple) -> str:
    """What a variant is called in a part, (parameter, value), of a longer run: vanilla@references=5."""
    return "{}@{}={}".format(variant, *part)


def _rows(factor, rows, gradient: Tensor):
    """Some rows of what multiplies gradients (K, C, H, W), where it has one a gradient."""
    own = torch.is_tensor(factor) and factor.ndim in (1, gradient.ndim) and len(factor) == len(gradient)
    return factor[rows] if own else factor


def _ratio(above: Tensor, below: Tensor) -> Tensor:
    return torch.where(below > 0, above / below.clamp_min(torch.finfo(below.dtype).tiny), 0.0)


def slope(score: Tensor, at):
    """Gradients of the sum of `score` at the tensors `at`, as a tuple."""
    return torch.autograd.grad(score.sum(), at)


def evaluate(classifier, objective: str, points: Tensor, target: Tensor, rule: Hashable) -> Answer:
    """What a rule gives at the points, as `batching.run` asks for it.

    "logits"; "gradient", of the objective; the name of another objective, or of one `TOWARDS` logits that the target holds, for its
    gradient; or a function `(classifier, objective, points, target)` -> (K, C, H, W), which takes its gradients by `slope`. Such a
    function may say how many gradients a point costs it (`passes`), and how many forward passes besides (`forwards`).
    """
    if rule == LOGITS:
        return classifier.answer(points, target, rule)
    if callable(rule):
        with torch.enable_grad():
            return Answer(None, rule(classifier, objective, points, target).detach().contiguous())
    points = classifier.laid_out(points).requires_grad_(True)
    with torch.enable_grad():
        logits = classifier(points)
        score = (OBJECTIVES | TOWARDS)[objective if rule == GRADIENT else rule](logits, target)
    return Answer(logits.detach(), slope(score, points)[0].contiguous())


def integrate(
    classifier,
    method: Callable,
    images: Iterable[Image],
    /,
    *,
    objective: str = "logit",
    variants: Iterable[str] = ("vanilla",),
    micro_batch: int = 32,
    threads: int = 0,
    upto: Mapping[str, Iterable] | None = None,
    **parameters,
) -> Iterator[tuple[int, tuple[dict[str, Tensor], dict[str, float]]]]:
    """Attribution maps of the images, yielded as they finish: (position, (variant -> (C, H, W) float32 on the CPU, counts:
    how many `gradients` it took, and `forwards`, passes without one, and what the re-calibrated variants kept,
    `valid_interpolations`, ...)).

    `method(image, integral, **parameters)` is a generator that yields `Ask` and receives `Answer`. `threads`: see `batching.run`.
    `upto`: see `Integral`; a part's maps are called VARIANT@PARAMETER=VALUE.
    """
    if objective not in OBJECTIVES:
        raise InputError(f"unknown objective {objective!r}; accepted: {', '.join(OBJECTIVES)}")

    def one(image: Image):
        integral = Integral(image.x, variants, upto)
        _, gradients, forwards = yield from counted(watched(method(image, integral, **parameters), image.id))
        maps = {variant: values.cpu() for variant, values in integral.result().items()}
        return maps, {"gradients": gradients, "forwards": forwards, **integral.valid()}

    yield from run((one(image) for image in images), partial(evaluate, classifier, objective), micro_batch, threads)


def counted(steps):
    """Run a generator of questions within another: (its result, gradients taken, forward passes without one)."""
    gradients, forwards, answer = 0, 0, None
    while True:
        try:
            ask = steps.send(answer)
        except StopIteration as end:
            return end.value, gradients, forwards
        answer = yield ask
        is_forward = ask.rule == LOGITS
        gradients += len(ask.points) * getattr(ask.rule, "passes", not is_forward)
        forwards += len(ask.points) * getattr(ask.rule, "forwards", is_forward)


def draws(seed: int, method: str, image_id: str) -> Callable[..., np.random.Generator]:
    """The generators of one image: `draws(purpose)` is keyed by seed, method, image id and purpose."""
    return lambda *purpose: generator(seed, method, image_id, *purpose)
