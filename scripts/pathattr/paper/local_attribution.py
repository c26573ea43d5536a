"""What the Local Attribution paper states (Zhu et al., ACM MM 2024), checked on random networks; attacks that go on (Fig. 2)."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.fx.experimental.optimization import fuse

from ..api import attribute
from ..batching import GRADIENT, LOGITS, Ask, run
from ..integrate import Image, draws, evaluate, integrate, slope
from ..method.adversarial import la
from ..model.classifier import Classifier
from ..objective import loss
from ..rng import generator

SHAPE, CLASSES, WIDTH = (3, 4, 4), 6, 32  # of the random networks
NETWORKS, IMAGES = 3, 4
STEPS, TARGETS = 8, 3  # of LA where its samples are looked at
RANGES = (20.0, 3.0)  # s: the paper's, and a wide space
FAR, FARTHER = 1e5, 1e7  # s where what is true to first order is true: in float32, as LA computes, and in float64
PAIRS = 64  # samples x +- d of the local space
MICRO_BATCH = 32
LOSS = {"objective": "log_probability"}  # LA's loss is the cross-entropy


# --- networks that the checks run on --------------------------------------------------------------------------------------


def smooth_network(seed: int, number: int, blind: int | None = None) -> nn.Sequential:
    """A function with all derivatives, 48-32-6 with tanh, random weights. `blind`: an element of the image that it does not see."""
    rng = generator(seed, "la axioms", "smooth", number)
    layers = [nn.Linear(int(np.prod(SHAPE)), WIDTH), nn.Linear(WIDTH, CLASSES)]
    for layer in layers:
        layer.weight.data = torch.from_numpy(rng.standard_normal(layer.weight.shape, dtype="float32") * 3 / layer.in_features**0.5)
        layer.bias.data = torch.from_numpy(rng.standard_normal(layer.bias.shape, dtype="float32") / 3)
    if blind is not None:
        layers[0].weight.data[:, blind] = 0
    return nn.Sequential(nn.Flatten(), layers[0], nn.Tanh(), layers[1])


def normalised_network(seed: int, number: int) -> nn.Sequential:
    """Two convolutions with batch norm and ReLU, and a linear layer; weights and statistics random."""
    rng = generator(seed, "la axioms", "normalised", number)
    parts = [nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()]
    parts += [nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, CLASSES)]
    network = nn.Sequential(*parts).eval().requires_grad_(False)
    for part in parts:
        for name, values in {**dict(part.named_parameters()), **dict(part.named_buffers())}.items():
            if values.is_floating_point():
                drawn = torch.from_numpy(rng.standard_normal(values.shape, dtype="float32"))
                spread = 1.5 / part.weight[0].numel() ** 0.5 if values.ndim > 1 else 0.3
                one = isinstance(part, nn.BatchNorm2d) and name in ("weight", "running_var")
                values.copy_((1 + spread * drawn).abs() + 0.1 if one else spread * drawn)
    return network


class OneFeature(nn.Module):
    """f(x) = min(x_1, ceiling), the logit of class 0 beside 0: (N, 1, 1, 2) -> (N, 2)."""

    def __init__(self, ceiling: float):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x: Tensor) -> Tensor:
        value = x.flatten(1)[:, 0].clamp(max=self.ceiling)
        return torch.stack([value, torch.zeros_like(value)], 1)


def images(seed: int, number: int) -> Tensor:
    """Random pixels (IMAGES, 3, 4, 4) in [0, 1], some of them black and some white."""
    rng = generator(seed, "la axioms", "images", number)
    x = rng.random((IMAGES, *SHAPE), dtype="float32")
    ends = rng.random(x.shape)
    return torch.from_numpy(np.where(ends < 0.1, 0, np.where(ends > 0.9, 1, x)).astype("float32"))


# --- what LA visits -------------------------------------------------------------------------------------------------------


def explored(classifier: Classifier, x: Tensor, target, seed: int, **parameters) -> list[tuple[Tensor, Tensor, Tensor]]:
    """What the registered method `la` visits for images (N, C, H, W) at classes (N,): of each image its samples x~, explorations x^
    and the gradients of the loss at x~, (steps, branches, C, H, W) each. As released: x^ is what x~ is compared with, the image.
    """
    visited = [[] for _ in x]

    def follow(image, _integral):
        own, asked = visited[int(image.id)], []

        def add(gradient, displacement, *_, place=None):  # of the log-probability, minus the loss
            own.append((asked[-1], asked[-1] - displacement, -gradient))

        steps, answer = la(image, SimpleNamespace(add=add), **parameters), None
        while True:
            try:
                ask = steps.send(answer)
            except StopIteration:
                return
            if ask.rule == GRADIENT:
                asked.append(ask.points)
            answer = yield ask

    def every():
        logits = classifier.logits(x)
        for number, one in enumerate(x):
            about = {"id": str(number), "draws": draws(seed, "la", str(number)), "classes": logits.shape[1], **LOSS}
            yield Image(x=one, target=int(target[number]), logits=logits[number], **about)

    for _ in integrate(classifier, follow, every(), micro_batch=MICRO_BATCH, **LOSS):
        pass
    return [tuple(torch.stack(part) for part in zip(*own, strict=True)) for own in visited]


def losses(network: nn.Module, points: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy (K,) at points (K, C, H, W) and classes (K,), and its gradient, in float64, by plain autograd."""
    points = points.double().requires_grad_(True)
    values = loss(network.double()(points), target)
    return values.detach(), slope(values, points)[0]


# --- section 3 ------------------------------------------------------------------------------------------------------------


def axioms(seed: int) -> pd.DataFrame:
    """All checks, a row a number: `where` the paper states it, `check`, `quantity`, `value`, the largest over the random networks
    and images, and what is `expected`, nan where the paper expects nothing.
    """
    parts = []
    for number in range(NETWORKS):
        x = images(seed, number)
        own = [local_space(seed, number, x), expansion(seed, number, x), deep_analysis(seed, number, x)]
        parts += [*own, invariance(seed, number, x), symmetry(seed, number, x)]
    rows = [row for part in [*parts, sensitivity(seed), directions(seed)] for row in part]
    table = pd.DataFrame(rows, columns=["where", "check", "quantity", "value", "expected"])
    keys = ["where", "check", "quantity"]  # of a ratio that shall be 1, what is farthest from it
    table["gap"] = (table["value"] - table["expected"].fillna(0)).abs()
    worst = table.sort_values("gap", ascending=False, kind="stable").drop_duplicates(keys).set_index(keys)
    order = table[keys].drop_duplicates()
    return worst.loc[pd.MultiIndex.from_frame(order)].reset_index().drop(columns="gap")


def local_space(seed: int, number: int, x: Tensor) -> list[tuple]:
    """Where samples and explorations lie (Theorem 3.1, Eq. 6 and 7, Appendices C and D), and what section 3.4 says of them."""
    network, classifier = smooth_network(seed, number), Classifier(smooth_network(seed, number))
    logits = classifier.logits(x)
    target, rows = logits.argmax(1), []
    for s in RANGES:
        found = explored(classifier, x, target, seed, steps=STEPS, targets=TARGETS, spatial_range=s)
        released = explored(classifier, x, target, seed, steps=STEPS, targets=TARGETS, spatial_range=s, as_released=True)
        for one, own, theirs, scores, label in zip(x.double(), found, released, logits, target.tolist(), strict=True):
            (near, far, _), radius = own, one / s
            near, far = near.double(), far.double()
            outside = [
                float(((points - one).abs() - size).max().clamp(min=0)) for points, size in ((near, radius / 2), (far, radius))
            ]
            rows.append(
                ("Theorem 3.1, Appendix D", "local space", "sample x~: excess of |x~ - x| over epsilon / 2", outside[0], 0.0)
            )
            rows.append(
                ("Theorem 3.1, Appendix C", "local space", "exploration x^: excess of |x^ - x| over epsilon", outside[1], 0.0)
            )
            excess = float(((theirs[0].double() - one).abs() - radius / 2).max() / (radius.max() / 2))
            text = "sample as released: excess of |x~ - x| over epsilon / 2, in times the largest of these"
            rows.append(("released code", "local space", text, excess, np.nan))
            others = [other for other in scores.argsort(descending=True).tolist() if other != label][:TARGETS]
            wanted = torch.tensor([[*others, label]] * STEPS)
            _, slope = losses(network, near.flatten(0, 1), wanted.flatten())
            way = torch.tensor([-1.0] * TARGETS + [1.0]).view(1, -1, 1, 1, 1)  # Eq. 7 goes down, Eq. 6 up
            direction = way * slope.view_as(near).sign()
            aside = float((far - (near + radius / 2 * direction).clamp(0, 1)).abs().max())
            rows.append(("Eq. 6, Eq. 7", "exploration", "|x^ - u(x~)|, classes in descending order of confidence", aside, 0.0))
            same = direction[1:] == direction[:-1]  # what moved x~_j, and what moves x~_{j+1}
            moved = int(((near[2:] != near[1:-1]) & same[:-1]).sum())
            text = "elements that move though the sign of their gradient stays"
            rows.append(("section 3.4", "iterated samples", text, float(moved), 0.0))
    return rows


def expansion(seed: int, number: int, x: Tensor) -> list[tuple]:
    """The expansions of the loss (Eq. 3 to 5) and Theorem 3.2: LA adds up to its expected change, to first order."""
    network, rng = smooth_network(seed, number), generator(seed, "la axioms", "pairs", number)
    classifier, rows = Classifier(smooth_network(seed, number)), []
    target = classifier.logits(x).argmax(1)
    maps = attribute("la", classifier, x, target, steps=STEPS, attack="untargeted", spatial_range=FAR, **LOSS)["vanilla"]
    visited = explored(classifier, x, target, seed, steps=STEPS, attack="untargeted", spatial_range=FAR)
    for one, label, values, (near, far, _) in zip(x.double(), target, maps.double(), visited, strict=True):
        radius, away = one / FARTHER, torch.from_numpy(rng.uniform(-1, 1, (PAIRS, *SHAPE)))
        away = torch.cat([away, -away]) * radius / 2  # uniform on B_{epsilon/2}, in pairs x +- d
        labels = label.expand(2 * PAIRS)
        start, slope = losses(network, one[None], label[None])
        samples, slopes = losses(network, one + away, labels)
        first = away * slope
        rest = ((samples - start - first.flatten(1).sum(1)).abs() / away.flatten(1).norm(dim=1)).max()
        rows.append(("Eq. 3", "expansion", "what the first order leaves, over |x~ - x|", float(rest), 0.0))
        mean = (first.mean(0).abs() / first.abs().mean(0).clamp(min=1e-300)).max()
        text = "mean over pairs x +- d of the first-order term, over that of its size, an element"
        rows.append(("Eq. 4", "expansion", text, float(mean), 0.0))
        after, _ = losses(network, one + away + radius / 2 * slopes.sign(), labels)
        changes = (radius / 2 * slopes.sign() * slopes).mean(0).sum() / (after - start).mean()
        text = "sum of LA over the expected change of the loss: samples of the local space, in pairs"
        rows.append(("Theorem 3.2, Eq. 5", "completeness", text, float(changes), 1.0))
        ends, _ = losses(network, far.flatten(0, 1), label.expand(len(far)))
        text = "sum of LA over the expected change of the loss: samples of section 3.4, untargeted"
        share = float(values.sum() / (ends - start).mean())
        rows.append(("Theorem 3.2, Eq. 5", "completeness", text, share, 1.0))
        term = ((near.double()[:, 0] - one) * slope).flatten(1).sum(1).mean() / values.sum()
        text = "first-order term (x~ - x) dL/dx over the sum of LA: samples of section 3.4, untargeted"
        rows.append(("Eq. 5", "completeness", text, float(term), 0.0))
    return rows


def deep_analysis(seed: int, number: int, x: Tensor) -> list[tuple]:
    """Section 3.3: the gradient of the loss in the logits (Eq. 8), and what it says of both attacks."""
    network = smooth_network(seed, number).double()
    z = network(x.double()).detach()
    p, y, rows = torch.softmax(z, 1), z.argmax(1), []
    for name, label in (("the class y", y), ("a target y^t", z.argsort(1)[:, -2])):
        at = z.clone().requires_grad_(True)
        gap = (slope(loss(at, label), at)[0] - (p - torch.nn.functional.one_hot(label, CLASSES))).abs().max()
        rows.append(("Eq. 8", "gradient in the logits", f"gap between autograd and p - 1 or p, {name}", float(gap), 0.0))
    others = p.scatter(1, y[:, None], 0)
    excess = float((others.max(1).values - (1 - p.gather(1, y[:, None])[:, 0])).max().clamp(min=0))
    text = "untargeted, another class: excess of its weight p_j over 1 - p_y, that of y"
    rows.append(("section 3.3", "gradient in the logits", text, excess, 0.0))
    falls = 0
    for label in range(CLASSES):
        points = x.double().requires_grad_(True)
        rising = slope(network(points)[:, label], points)[0]
        falls += int((network(points + 1e-5 * rising)[:, label] <= network(points)[:, label]).sum())
    rows.append(("section 3.3", "gradient in the logits", "logits that do not rise along their own gradient", float(falls), 0.0))
    classifier, options = Classifier(smooth_network(seed, number)), {"steps": STEPS, "targets": TARGETS, **LOSS}
    both, targeted, untargeted = (
        attribute("la", classifier, x, y, attack=attack, **options)["vanilla"] for attack in ("both", "targeted", "untargeted")
    )
    added = (TARGETS * targeted + untargeted) / (TARGETS + 1)
    text = "map of both attacks and the mean over their branches, relative gap"
    rows.append(("section 3.3", "additive", text, relative(both, added), 0.0))
    return rows


def invariance(seed: int, number: int, x: Tensor) -> list[tuple]:
    """Implementation invariance: a network and the same with its batch norms folded; and dummies: what the network does not see."""
    network = normalised_network(seed, number)
    target, maps = Classifier(network).logits(x).argmax(1), []
    for one in (network, fuse(network)):
        classifier = Classifier(one, fold_batch_norm=False)
        maps.append(attribute("la", classifier, x, target, steps=STEPS, targets=TARGETS, **LOSS)["vanilla"])
    text = "network and its copy with folded batch norms, relative gap of the maps"
    rows = [("section 2.2", "implementation invariance", text, relative(*maps), 0.0)]
    blind = Classifier(smooth_network(seed, number, blind=5))
    found = attribute("la", blind, x, blind.logits(x).argmax(1), steps=STEPS, targets=TARGETS, **LOSS)["vanilla"]
    text = "attribution of an element that the network does not see"
    return [*rows, ("section 2.2", "sensitivity", text, float(found.flatten(1)[:, 5].abs().max()), 0.0)]


def sensitivity(seed: int) -> list[tuple]:
    """Sensitivity: a feature that alone changes the output between image and baseline shall not get 0. Of f = x_1 at x_1 = 0, where
    the linear constraint leaves no space; and of f = min(x_1, 1/2) at x_1 = 0.9, flat in all of the local space.
    """
    rows = []
    for ceiling, place, baseline, words in ((2.0, 0.0, 1.0, "f = x_1 at a black x_1"), (0.5, 0.9, 0.0, "f = min(x_1, 1/2) at 0.9")):
        classifier = Classifier(OneFeature(ceiling))
        x = torch.tensor([[[[place, 0.7]]]])
        other = torch.tensor([[[[baseline, 0.7]]]])
        assert float((classifier(x) - classifier(other)).abs().max()) > 0.1  # it alone changes the output
        found = attribute("la", classifier, x, [0], seed=seed, **LOSS)["vanilla"].flatten()
        text = f"{words}: features that alone change the output and get 0"
        rows.append(("section 2.2", "sensitivity", text, float(found[0] == 0), 0.0))
    return rows


def relative(one: Tensor, other: Tensor) -> float:
    """Largest gap over the largest value of an image, the largest of the images."""
    gap, size = ((values.flatten(1).abs().max(1).values) for values in (one - other, other))
    return float((gap / size).max())


# --- section 4.3 ----------------------------------------------------------------------------------------------------------


def built_up(x: Tensor, order: Tensor) -> Tensor:
    """Insertion: black with the first i elements of the order from the image (C, H, W), i = 0 ... D. (D + 1, C, H, W)."""
    steps = [torch.zeros_like(x).flatten()]
    for element in order.tolist():
        steps.append(steps[-1].clone())
        steps[-1][element] = x.flatten()[element]
    return torch.stack(steps).view(-1, *x.shape)


def taken_away(x: Tensor, order: Tensor) -> Tensor:
    """Deletion: the image with the first i elements of the order black. (D + 1, C, H, W)."""
    steps = [x.flatten()]
    for element in order.tolist():
        steps.append(steps[-1].clone())
        steps[-1][element] = 0
    return torch.stack(steps).view(-1, *x.shape)


def printed_insertion(p: Tensor) -> float:
    """InsertionScore of section 4.3: the mean over steps 1 ... N of P_i - P_0. `p`: (N + 1,)."""
    return float((p[1:] - p[0]).mean())


def printed_deletion(p: Tensor) -> float:
    """DeletionScore of section 4.3: the mean over steps 1 ... N of P_full - P_i. `p`: (N + 1,), P_full first."""
    return float((p[0] - p[1:]).mean())


def symmetry(seed: int, number: int, x: Tensor) -> list[tuple]:
    """Insertion of the most important first and deletion of the least important first are "equivalent, as known by symmetry"."""
    classifier, rows = Classifier(smooth_network(seed, number)), []
    target = classifier.logits(x).argmax(1)
    maps = attribute("la", classifier, x, target, steps=STEPS, targets=TARGETS, **LOSS)["vanilla"]
    for one, label, values in zip(x, target, maps, strict=True):
        order = values.flatten().argsort(descending=True, stable=True)
        up, down = built_up(one, order), taken_away(one, order.flip(0))
        text = "insertion after i and deletion of the least important after N - i: gap of the images"
        rows.append(("section 4.3", "symmetry", text, float((up - down.flip(0)).abs().max()), 0.0))
        p, q = (torch.softmax(classifier.logits(points).double(), 1)[:, label] for points in (up, down))
        whole = float(p[-1] - p[0]) * (1 + 1 / len(order))
        text = "printed Insertion + printed Deletion of the least important, less (P_full - P_0)(1 + 1/N)"
        rows.append(("section 4.3", "symmetry", text, abs(printed_insertion(p) + printed_deletion(q) - whole), 0.0))
    return rows


def directions(seed: int) -> list[tuple]:
    """Which way the printed formulas point where the right order is known: F is the sum of w_i x_i, elements are ranked by w_i x_i,
    and the wrong order is its reverse. Table 1: higher insertion, lower deletion is better.
    """
    rng = generator(seed, "la axioms", "directions")
    weight, x = rng.standard_normal(int(np.prod(SHAPE))), rng.random(int(np.prod(SHAPE)))
    order = torch.from_numpy(np.argsort(-weight * x).copy())
    x = torch.from_numpy(x).view(SHAPE)
    scores = {}
    for name, make, score in (("Insertion", built_up, printed_insertion), ("Deletion", taken_away, printed_deletion)):
        for way, ranked in (("right", order), ("wrong", order.flip(0))):
            scores[name, way] = score(torch.sigmoid(make(x, ranked).flatten(1) @ torch.from_numpy(weight)))
    higher = float(scores["Insertion", "right"] > scores["Insertion", "wrong"])
    lower = float(scores["Deletion", "right"] < scores["Deletion", "wrong"])
    return [
        ("section 4.3", "printed scores", "printed Insertion: the right order has the higher score", higher, 1.0),
        ("section 4.3, Table 1", "printed scores", "printed Deletion: the right order has the lower score", lower, 1.0),
    ]


# --- Fig. 2 ---------------------------------------------------------------------------------------------------------------


def survival(classifier: Classifier, x: Tensor, sizes: dict, iterations: int, micro_batch: int = MICRO_BATCH) -> np.ndarray:
    """Whether attacked images are still given the class that the clean image is: bool (N, len(sizes), iterations + 1).

    `x`: (N, C, H, W) pixels in [0, 1]. `sizes`: name -> step in pixel values, a number, or a function of the image. Untargeted sign
    steps against the class y^ predicted for x: x_{j+1} = clip(x_j - step sign dF_y^(x_j)/dx, 0, 1), F its log-probability. A walk
    goes on after its first loss: the state at each iteration is told, 0 being the clean image.
    """

    def walk(image: Tensor):
        steps = [size(image) if callable(size) else torch.full_like(image, size) for size in sizes.values()]
        reach, at = torch.stack(steps), image.expand(len(sizes), *image.shape)
        answer = yield Ask(image[None], rule=LOGITS)
        target, kept = int(answer.logits[0].argmax()), []
        for _ in range(iterations):
            answer = yield Ask(at, target)
            kept.append(answer.logits.argmax(1) == target)
            at = (at - reach * answer.gradient.sign()).clamp(0, 1)
        answer = yield Ask(at, rule=LOGITS)
        return torch.stack([*kept, answer.logits.argmax(1) == target], 1).cpu()

    walks = (walk(image.to(classifier.device)) for image in x)
    done = dict(run(walks, partial(evaluate, classifier, "log_probability"), micro_batch))
    return torch.stack([done[position] for position in range(len(x))]).numpy()
