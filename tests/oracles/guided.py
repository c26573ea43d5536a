"""Methods of one image whose path the classifier decides, float64, element by element.

`network`: (1, C, H, W) pixels -> (1, classes) logits. `draws(purpose)`: the image's generators.
"""

import math

import torch

from .paths import Point
from .straight import objective_of, slope


def sign(value: float) -> float:
    return float((value > 0) - (value < 0))


def clip(value: float, low: float = 0.0, high: float = 1.0) -> float:
    return min(high, max(low, value))


def each(function, *images):
    """A new image, every element from those of the others."""
    values = zip(*(image.flatten().tolist() for image in images), strict=True)
    return torch.tensor([function(*elements) for elements in values], dtype=torch.float64).view(images[0].shape)


def logits_of(network, at) -> list[float]:
    return network(at[None])[0].tolist()


def predicted(network, at) -> int:
    logits = logits_of(network, at)
    return logits.index(max(logits))


def guided(network, x, target: int, steps: int, fraction: float, max_dist: float, baseline: float, objective: str = "logit"):
    """Guided IG: at each step the elements of least gradient go first, within a band around the straight line."""
    end, start = x.flatten().tolist(), [baseline] * x.numel()
    span = [last - first for first, last in zip(start, end, strict=True)]
    there, total = list(start), [0.0] * x.numel()
    places = range(x.numel())
    length = sum(abs(width) for width in span)
    for step in range(steps):
        gradient = slope(network, torch.tensor(there, dtype=torch.float64).view_as(x), target, objective).flatten().tolist()
        alpha = (step + 1) / steps
        least, most = clip(alpha - max_dist), clip(alpha + max_dist)
        goal = length * (1 - alpha)

        def move(place, to, gradient=gradient):
            total[place] += (to - there[place]) * gradient[place]
            there[place] = to

        while True:
            for place in places:
                if span[place] != 0 and (there[place] - start[place]) / span[place] < least:
                    move(place, start[place] + least * span[place])
            left = sum(abs(end[place] - there[place]) for place in places)
            if abs(left - goal) <= 1e-6 * length:
                break
            bound = [start[place] + most * span[place] for place in places]
            size = [
                math.inf if span[place] == 0 or abs(there[place] - bound[place]) < 1e-12 else abs(gradient[place])
                for place in places
            ]
            threshold = sorted(size)[math.floor(fraction * (len(size) - 1))]
            chosen = [place for place in places if size[place] <= threshold and size[place] < math.inf]
            reach = sum(abs(bound[place] - there[place]) for place in chosen)
            share = (left - goal) / reach if reach > 0 else math.inf
            if not chosen:
                break
            for place in chosen:
                move(place, bound[place] if share > 1 else there[place] + share * (bound[place] - there[place]))
            if share <= 1:
                break
    return torch.tensor(total, dtype=torch.float64).view_as(x)


def mfaba(network, x, target: int, steps: int, step_size: float, norm: str = "sign", objective: str = "probability"):
    """MFABA: down the objective until the class is lost."""
    at, total = x, torch.zeros_like(x)
    for _ in range(steps):
        if predicted(network, at) != target:
            break
        gradient = slope(network, at, target, objective)
        length = math.sqrt(sum(value**2 for value in gradient.flatten().tolist()))
        direction = each(sign, gradient) if norm == "sign" else gradient / length
        after = each(lambda value, way: clip(value - step_size * way), at, direction)
        total -= (after - at) * gradient
        at = after
    return total


def cosines(size: int):
    """The orthonormal DCT-II as a matrix."""
    matrix = torch.zeros(size, size, dtype=torch.float64)
    for frequency in range(size):
        for place in range(size):
            scale = math.sqrt((1 if frequency == 0 else 2) / size)
            matrix[frequency, place] = scale * math.cos(math.pi * (2 * place + 1) * frequency / (2 * size))
    return matrix


def resizing(before: int, after: int):
    """Bilinear resizing of one axis as a matrix (after, before): pixel centres at half steps, edges repeated."""
    matrix = torch.zeros(after, before, dtype=torch.float64)
    for row in range(after):
        position = max(0.0, (row + 0.5) * before / after - 0.5)
        low = min(math.floor(position), before - 1)
        high = min(low + 1, before - 1)
        matrix[row, low] += 1 - (position - low)
        matrix[row, high] += position - low
    return matrix


def diverse(image, side: int, large: int, top: int, left: int):
    """Resized to side x side, put in a black square of `large`, resized back."""
    grow = resizing(image.shape[-1], side)
    canvas = torch.zeros(len(image), large, large, dtype=torch.float64)
    canvas[:, top : top + side, left : left + side] = grow @ image @ grow.T
    shrink = resizing(large, image.shape[-1])
    return shrink @ canvas @ shrink.T


def smoothed(image, size: int = 7, reach: float = 3.0):
    """By a Gaussian kernel: the standard normal density at `size` points of -reach to reach, in both directions, sum 1."""
    density = [math.exp(-((-reach + 2 * reach * k / (size - 1)) ** 2) / 2) for k in range(size)]
    half, (height, width) = size // 2, image.shape[1:]
    framed = torch.zeros(len(image), height + 2 * half, width + 2 * half, dtype=torch.float64)
    framed[:, half : half + height, half : half + width] = image
    result = torch.zeros_like(image)
    for down in range(size):
        for right in range(size):
            weight = density[down] * density[right] / sum(density) ** 2
            result += weight * framed[:, down : down + height, right : right + width]
    return result


def attexplore(network, x, target: int, draws, steps: int, samples: int, epsilon: float, objective: str = "loss"):
    """AttEXplore: a transferable attack with momentum, seen through random frequencies and sizes."""
    channels, size, _ = x.shape
    waves, large = cosines(size), int(1.15 * size)
    at, momentum, total = x, torch.zeros_like(x), torch.zeros_like(x)
    for step in range(steps):
        generator = draws("augmentation", step)
        shape = (samples, channels, size, size)
        noise = generator.standard_normal(shape, dtype="float32")
        mask = 0.5 + generator.random(shape, dtype="float32")
        use = generator.random(samples) < 0.5
        side = generator.integers(size, max(large, size + 1), samples)
        top = generator.integers(0, [max(large - int(one), 1) for one in side])
        left = generator.integers(0, [max(large - int(one), 1) for one in side])
        gradient = torch.zeros_like(x)
        for copy in range(samples):
            noisy = at + torch.from_numpy(noise[copy]).double() * 16 / 255
            view = waves.T @ (torch.from_numpy(mask[copy]).double() * (waves @ noisy @ waves.T)) @ waves
            view.requires_grad_(True)
            seen = diverse(view, int(side[copy]), large, int(top[copy]), int(left[copy])) if use[copy] else view
            (own,) = torch.autograd.grad(objective_of(network(seen[None])[0], target, objective), view)
            gradient += own / samples
        smooth = smoothed(gradient)
        momentum = momentum + smooth / (sum(abs(value) for value in smooth.flatten().tolist()) / smooth.numel())

        def onward(value, origin, way):
            return clip(clip(value - epsilon / steps * sign(way), origin - epsilon, origin + epsilon))

        after = each(onward, at, x, momentum)
        total -= (after - at) * momentum
        at = after
    return total


def local(
    network, x, target, draws, steps, targets, spatial_range, attack, constraint, as_released=False, objective="log_probability"
):
    """LA, Eqs. 2, 6 and 7, sampled as in section 3.4; `as_released`: the authors' code."""
    room = x / spatial_range if constraint == "linear" else torch.full_like(x, 1 / spatial_range)
    logits = logits_of(network, x)
    others = [label for label in range(len(logits)) if label != target]
    if as_released:
        chosen = [int(label) for label in draws("classes").choice(others, targets, replace=False)]
    else:
        chosen = sorted(others, key=lambda label: -logits[label])[:targets]
    branches = [("untargeted", target)] * (attack != "targeted")
    branches += [("targeted", label) for label in chosen] * (attack != "untargeted")
    total = torch.zeros_like(x)
    for kind, label in branches:
        at = x
        for _ in range(steps):
            if as_released:  # up p_t or down p_y, the whole room
                uphill, reach = slope(network, at, label, "probability"), room
                uphill = uphill if kind == "targeted" else -uphill
            else:  # down L(t) or up L(y), half of the room
                uphill, reach = slope(network, at, label, "loss"), room / 2
                uphill = -uphill if kind == "targeted" else uphill
            effect = slope(network, at, target, objective)
            step = each(lambda way, size: size * sign(way), uphill, reach)
            following = each(lambda value, size: clip(value + size), x, step)
            explored = each(lambda value, size: clip(value + size), at, step)
            displacement = following - x if as_released else explored - at
            total -= displacement * effect
            at = following
    return total if as_released else total / (steps * len(branches))


def credible(network, x, target: int, baselines, draws, steps: int, objective: str = "logit", as_printed: bool = False):
    """Algorithm 2 with footnote 3's gradients along the path: only features short of their presence in the image."""
    at_image = slope(network, x, target, objective).flatten().tolist()
    total = torch.zeros_like(x)
    for number, baseline in enumerate(baselines):
        whole = (x - baseline).flatten().tolist()
        rho = at_image if as_printed else [one * length for one, length in zip(at_image, whole, strict=True)]
        gathered, count = [0.0] * x.numel(), [0] * x.numel()
        for alpha in draws("alpha", number).random(steps // len(baselines), dtype="float32"):
            at = baseline + float(alpha) * (x - baseline)
            gradient = slope(network, at, target, objective)
            presence = ((x - at) * gradient).flatten().tolist()
            for place, value in enumerate(gradient.flatten().tolist()):
                if sign(rho[place]) == sign(presence[place]) and abs(rho[place]) > abs(presence[place]):
                    gathered[place] += value
                    count[place] += 1
        for place in range(x.numel()):
            if count[place]:
                total.view(-1)[place] += whole[place] * gathered[place] / count[place] / len(baselines)
    return total


def boundary(network, x, radii, attack_steps: int):
    """BIG's reference: (point, met, steps taken of the radius that it ends with, its number)."""
    own = predicted(network, x)
    for number, radius in enumerate(radii):
        at = x
        for taken in range(attack_steps):
            if predicted(network, at) != own:
                return at, True, taken, number
            gradient = slope(network, at, own, "loss")
            length = math.sqrt(sum(value**2 for value in gradient.flatten().tolist()))
            moved = at + 2 * radius / attack_steps * gradient / length
            away = math.sqrt(sum(value**2 for value in (moved - x).flatten().tolist()))
            at = each(clip, x + (moved - x) * min(1.0, radius / away))
        if predicted(network, at) != own:
            return at, True, attack_steps, number
    return at, False, attack_steps, len(radii) - 1


def adversarial(network, x, target: int, classes_there: int, draws, *, steps, classes, step_size, restart: bool):
    """AGI: its points, each with the displacement that it stands for, for the re-calibrated variants."""
    others = [label for label in range(classes_there) if label != target]
    points = []
    for number, other in enumerate(draws("classes").choice(others, classes, replace=False)):
        at = x
        for _ in range(steps):
            if predicted(network, at) == int(other):
                break
            origin = x if restart else at
            way = slope(network, at, int(other))
            after = each(lambda value, uphill: clip(value + step_size * sign(uphill)), origin, way)
            points.append((Point(number, at, at, slope(network, at, target), 1 / classes), origin - after))
            at = after
    return points


def adversarial_valid_interpolations(x, points):
    """Algorithm 1 over the points of all attacks, each with the same weight."""

    def mean(place):
        products = [float(((x - point.at) * point.gradient).flatten()[place]) for point, _ in points]
        kept = [product for product in products if product >= 0]
        return 2 * sum(kept) / len(kept) if kept else 0.0

    return torch.tensor([mean(place) for place in range(x.numel())], dtype=torch.float64).view_as(x)


def adversarial_valid_references(x, points):
    """Algorithm 2: the mean over the attacks whose own integral is not negative."""
    integrals = {}
    for point, displacement in points:
        integrals[point.number] = integrals.get(point.number, 0) + displacement * point.gradient

    def mean(place):
        kept = [value for value in (float(whole.flatten()[place]) for whole in integrals.values()) if value >= 0]
        return sum(kept) / len(kept) if kept else 0.0

    return torch.tensor([mean(place) for place in range(x.numel())], dtype=torch.float64).view_as(x)


def blurred(image, sigma: float):
    """Gaussian blur to 3 sigma on each side, edge pixels repeated."""
    reach, (height, width) = max(1, round(3 * sigma)), image.shape[1:]
    weights = {shift: math.exp(-(shift**2) / (2 * sigma**2)) for shift in range(-reach, reach + 1)}
    total = sum(weights.values())

    def along(size):
        matrix = torch.zeros(size, size, dtype=torch.float64)
        for place in range(size):
            for shift, weight in weights.items():
                matrix[place, min(max(place + shift, 0), size - 1)] += weight / total
        return matrix

    return along(height) @ image @ along(width).T


def compute_baseline(
    network, x, sigma: float, step_size: float, tolerance: float, delta: float, iterations: int, loss: str = "distance"
):
    """Algorithm 1 for one blur, capped: (the point nearest in logits, met, iterations, its distance relative to ||F(x)||).

    Lines 4 to 7 also follow the blur, an element equal to x moves up, and one that clipping brings back goes to the other side.
    """

    def away(value, moved):
        side = 1.0 if moved >= value else -1.0
        if abs(value - moved) < delta:
            moved += side * delta
        moved = clip(moved)
        return value - side * delta if abs(value - moved) < delta - 1e-9 else moved

    there = logits_of(network, x)

    def distance(at):
        return math.dist(there, logits_of(network, at)) / math.hypot(*there)

    def way(at):
        """Gradient of Eq. 4's objective, or of a cross-entropy, at a point."""
        at = at.clone().requires_grad_(True)
        logits = network(at[None])[0]
        likely = torch.log_softmax(logits, 0)
        losses = {
            "distance": ((logits - torch.tensor(there, dtype=logits.dtype)) ** 2).sum(),
            "soft": -(torch.softmax(torch.tensor(there, dtype=logits.dtype), 0) * likely).sum(),
            "hard": -likely[predicted(network, x)],
        }
        return torch.autograd.grad(losses[loss], at)[0]

    at = each(away, x, blurred(x, sigma))
    nearest, length, done = at, distance(at), 0
    while length > tolerance and done < iterations:
        step = each(lambda value, steep: value - step_size * sign(steep), at, way(at))
        at, done = each(away, x, step), done + 1
        if distance(at) < length:
            nearest, length = at, distance(at)
    return nearest, length <= tolerance, done, length
