"""Perturbation, gradient x input, FullGrad and the layer-wise rules for one image, float64.

The layer-wise rules run over a small network written out as dense matrices: no autograd, no hooks.
"""

from dataclasses import dataclass

import torch
from torch import nn

LINEAR = (nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d)


def objective(network, x, target: int, name: str = "logit"):
    """F at one image (C, H, W), a 0-d tensor."""
    logits = network(x[None])[0]
    if name == "logit":
        return logits[target]
    probability = logits.exp()[target] / logits.exp().sum()
    return {"probability": probability, "log_probability": probability.log(), "loss": -probability.log()}[name]


def slope(network, x, target: int, name: str = "logit"):
    """dF / dx at one image (C, H, W)."""
    at = x.clone().requires_grad_(True)
    objective(network, at, target, name).backward()
    return at.grad


def gradient_x_input(network, x, target: int, name: str = "logit"):
    """Taylor (7) with the black image as baseline."""
    return x * slope(network, x, target, name)


def fig(network, x, target: int, as_released: bool, name: str = "logit"):
    """FIG; the released code of LA differentiates the loss."""
    return x * slope(network, x, target, "loss" if as_released else name)


def perturbation_1(network, x, target: int, value: float, per: str, name: str = "logit"):
    """F(x) - F(x with one element, or one pixel in all its channels, set to `value`); a pixel's is shared by its channels."""
    result = torch.zeros_like(x)
    channels, height, width = x.shape
    with torch.no_grad():
        before = objective(network, x, target, name)
        for row in range(height):
            for column in range(width):
                for place in range(channels) if per == "element" else [slice(None)]:
                    changed = x.clone()
                    changed[place, row, column] = value
                    change = before - objective(network, changed, target, name)
                    result[place, row, column] = change if per == "element" else change / channels
    return result


def perturbation_patch(network, x, target: int, size: int, value: float, name: str = "logit"):
    """The same for squares of `size` pixels from the top left corner; the last of a row or column may be cut by the border."""
    result = torch.zeros_like(x)
    with torch.no_grad():
        before = objective(network, x, target, name)
        for top in range(0, x.shape[1], size):
            for left in range(0, x.shape[2], size):
                changed = x.clone()
                changed[:, top : top + size, left : left + size] = value
                change = before - objective(network, changed, target, name)
                result[:, top : top + size, left : left + size] = change
    return result


def effective_bias(layer):
    """What a layer adds to a linear function of its input: (channels,), or None."""
    if isinstance(layer, nn.BatchNorm2d):
        return layer.bias - layer.running_mean * layer.weight / (layer.running_var + layer.eps).sqrt()
    return layer.bias


def fullgrad_terms(network, x, target: int):
    """(input term, [(layer, bias term)]) before any post-processing; their total is the logit of a piecewise linear network.

    `network` has a `module`, and the `mean` and `std` before it. Gradients at the layers are those with respect to zeros added to
    their outputs.
    """
    layers = [layer for layer in network.module.modules() if isinstance(layer, (nn.Conv2d, nn.BatchNorm2d, nn.Linear))]
    layers = [layer for layer in layers if effective_bias(layer) is not None]
    zeros = {}

    def insert(layer, _, output):
        assert layer not in zeros, "a layer is used once"
        zeros[layer] = torch.zeros_like(output, requires_grad=True)
        return output + zeros[layer]

    hooks = [layer.register_forward_hook(insert) for layer in layers]
    inside = ((x[None] - network.mean) / network.std).requires_grad_(True)
    network.module(inside)[0, target].backward()
    for hook in hooks:
        hook.remove()
    terms = []
    for layer in zeros:
        bias = effective_bias(layer)
        terms.append((layer, (zeros[layer].grad * bias.view(1, -1, *[1] * (zeros[layer].ndim - 2)))[0].detach()))
    return (inside * inside.grad)[0].detach(), terms


def enlarged(plane, height: int, width: int):
    """Bilinear interpolation of (h, w) with the corners kept in the corners."""
    rows, columns = plane.shape
    result = torch.zeros(height, width, dtype=plane.dtype)
    for row in range(height):
        for column in range(width):
            down = row * (rows - 1) / (height - 1)
            right = column * (columns - 1) / (width - 1)
            top, left = int(down), int(right)
            for near_row, share_row in ((top, 1 - (down - top)), (top + 1, down - top)):
                for near_column, share_column in ((left, 1 - (right - left)), (left + 1, right - left)):
                    if share_row * share_column > 0:
                        near = plane[min(near_row, rows - 1), min(near_column, columns - 1)]
                        result[row, column] += share_row * share_column * near
    return result


def fullgrad(network, x, target: int):
    """FullGrad's map (H, W): absolute value, min-max over each layer's whole tensor, enlarged, summed; no linear biases.

    The released code adds 1e-6 to the divisor, which only matters to layers whose terms are of that size.
    """
    input_term, bias_terms = fullgrad_terms(network, x, target)
    result = torch.zeros(x.shape[1:], dtype=x.dtype)
    for term in [input_term] + [term for layer, term in bias_terms if not isinstance(layer, nn.Linear)]:
        positive = term.abs()
        positive = positive - positive.min()
        positive = positive / positive.max() if positive.max() > 0 else positive
        result += enlarged(positive.sum(0), *x.shape[1:])  # interpolation is linear: the sum over channels may go first
    return result


@dataclass(frozen=True)
class Affine:
    """z = weight a + bias on flattened activations."""

    weight: torch.Tensor
    bias: torch.Tensor

    def forward(self, a):
        return self.weight @ a + self.bias


@dataclass(frozen=True)
class Elementwise:
    """A nonlinearity, one unit at a time."""

    function: nn.Module

    def forward(self, a):
        return self.function(a.clone())


@dataclass(frozen=True)
class Maximum:
    """Max pooling: the units of each window."""

    windows: list

    def forward(self, a):
        return torch.stack([a[window].max() for window in self.windows])


@dataclass(frozen=True)
class Sum:
    """The sum of branches, each a list of steps; the empty one is the identity."""

    branches: list

    def forward(self, a):
        return sum(forward(branch, a)[-1] for branch in self.branches)


def affine(module, shape):
    """A module that is affine, as a matrix: the images of the unit vectors. Also the new shape."""
    count = torch.Size(shape).numel()
    with torch.no_grad():
        bias = module(torch.zeros(1, *shape, dtype=torch.float64))
        units = module(torch.eye(count, dtype=torch.float64).view(count, *shape))
    return Affine((units - bias).flatten(1).T.contiguous(), bias.flatten()), bias.shape[1:]


def written_out(module, shape):
    """A module of the kinds below as a list of steps, and the shape of its output."""
    steps = []
    for part in module if isinstance(module, nn.Sequential) else [module]:
        if isinstance(part, LINEAR):
            step, shape = affine(part, shape)
            steps.append(step)
        elif isinstance(part, nn.Flatten):
            shape = torch.Size([shape.numel()])
        elif isinstance(part, nn.MaxPool2d):
            step, shape = windows(part, shape)
            steps.append(step)
        elif hasattr(part, "shortcut"):
            branches, shapes = zip(*(written_out(branch, shape) for branch in (part.body, part.shortcut)), strict=True)
            assert shapes[0] == shapes[1]
            steps.append(Sum(list(branches)))
            shape = shapes[0]
        elif isinstance(part, nn.Sequential):
            inner, shape = written_out(part, shape)
            steps += inner
        else:
            steps.append(Elementwise(part))
    return steps, torch.Size(shape)


def windows(pool, shape):
    """The units that each output of a max pooling sees."""
    channels, height, width = shape
    size, stride, padding = pool.kernel_size, pool.stride, pool.padding
    rows, columns = ((length + 2 * padding - size) // stride + 1 for length in (height, width))
    result = []
    for channel in range(channels):
        for top in range(-padding, -padding + rows * stride, stride):
            for left in range(-padding, -padding + columns * stride, stride):
                result.append(
                    [
                        (channel * height + row) * width + column
                        for row in range(max(top, 0), min(top + size, height))
                        for column in range(max(left, 0), min(left + size, width))
                    ]
                )
    return Maximum(result), torch.Size([channels, rows, columns])


def forward(steps, a):
    """The activations before each step and after the last."""
    values = [a]
    for step in steps:
        values.append(step.forward(values[-1]))
    return values


def stabilised(z, epsilon: float):
    """z moved away from zero by epsilon, zero itself upwards."""
    return torch.where(z >= 0, z + epsilon, z - epsilon)


def relevance(steps, a, top, epsilon: float):
    """The epsilon rule (Bach et al. 2015): relevance `top` of what the steps give, brought back to `a`."""
    values = forward(steps, a)
    for step, inside, outside in reversed(list(zip(steps, values, values[1:], strict=False))):
        if isinstance(step, Affine):
            top = inside * (step.weight.T @ (top / stabilised(outside, epsilon)))
        elif isinstance(step, Maximum):  # the winner takes all
            back = torch.zeros_like(inside)
            for window, share in zip(step.windows, top, strict=True):
                back[window[int(inside[window].argmax())]] += share
            top = back
        elif isinstance(step, Sum):
            share = top / stabilised(outside, epsilon)
            top = sum(relevance(branch, inside, forward(branch, inside)[-1] * share, epsilon) for branch in step.branches)
    return top


def lrp_epsilon(steps, x, target: int, epsilon: float):
    """The relevance of each element of the normalised image for the logit."""
    logits = forward(steps, x.flatten())[-1]
    top = torch.zeros_like(logits)
    top[target] = logits[target]
    return relevance(steps, x.flatten(), top, epsilon).view_as(x)


def multipliers(steps, a, reference, top):
    """DeepLIFT's multipliers by the Rescale rule, from those of the output, `top`, to those of the input."""
    values, references = forward(steps, a), forward(steps, reference)
    for step, here, there, out, out_there in reversed(
        list(zip(steps, values, references, values[1:], references[1:], strict=False))
    ):
        if isinstance(step, Affine):
            top = step.weight.T @ top
        elif isinstance(step, Elementwise):
            moved = here - there
            still = moved.abs() < 1e-10
            at = here.clone().requires_grad_(True)
            (tangent,) = torch.autograd.grad(step.function(at.clone()).sum(), at)
            top = top * torch.where(still, tangent, (out - out_there) / torch.where(still, torch.ones_like(moved), moved))
        elif isinstance(step, Maximum):  # the change up to the larger maximum is the image's winner's, the rest the reference's
            contribution = torch.zeros_like(here)
            for number, window in enumerate(step.windows):
                larger = torch.maximum(out[number], out_there[number])
                contribution[window[int(here[window].argmax())]] += top[number] * (larger - out_there[number])
                contribution[window[int(there[window].argmax())]] += top[number] * (out[number] - larger)
            moved = here - there
            top = torch.where(moved.abs() < 1e-10, torch.zeros_like(moved), contribution / moved)
        else:
            top = sum(multipliers(branch, here, there, top) for branch in step.branches)
    return top


def deeplift(steps, x, reference, target: int):
    """Contributions of each element to the difference of the logit from the reference."""
    top = torch.zeros_like(forward(steps, x.flatten())[-1])
    top[target] = 1.0
    found = multipliers(steps, x.flatten(), reference.flatten(), top).view_as(x)
    return found * (x - reference)
