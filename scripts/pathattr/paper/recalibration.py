"""Checks of the re-calibration paper (Yang et al., ICLR 2023): Lemma 1, completeness, and what the two forms cost."""

import time
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import torch

from .. import registry, source
from ..api import attribute
from ..batching import run
from ..errors import InputError
from ..integrate import Image, Integral, draws, evaluate
from ..objective import OBJECTIVES

FORMS = ("valid_interpolations", "valid_references")
COUNTS = (1, 2, 5, 10, 50, 1000)  # of interpolations, for Lemma 1
MANY = 1_000_000  # of interpolations, for its limit
TIMED, ROUNDS, MICRO_BATCH = 8, 3, 32  # images of a timing, rounds of it
KEEPS = {"valid_interpolations": ("_kept", "_kept_weight", "_accepted"), "valid_references": ("_references",)}  # of an `Integral`


def lemma_1() -> pd.DataFrame:
    """Eq. 8: the mean of |x - x~| / |x - x'| over the points x~ = x - a/n (x - x'), a = 1 ... n, beside (1 + n) / (2n); Eq. 9: its
    limit. Besides, the mean over the midpoint rule's points, which all our methods take by default: 1/2 for every n.
    """
    x, reference = 0.75, 0.125

    def mean(shares) -> float:
        points = x - shares * (x - reference)
        return float(np.abs(x - points).mean() / abs(x - reference))

    rows = []
    for n in COUNTS:
        rows.append((f"mean distance, n = {n}", mean(np.arange(1, n + 1) / n), (1 + n) / (2 * n)))
        rows.append((f"mean distance of midpoints, n = {n}", mean((np.arange(n) + 0.5) / n), 0.5))
    rows.append((f"limit, at n = {MANY}", mean(np.arange(1, MANY + 1) / MANY), 0.5))
    return pd.DataFrame(rows, columns=["quantity", "value", "expected"]).assign(check="Lemma 1")


class Traced(Integral):
    """An integral with all variants that also knows where its references are.

    `reach`: number of a reference -> x - x'_r (C, H, W), the sum of its displacements; `share`: number -> its weight; `points`: how
    many products were added.
    """

    def __init__(self, x: torch.Tensor):
        super().__init__(x, ("vanilla", "absolute", *FORMS))
        self.reach, self.share, self.points = {}, {}, 0

    def add(self, gradient, displacement=1.0, weight=1.0, step=1.0, points=None, references=None, **more):
        """As `Integral.add`, and follow the path of each reference."""
        super().add(gradient, displacement, weight, step, points, references, **more)
        rows = len(gradient)
        steps, shares = (torch.as_tensor(value, dtype=torch.float32).expand(rows) for value in (step, weight))
        pieces = steps.view(-1, 1, 1, 1) * torch.as_tensor(displacement).expand_as(gradient)
        for number, piece, share in zip(references, pieces, shares.tolist(), strict=True):
            self.reach[number], self.share[number] = self.reach.get(number, 0.0) + piece, share
        self.points += rows


@dataclass(frozen=True)
class Subject:
    """One method of the configuration on one model of a paper, opened. `name`: the registered method's; `targets(images)`: the
    classes that are explained of the first test images."""

    model: str
    method: str
    name: str
    objective: str
    parameters: dict
    classifier: object
    test: object
    background: object
    targets: object
    seed: int

    def told(self, check: str, columns: list[str], rows: list[tuple]) -> pd.DataFrame:
        """Rows of a check as a table that says of whom."""
        return pd.DataFrame(rows, columns=columns).assign(check=check, model=self.model, method=self.method)


def subject(found, model: str, method: str) -> Subject:
    """A method on a model. Raises `InputError` unless it has the two forms and needs no more than the image and training images."""
    settings = dict(found.params["settings"][f"{model}/{method}"])
    for of_all in ("variants", "upto"):
        settings.pop(of_all, None)
    name, objective = settings.pop("method"), settings.pop("objective", "logit")
    facts = source.lookup("method", name).facts
    if not set(FORMS) <= set(facts.get("variants", ())) or set(facts.get("needs", ())) - {"background"}:
        raise InputError(
            f"checks: found {method}; accepted: methods with re-calibrated forms that need no more than training images"
        )
    background = found.background(model) if "background" in facts.get("needs", ()) else None
    opened = found.classifier(model), found.test(model), background, partial(found.targets, model)
    return Subject(model, method, name, objective, settings, *opened, found.seed)


def traced(of: Subject, images: int) -> list[Traced]:
    """The integrals of a registered method over the first `images` test images, drawn and evaluated as `attribute` does."""
    function, targets = registry.get("method", of.name).function, of.targets(images)

    def one(position: int):
        x, image_id = of.test[position], str(of.test.index["image_id"].iloc[position])
        image = Image(
            x=x,
            target=int(targets[position]),
            id=image_id,
            draws=draws(of.seed, of.name, image_id),
            classes=of.classifier.classes(x),
            objective=of.objective,
            background=of.background,
        )
        integral = Traced(x)
        yield from function(image, integral, **of.parameters)
        return integral

    done = dict(run(map(one, range(images)), partial(evaluate, of.classifier, of.objective), MICRO_BATCH))
    return [done[position] for position in range(images)]


def completeness(of: Subject, integrals: list[Traced]) -> pd.DataFrame:
    """How far the attributions of the first test images are from adding up to what the output changes, a row a number.

    attributed: sum A. change: the sum over references of weight (F(x) - F(x'_r)), F the method's objective. relative gap:
    |attributed - change| / |change|, nan where nothing changes (every attack succeeded at once).
    """
    index, rows = of.test.index, []
    for integral, target, image in zip(integrals, of.targets(len(integrals)), index["image_id"], strict=False):
        points = torch.stack([integral.x, *(integral.x - reach for reach in integral.reach.values())])
        outputs = OBJECTIVES[of.objective](of.classifier.logits(points).double(), torch.full((len(points),), int(target)))
        change = sum(share * float(outputs[0] - output) for share, output in zip(integral.share.values(), outputs[1:], strict=True))
        for variant, values in integral.result().items():
            attributed = float(values.double().sum())
            gap = abs(attributed - change) / abs(change) if change else np.nan
            for quantity, value in {"attributed": attributed, "change": change, "relative gap": gap}.items():
                rows.append((variant, image, quantity, value))
    return of.told("completeness", ["variant", "image_id", "quantity", "value"], rows)


def kept(of: Subject, integrals: list[Traced]) -> pd.DataFrame:
    """What the two forms keep after a pass over an image, beyond the plain sum: means over the images, a row a number.

    bytes kept: of their tensors; maps kept: the same in float32 maps (C, H, W). products: how many are tested for validity, points
    or references: as many maps as code holds that keeps them all until the end.
    """
    rows = []
    for form, names in KEEPS.items():
        size = np.mean([sum(_bytes(getattr(one, name)) for name in names) for one in integrals])
        products = np.mean([one.points if form == "valid_interpolations" else len(one.reach) for one in integrals])
        rows += [(form, "bytes kept", size), (form, "maps kept", size / _bytes(integrals[0].x)), (form, "products", products)]
    return of.told("memory", ["variant", "quantity", "value"], rows)


def _bytes(value) -> int:
    """Bytes of all tensors in a value."""
    if isinstance(value, torch.Tensor):
        return value.element_size() * value.nelement()
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else ()
    return sum(map(_bytes, parts))


def seconds(of: Subject, images: int = TIMED, rounds: int = ROUNDS) -> pd.DataFrame:
    """Wall time of one pass over the first `images` test images on one thread: the plain sum alone, and with either form besides.

    seconds an image: the median of the rounds. times the plain pass: the median of the ratios within a round.
    """
    torch.set_num_threads(1)
    x, index, taken = of.test.images(0, images), of.test.index.iloc[:images], []
    options = {"ids": index["image_id"], "seed": of.seed, "objective": of.objective, **of.parameters}
    options |= {"micro_batch": MICRO_BATCH} | ({} if of.background is None else {"background": of.background})
    ways = {"vanilla": ("vanilla",), **{form: ("vanilla", form) for form in FORMS}}
    for _ in range(rounds):
        took = {}
        for way, variants in ways.items():
            start = time.perf_counter()
            attribute(of.name, of.classifier, x, of.targets(images), variants=variants, **options)
            took[way] = (time.perf_counter() - start) / images
        taken.append(took)
    taken = pd.DataFrame(taken)
    rows = [(way, "seconds an image", taken[way].median()) for way in ways]
    rows += [(form, "times the plain pass", (taken[form] / taken["vanilla"]).median()) for form in FORMS]
    return of.told("time", ["variant", "quantity", "value"], rows)


def checks(found, models, methods, images: int) -> pd.DataFrame:
    """All checks, a row a number: `check`, `model`, `method`, `variant`, `image_id`, `quantity`, `value`, `expected`; what does not
    apply is missing. The passes that are traced come first, so that what is timed is warm.
    """
    parts = [lemma_1()]
    for model in models:
        for method in methods:
            of = subject(found, model, method)
            integrals = traced(of, images)
            parts += [completeness(of, integrals), kept(of, integrals), seconds(of, min(images, TIMED))]
    return pd.concat(parts, ignore_index=True)[["check", "model", "method", "variant", "image_id", "quantity", "value", "expected"]]
