"""What section 3 of the Taylor paper (Deng et al., 2020) says of attribution methods, measured in float64: their Taylor
reformulations (Propositions 1 to 5, Table 1) and the three properties.

Everything goes through the registered methods, the batching and the gradients of the library. Only the sum at the end is another
one, as `integrate.Integral` rounds its weights to float32. Signs: derivatives are at x and D = x~ - x, so that f(x) - f(x~) is
minus the expansion, and every score is minus its row of Table 1 ("we omit a negative sign", section 2).
"""

import itertools
from functools import partial
from math import factorial

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ..batching import run
from ..integrate import Image, draws, evaluate
from ..integrate import slope as slope_of
from ..method.deeplift import deeplift
from ..method.lrp import lrp_epsilon
from ..method.perturbation import perturbation_1, perturbation_patch
from ..method.simple import gradient_x_input
from ..method.straight import ig
from ..model.classifier import Classifier
from ..model.train import slope as differentiable
from ..rng import generator

VALUE = 0.25  # v, the constant that stands for what is taken away
EPSILON = 1e-6
METHODS = {one.__name__: one for one in (gradient_x_input, perturbation_1, perturbation_patch, deeplift, lrp_epsilon, ig)}
SETTINGS = {  # method, in the order of Table 1 -> its parameters; epsilon-LRP shares the row of DeepLIFT
    "gradient_x_input": {},  # baseline 0, Proposition 1
    "perturbation_1": {"value": VALUE},
    "perturbation_patch": {"value": VALUE, "size": 1},  # one pixel: its two channels are the patch
    "deeplift": {"baseline": VALUE},
    "lrp_epsilon": {"epsilon": EPSILON},  # baseline 0
    "ig": {"baseline": VALUE, "rule": "gauss", "steps": 4},  # exact up to gradients of degree 7
}
LAYERWISE = ("deeplift", "lrp_epsilon")  # rules for one layer, sigma(w x + b), not for any function
PRINTED = {  # Table 1, properties 1 to 3
    "gradient_x_input": (0, 0, 0),
    "perturbation_1": (0, 1, 0),
    "perturbation_patch": (0, 1, 0),
    "deeplift": (1, 0, 0),
    "lrp_epsilon": (np.nan, 0, 0),  # not in the table; section 3 IV: "shares the same limitation"
    "ig": (1, 1, 1),
}
TOLERANCE = 1e-9  # of a share: below it a property holds
FEATURES, DEGREE = 6, 4
NETWORKS, HIDDEN, PATH_STEPS = 10, 16, 20
STEPS = tuple(0.5**k for k in range(6))  # t
SMALL = STEPS[3:]  # where the third order leads


# --- float64 through the registered methods -------------------------------------------------------------------------------


class Sum:
    """What a method adds up, in float64: the sum of weight * step * displacement * gradient, as `Integral`'s vanilla."""

    def __init__(self, x: Tensor):
        self.total, self.square, self.parts = torch.zeros_like(x), False, {}

    def add(self, gradient, displacement=1.0, weight=1.0, step=1.0, points=None, references=None, place=None):
        share = torch.as_tensor(weight, dtype=torch.float64) * torch.as_tensor(step, dtype=torch.float64)
        self.total += (share.expand(len(gradient)).view(-1, 1, 1, 1) * displacement * gradient).sum(0)


def as_images(vectors: Tensor) -> Tensor:
    """(N, n) -> (N, 2, 1, n / 2): variables 2j and 2j + 1 are the two channels of pixel j, a patch."""
    return vectors.unflatten(1, (-1, 2)).transpose(1, 2)[:, :, None]


def as_vectors(images: Tensor) -> Tensor:
    """(N, 2, 1, n / 2) -> (N, n), the inverse of `as_images`."""
    return images[:, :, 0].transpose(1, 2).flatten(1)


def explained(method: str, module: nn.Module, x: Tensor, **parameters) -> Tensor:
    """Scores (N, n) of class k of a module, (N, 2, 1, n / 2) -> (N, classes), at row k of x (N, n), all float64."""
    classifier = Classifier(module.double(), (0.0, 0.0), (1.0, 1.0))
    classifier.mean, classifier.std = classifier.mean.double(), classifier.std.double()

    def one(number: int, pixels: Tensor):
        total = Sum(pixels)
        about = {"x": pixels, "target": number, "id": str(number), "draws": draws(0, method, str(number)), "classes": len(x)}
        yield from METHODS[method](Image(**about), total, **parameters)
        return total.total

    walks = (one(number, pixels) for number, pixels in enumerate(as_images(x)))
    found = dict(run(walks, partial(evaluate, classifier, "logit"), 64))
    return as_vectors(torch.stack([found[number] for number in range(len(x))]))


def normal(seed: int, purpose: str, *shape: int) -> Tensor:
    """Standard normal draws, float64."""
    return torch.from_numpy(generator(seed, "taylor", purpose).standard_normal(shape))


def uniform(seed: int, purpose: str, *shape: int) -> Tensor:
    """Uniform draws in [0, 1), float64."""
    return torch.from_numpy(generator(seed, "taylor", purpose).random(shape))


def baseline(method: str) -> float:
    """x~ of a method: every variable has this value."""
    given = SETTINGS[method]
    return given.get("value", given.get("baseline", 0.0))


# --- reformulations -------------------------------------------------------------------------------------------------------


class Polynomials(nn.Module):
    """Random polynomials of n variables, one a class, g z + z H z / 2 (+ C z z z / 6), H and C symmetric."""

    def __init__(self, seed: int, count: int, n: int = FEATURES, cubic: bool = False):
        super().__init__()
        self.slope, root = normal(seed, "slope", count, n), normal(seed, "curvature", count, n, n)
        self.curvature = (root + root.transpose(1, 2)) / 2
        root = normal(seed, "third", count, n, n, n) * cubic
        self.third = sum(root.permute(0, *order) for order in itertools.permutations((1, 2, 3))) / 6

    def forward(self, images: Tensor) -> Tensor:
        z = as_vectors(images)
        square, cube = (
            torch.einsum("ni,nj,cij->nc", z, z, self.curvature),
            torch.einsum("ni,nj,nk,cijk->nc", z, z, z, self.third),
        )
        return z @ self.slope.T + square / 2 + cube / 6


def derivatives(module: nn.Module, x: Tensor, order: int) -> list[Tensor]:
    """Derivatives of class k at row k of x (N, n), by automatic differentiation: (N, n), (N, n, n), ... up to an order."""
    x, rows = x.clone().requires_grad_(True), torch.arange(len(x))
    found = [module(as_images(x))[rows, rows][:, None]]
    for _ in range(order):  # a row depends on its own x alone, so that a sum over rows is differentiated for all at once
        parts = found[-1].flatten(1).unbind(1)
        slopes = [differentiable(part + 0 * x.sum(1), x) for part in parts]  # also where a part is constant
        found.append(torch.stack(slopes, 1))
    return [part.detach().view(-1, *[x.shape[1]] * number) for number, part in enumerate(found[1:], 1)]


def reformulation(method: str, given: list[Tensor], moved: Tensor, ordered: bool = False) -> Tensor:
    """Scores (N, n) by Propositions 1, 2, 3 and 5, minus the expansion's terms of all orders in `given` (`derivatives`).

    `moved`: D = x~ - x (N, n). The expansion's term of order k, a tensor of the k-th derivative times D of each index, over k!,
    holds each monomial once for each order of its variables. All of it whose indices are all i is F_i + T_i^ind. All of it whose
    indices lie in the patch of i is (9). What begins with i is k_i / k of each monomial, (11). `ordered`: the double sum of rows 3
    and 4 of Table 1 literally, over ordered pairs, so that second-order interactions count twice; the expansion (3) has them once.
    """
    count, n = moved.shape
    total = torch.zeros_like(moved)
    same_patch = torch.arange(n)[:, None] // 2 == torch.arange(n) // 2
    for order, derivative in enumerate(given, 1):
        if method == "gradient_x_input" and order > 1:
            break
        terms = derivative / factorial(order)
        for place in range(order):
            terms = terms * moved.view(count, *(n if one == place else 1 for one in range(order)))
        if ordered and order == 2:
            terms = terms * (2 - torch.eye(n))
        if method in ("gradient_x_input", "perturbation_1"):
            total += terms[(slice(None), *[torch.arange(n)] * order)]
        elif method == "ig":
            total += terms.reshape(count, n, -1).sum(2)
        elif method == "perturbation_patch":
            for i in range(n):
                inside = terms
                for place in range(order):
                    inside = inside.index_select(place + 1, same_patch[i].nonzero()[:, 0])
                total[:, i] += inside.reshape(count, -1).sum(1)
        else:
            raise ValueError(f"{method} has no reformulation of any function; it is layerwise")
    return -total


# --- one layer ------------------------------------------------------------------------------------------------------------


def neurons(seed: int, count: int, activation: nn.Module, bias: bool = True) -> nn.Sequential:
    """sigma(w x + b) of n variables, one a class; w of variance 1 / n, b standard normal."""
    layer = nn.Linear(FEATURES, count, bias=bias).double()
    layer.weight.data = as_images(normal(seed, "weight", count, FEATURES) / FEATURES**0.5).flatten(1).contiguous()
    if bias:
        layer.bias.data = normal(seed, "bias", count)
    return nn.Sequential(nn.Flatten(), layer, activation)


def layer_parts(method: str, module: nn.Sequential, x: Tensor) -> dict[str, Tensor]:
    """What Proposition 4 is made of, class k at row k of x: the weighted inputs `z` (N, n), as differences from the baseline; the
    first-order terms `first` (N, n), f_i (x_i - x~_i); `share` (N, n) of the overall high-order effect `high` (N, 1).

    DeepLIFT: (10). Epsilon-LRP, whose reformulation our text does not have, by the same form: a_i = z_i / (u + epsilon sign u)
    f(x), u = w x + b, starts from x~ = 0 with f(x~) = 0, the bias as one more input that keeps its part, and a leak, the factor
    1 - lambda = u / (u + epsilon sign u) on both terms.
    """
    _, layer, activation = module
    rows = torch.arange(len(x))
    weight = as_vectors(layer.weight.data.unflatten(1, (2, 1, -1)))
    there = module(as_images(x))[rows, rows]
    summed = layer(as_images(x).flatten(1))[rows, rows].detach().requires_grad_(True)
    slope = slope_of(activation(summed), summed)[0][:, None]
    z = weight * (x - baseline(method))
    if method == "deeplift":
        change = there - module(as_images(torch.full_like(x, VALUE)))[rows, rows]
        divisor, kept = z.sum(1, keepdim=True), 1.0
        high = change[:, None] - slope * divisor
    else:
        change, divisor = there, summed.detach()[:, None]
        kept = divisor / (divisor + EPSILON * divisor.sign())
        high = change[:, None] - slope * divisor
    parts = {"z": z, "first": kept * slope * z, "share": kept * z / divisor, "high": high, "change": change[:, None]}
    return {name: values.detach() for name, values in parts.items()}


# --- the share matrix -----------------------------------------------------------------------------------------------------

PLACE = (0.9, 0.65, 0.4, 0.75)  # x of the share matrix, different displacements


class Monomials(nn.Module):
    """m_T(z) = prod (z_i - x_i)^k_i, one a class. `exponents`: (classes, n)."""

    def __init__(self, x: Tensor, exponents: Tensor):
        super().__init__()
        self.x, self.exponents = x, exponents

    def forward(self, images: Tensor) -> Tensor:
        moved = as_vectors(images) - self.x
        return (moved[:, None] ** self.exponents).prod(2)


def exponents(n: int = len(PLACE), degree: int = DEGREE) -> Tensor:
    """All (k_1, ..., k_n) with 1 <= sum k <= degree, by degree, those of the first variables first: (terms, n)."""
    every = [one for one in itertools.product(range(degree + 1), repeat=n) if 1 <= sum(one) <= degree]
    return torch.tensor(sorted(every, key=lambda one: (sum(one), [-k for k in one])))


def shares(method: str, powers: Tensor) -> Tensor:
    """s_i(T) (terms, n): what a method gives to variable i of the monomial m_T, over what it contributes, f(x) - f(x~)."""
    x = torch.tensor(PLACE, dtype=torch.float64)
    found = explained(method, Monomials(x, powers), x.expand(len(powers), -1), **SETTINGS[method])
    return found / -((baseline(method) - x) ** powers).prod(1, keepdim=True)


def gaps(found: Tensor, powers: Tensor) -> tuple[float, float, float]:
    """How far shares (terms, features) are from Properties 1 to 3, the largest difference.

    1: the shares of every term sum to 1. 2: a term of one feature is its feature's, wholly, and no other's. 3: of a term of several
    features nothing goes to others, and its shares sum to 1.
    """
    own, gap = powers > 0, (found.sum(1) - 1).abs()
    alone = own.sum(1) == 1
    outside = (found * ~own).abs().amax(1)
    return float(gap.max()), float((found - own.double())[alone].abs().max()), float(torch.maximum(gap, outside)[~alone].max())


def share_table() -> pd.DataFrame:
    """The share matrix of the methods that explain any function: `method`, `term`, `degree`, `variable` (1 to 4), `exponent` of it,
    `share`."""
    powers, rows = exponents(), []
    for method in SETTINGS:
        if method not in LAYERWISE:
            for term, values in zip(powers.tolist(), shares(method, powers).tolist(), strict=True):
                for number, (exponent, share) in enumerate(zip(term, values, strict=True), 1):
                    about = {"method": method, "term": term_name(term), "degree": sum(term), "variable": number}
                    rows.append({**about, "exponent": exponent, "share": share})
    return pd.DataFrame(rows)


def term_name(powers) -> str:
    """(2, 0, 1, 0) -> "D1^2 D3"."""
    return " ".join(f"D{number}" + (f"^{power}" if power > 1 else "") for number, power in enumerate(powers, 1) if power)


# --- all of it ------------------------------------------------------------------------------------------------------------


def properties(seed: int, count: int) -> pd.DataFrame:
    """Table 1, checked, `count` random functions each. Long: `check`, `method`, `quantity`, `value`, `expected` (nan: nothing is).

    "reformulation": largest |score - reformulation|, of quadratics and cubics of 6 variables, of a layer of softplus or ReLU.
    "summation": largest |sum of the scores - (f(x) - f(x~))| of a layer. "distance": how far the measured shares are from each
    property, and "property": whether it is met (1) or not (0), beside the printed. "error": of the second-order reformulation on
    smooth functions at a distance t (root of the mean square over 10 functions and their variables), and "slope": that of its
    logarithm against that of t. The functions are networks of two tanh layers; for the layerwise rules one layer of tanh without
    a bias. "as printed": the same with the double sums of Table 1 read literally.
    """
    rows = [*_of_polynomials(seed, count), *_of_layers(seed, count), *_of_steps(seed), *_of_shares(seed, count)]
    data = pd.DataFrame(rows, columns=["check", "method", "quantity", "value", "expected"])
    order = {method: number for number, method in enumerate(SETTINGS)}
    checks = {name: number for number, name in enumerate(dict.fromkeys(data["check"]))}
    return data.sort_values(["check", "method"], key=lambda column: column.map(checks | order), kind="stable", ignore_index=True)


def _of_polynomials(seed: int, count: int):
    x = uniform(seed, "x", count, FEATURES)
    for quantity, cubic in (("quadratics", False), ("cubics", True)):
        module = Polynomials(seed, count, cubic=cubic)
        given = derivatives(module, x, 2 + cubic)
        for method in (one for one in SETTINGS if one not in LAYERWISE):
            found, moved = explained(method, module, x, **SETTINGS[method]), baseline(method) - x
            yield "reformulation", method, quantity, _largest(found - reformulation(method, given, moved)), 0.0
            if method == "perturbation_patch" and not cubic:
                twice = reformulation(method, given, moved, ordered=True)
                yield "as printed", method, "quadratics, interactions over ordered pairs", _largest(found - twice), np.nan


def _of_layers(seed: int, count: int):
    x = uniform(seed, "x", count, FEATURES)
    kinds = {"softplus": (nn.Softplus(), True), "ReLU": (nn.ReLU(), True), "ReLU, no bias": (nn.ReLU(), False)}
    for quantity, (activation, bias) in kinds.items():
        module = neurons(seed, count, activation, bias)
        for method in LAYERWISE:
            found, parts = explained(method, module, x, **SETTINGS[method]), layer_parts(method, module, x)
            gap = _largest(found - (parts["first"] + parts["share"] * parts["high"]))
            yield "reformulation", method, quantity, gap, 0.0
            expected = 0.0 if method == "deeplift" else np.nan  # a bias keeps relevance, and epsilon a little
            yield "summation", method, quantity, _largest(found.sum(1, keepdim=True) - parts["change"]), expected


def smooth_networks(seed: int) -> nn.Sequential:
    """Random networks of two layers of tanh, 6-16-16, one a class."""
    sizes = (FEATURES, HIDDEN, HIDDEN, NETWORKS)
    layers = [nn.Linear(inputs, outputs).double() for inputs, outputs in itertools.pairwise(sizes)]
    for number, layer in enumerate(layers):
        layer.weight.data = normal(seed, f"network {number}", *layer.weight.shape) / layer.in_features**0.5
        layer.bias.data = normal(seed, f"network bias {number}", len(layer.bias)) / 2
    return nn.Sequential(nn.Flatten(), layers[0], nn.Tanh(), layers[1], nn.Tanh(), layers[2])


def second_order(method: str, module: nn.Module, x: Tensor, ordered: bool = False) -> Tensor:
    """Scores (N, n) by the method's row of Table 1, class k at row k of x; `ordered` as for `reformulation`."""
    given, moved = derivatives(module, x, 2), baseline(method) - x
    if method not in LAYERWISE:
        return reformulation(method, given, moved, ordered)
    parts, curvature = layer_parts(method, module, x), given[1]
    if ordered:
        curvature = curvature * (2 - torch.eye(x.shape[1]))
    return parts["first"] - parts["share"] * torch.einsum("ni,nij,nj->n", moved, curvature, moved)[:, None] / 2


def _of_steps(seed: int):
    away = normal(seed, "direction", NETWORKS, FEATURES)
    away /= torch.linalg.vector_norm(away, dim=1, keepdim=True)  # t is the length of D
    whole, layer = smooth_networks(seed), neurons(seed, NETWORKS, nn.Tanh(), bias=False)
    for method, settings in SETTINGS.items():
        module = layer if method in LAYERWISE else whole
        errors, doubled = [], []
        for t in STEPS:
            x = baseline(method) + t * away
            found = explained(method, module, x, **settings | ({"steps": PATH_STEPS} if method == "ig" else {}))
            errors.append(_mean(found - second_order(method, module, x)))
            if method in ("perturbation_patch", "deeplift"):
                doubled.append(_mean(found - second_order(method, module, x, ordered=True)))
            yield "error", method, f"t = 1/{round(1 / t)}", errors[-1], np.nan
        if method != "gradient_x_input":  # it is its first-order term: there is no error, nor slope
            yield "slope", method, f"t <= 1/{round(1 / SMALL[0])}", slope(errors[-len(SMALL) :], SMALL), 3.0
            yield "slope", method, "all t", slope(errors, STEPS), np.nan
        if doubled:
            yield "as printed", method, "slope, interactions over ordered pairs", slope(doubled[-len(SMALL) :], SMALL), np.nan


def slope(errors, steps) -> float:
    """Least-squares slope of log error against log t."""
    return float(np.polyfit(np.log(steps), np.log(errors), 1)[0])


def _of_shares(seed: int, count: int):
    powers = exponents()
    for method, printed in PRINTED.items():
        if method in LAYERWISE:
            readings = {"": _layer_gaps(method, seed, count)}
        else:
            found = shares(method, powers)
            readings = {"": gaps(found, powers)}
            if method == "perturbation_patch":
                readings[", patches as features"] = gaps(found[:, ::2], powers.unflatten(1, (-1, 2)).sum(2))
        for reading, distances in readings.items():
            for number, (distance, expected) in enumerate(zip(distances, printed, strict=True), 1):
                yield "distance", method, f"property {number}{reading}", distance, np.nan
                yield "property", method, f"property {number}{reading}", float(distance < TOLERANCE), float(expected)


def _layer_gaps(method: str, seed: int, count: int) -> tuple[float, float, float]:
    """Properties of the layerwise rules: 1 by the sum of the scores; 2 and 3 by the share of T, all high-order terms together, that
    each variable is given, (a_i - F_i) / T: any term has that share, whichever its variables, of softplus as of ReLU."""
    x, module = uniform(seed, "x", count, FEATURES), neurons(seed, count, nn.Softplus())
    found, parts = explained(method, module, x, **SETTINGS[method]), layer_parts(method, module, x)
    share = (found - parts["first"]) / parts["high"]
    return _largest(found.sum(1, keepdim=True) - parts["change"]), _largest(share - 1), _largest(share)


def _largest(values: Tensor) -> float:
    return float(values.abs().max())


def _mean(values: Tensor) -> float:
    return float(values.square().mean().sqrt())
