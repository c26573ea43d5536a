"""What the propositions of the credible paper (Akhtar and Jalwana, ICML 2023) say, measured: inside one linear piece of a random
network and across pieces, and on trained networks from several baselines.
"""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ..api import attribute
from ..baseline.credible import push
from ..blur import blur
from ..errors import InputError
from ..integrate import Image, draws, integrate
from ..method.credible import credible
from ..method.straight import quadrature, straight_lines
from ..model.classifier import Classifier
from ..model.retrace import retrace
from ..rng import generator

WIDTH = 64  # units of each hidden layer of the random network
PLACES, STEPS = 16, 300  # baselines in its square, steps of a path
BATCH = 32  # images a forward pass that counts states


# --- one linear piece, and several ----------------------------------------------------------------------------------------


def random_network(seed: int) -> nn.Sequential:
    """A piecewise-linear function of two numbers, 2-64-64-1 with ReLU; weights of variance 2 / inputs, borders of pieces in the
    unit square. (N, 1, 1, 2) -> (N, 1)."""
    rng = generator(seed, "axioms", "network")
    layers = [nn.Linear(2, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 1)]
    for layer in layers:
        scale = (2 / layer.in_features) ** 0.5
        layer.weight.data = torch.from_numpy(scale * rng.standard_normal(layer.weight.shape, dtype="float32"))
        layer.bias.data = torch.from_numpy(scale * rng.standard_normal(layer.bias.shape, dtype="float32"))
    through = torch.from_numpy(rng.random((WIDTH, 2), dtype="float32"))
    layers[0].bias.data = -(layers[0].weight.data * through).sum(1)
    return nn.Sequential(nn.Flatten(), layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])


def inside_and_across(seed: int) -> pd.DataFrame:
    """Completeness (Definition 4) and weak dependence (Definition 5) of IG and of Algorithm 2 on the random network.

    A place is a constant baseline (v, v) and two points of its linear piece. From that baseline, and from black, in another piece:
    `completeness_gap`, the larger |sum A - (F(x) - F(x'))| of the two points, and `weak_dependence`, the largest difference
    between their A_i / (x_i - x'_i), which the weights of the piece alone decide where A depends weakly on x. Long: `baseline`,
    `method`, `image_id`, `quantity`, `value`.
    """
    network = random_network(seed)
    classifier, units, rows = Classifier(network, (0.0,), (1.0,)), Units(network), []
    for number in range(PLACES):
        value, points = two_in_a_piece(units, generator(seed, "axioms", "place", number))
        for baseline, name in ((value, "same piece"), (0.0, "black, another piece")):
            for method in ("ig", "credible"):
                options = {
                    "steps": STEPS,
                    "seed": seed,
                    "ids": [f"place {number} point {one}" for one in (0, 1)],
                    "micro_batch": 512,
                }
                if method == "ig":
                    maps = attribute("ig", classifier, points, [0, 0], baseline=baseline, **options)["vanilla"]
                else:
                    own = torch.full_like(points, baseline)[:, None]
                    maps = attribute("credible", classifier, points, [0, 0], baselines=own, **options)["vanilla"]
                change = (classifier(points) - classifier(torch.full_like(points, baseline)))[:, 0]
                slopes = maps / (points - baseline)
                found = {
                    "completeness_gap": float((maps.flatten(1).sum(1) - change).abs().max()),
                    "weak_dependence": float((slopes[0] - slopes[1]).abs().max()),
                }
                rows += [_row(name, method, f"place {number}", quantity, size) for quantity, size in found.items()]
    return pd.DataFrame(rows)


def two_in_a_piece(units: "Units", rng) -> tuple[float, Tensor]:
    """v and two points (2, 1, 1, 2) in the piece of (v, v), black being in another: each on a ray of its own, as far as 0.2 and
    halved until it lies within. All units of an open piece have one state, and so has the segment between two of its points."""
    while True:
        value = float(np.float32(rng.uniform(0.2, 0.8)))
        middle, points = torch.full((1, 1, 1, 2), value), []
        for angle in rng.uniform(0.1, np.pi / 2 - 0.1, 2) + np.pi / 2 * rng.integers(0, 4, 2):  # no coordinate stays as it is
            away, radius = torch.tensor([np.cos(angle), np.sin(angle)], dtype=torch.float32).view(1, 1, 1, 2), 0.2
            while radius > 0.002 and units.same(middle, middle + radius * away) < 1:
                radius /= 2
            points.append(middle + radius * away)
        points = torch.cat(points)
        if units.same(middle, points) == 1 and units.same(middle, torch.zeros_like(middle)) < 1:
            return value, points


# --- trained networks -----------------------------------------------------------------------------------------------------


class Units:
    """The ReLU units of a network, called as modules or as functions."""

    def __init__(self, network: nn.Module):
        try:
            self.network = retrace(network)
        except InputError:  # cannot be traced: those that are modules
            self.network = network
        self.modules = [part for part in self.network.modules() if isinstance(part, nn.ReLU)]

    def same(self, reference: Tensor, images: Tensor) -> float:
        """Share of the units that have, at the images (N, ...), normalised, the state, active or not, that they have at the
        reference (1, ...); nan for a network without such units."""
        equal, units = 0, 0

        def compare(_module, _given, output):
            nonlocal equal, units
            active = output > 0
            equal += int((active[1:] == active[:1]).sum())
            units += active[1:].numel()

        hooks = [part.register_forward_hook(compare) for part in self.modules]
        try:
            with torch.no_grad():
                for some in images.split(BATCH):
                    self.network(torch.cat([reference, some]))
        finally:
            for hook in hooks:
                hook.remove()
        return equal / units if units else float("nan")


def constant_baselines(x: Tensor, ids, seed: int) -> dict[str, Tensor]:
    """Baselines (N, 1, C, H, W) of IG, IG (G) and IG (A): "black", "noise" and "average"; the noise is the very image of IG (G)."""
    noise = [draws(seed, "ig_gaussian", name)("baseline").standard_normal((1, *x.shape[1:]), dtype="float32") for name in ids]
    return {
        "black": torch.zeros_like(x)[:, None],
        "noise": (0.5 + 0.25 * torch.from_numpy(np.stack(noise))).clamp(0, 1),
        "average": x.mean((2, 3), keepdim=True).expand_as(x)[:, None].contiguous(),
    }


def starts(x: Tensor, blurs, delta: float) -> Tensor:
    """Where Algorithm 1 begins: blurred, and pushed at least delta away. (N, C, H, W) -> (N, blurs, C, H, W)."""
    return torch.stack([torch.stack([push(one, blur(one, sigma), delta) for sigma in blurs]) for one in x])


def on_baselines(classifier: Classifier, x: Tensor, ids, kinds: dict[str, Tensor], steps: int, places: int, seed: int):
    """What kinds of baselines, name -> (N, B, C, H, W), are for N images (N, C, H, W), and what is integrated from them.

    Of each kind and image, means over its B baselines: `logit_distance`, ||F(x) - F(x')||_2 / ||F(x)||_2; `probability` of the
    class predicted for x; `states_at_baseline` and `states_on_path`, the share of ReLU units with the state that they have at x,
    at the baseline and at `places` points between. Of IG (midpoint rule) and of Algorithm 2, `steps` in all: `completeness_gap`,
    |sum A - (F(x) - mean F(x'))| of the predicted class, in logits; `gap_of_logits`, over ||F(x)||_2; `gap_of_change`, over |F(x)
    - mean F(x')|, which has a pole; and of Algorithm 2 `valid_share`, of the features on the paths that are valid (Definition 7).
    Long, as `inside_and_across`.
    """
    there = classifier.logits(x)
    target, size = there.argmax(1), torch.linalg.vector_norm(there, dim=1)
    units, rows = Units(classifier.module), []
    alpha = ((torch.arange(places) + 0.5) / places).view(-1, 1, 1, 1, 1)
    for kind, baselines in kinds.items():
        count = baselines.shape[1]
        logits = classifier.logits(baselines.flatten(0, 1)).unflatten(0, (-1, count))
        distance = torch.linalg.vector_norm(logits - there[:, None], dim=2).mean(1) / size
        likely = torch.softmax(logits, 2).gather(2, target[:, None, None].expand(-1, count, 1)).mean((1, 2))
        for number, name in enumerate(ids):
            found = {"logit_distance": distance[number], "probability": likely[number]}
            path = baselines[number] + alpha * (x[number] - baselines[number])
            own, *along = (classifier.normalise(part) for part in (x[number][None], baselines[number], path.flatten(0, 1)))
            found["states_at_baseline"], found["states_on_path"] = (units.same(own, part) for part in along)
            rows += [_row(kind, "", name, quantity, float(value)) for quantity, value in found.items()]
        change = (there.gather(1, target[:, None]) - logits.mean(1).gather(1, target[:, None]))[:, 0]
        sums, valid = _integrals(classifier, x, target, ids, baselines, steps, seed)
        for method, total in sums.items():
            gap = (total - change).abs()
            sizes = {"completeness_gap": gap, "gap_of_logits": gap / size, "gap_of_change": gap / change.abs()}
            for quantity, values in sizes.items():
                rows += [_row(kind, method, *one) for one in zip(ids, [quantity] * len(ids), values.tolist(), strict=True)]
        rows += [_row(kind, "credible", name, "valid_share", valid[name]) for name in ids]
    return pd.DataFrame(rows)


def _integrals(classifier, x, target, ids, baselines, steps: int, seed: int):
    """Sums of the maps (N,) of IG and of Algorithm 2 from given baselines; image id -> share of valid features of the latter."""
    valid: dict[str, float] = {}

    def ig(image, integral):
        own = image.baselines
        yield from straight_lines(image, integral, own, 1 / len(own), *quadrature("midpoint", steps // len(own)))

    def algorithm_2(image, integral):
        shares = []

        def add(gradient, displacement, weight):  # what is not valid has a displacement of 0
            shares.append(float((displacement != 0).float().mean()))
            integral.add(gradient, displacement, weight)

        yield from credible(image, SimpleNamespace(add=add, parts={}), steps=steps)
        valid[image.id] = float(np.mean(shares))

    def images():
        for number, name in enumerate(ids):
            yield Image(
                x=x[number],
                target=int(target[number]),
                id=name,
                draws=draws(seed, "credible", name),
                classes=classifier.classes(x[0]),
                baselines=baselines[number],
            )

    sums = {}
    for name, method in (("ig", ig), ("credible", algorithm_2)):
        done = dict(integrate(classifier, method, images()))
        sums[name] = torch.stack([done[number][0]["vanilla"].double().sum() for number in range(len(x))]).float()
    return sums, valid


def _row(baseline: str, method: str, image_id: str, quantity: str, value: float) -> dict:
    return {"baseline": baseline, "method": method, "image_id": image_id, "quantity": quantity, "value": value}
