"""A network as a graph of single-use modules, for rules that replace what a layer passes back (DeepLIFT, LRP).

Networks use one activation module several times, call functions instead of modules, add branches with `+` and change
tensors in place; hooks on modules then see the wrong thing or nothing. Traced by torch.fx, every call becomes a module of
its own, nothing happens in place, and the weights stay shared with the original.
"""

import copy
import operator

import torch
from torch import fx, nn
from torch.nn import functional as f

from ..errors import NotApplicable, problem

ACTIVATIONS = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SiLU, nn.GELU, nn.Mish),
    *(nn.Sigmoid, nn.Tanh, nn.Softplus, nn.Hardswish, nn.Hardsigmoid),
)
PASSIVE = (nn.Dropout, nn.Dropout2d, nn.Identity, nn.Flatten, nn.ZeroPad2d)
SINGLE_USE = (*ACTIVATIONS, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.MaxPool2d, nn.AdaptiveMaxPool2d)
FUNCTIONS = {  # called as a function or a method: the module that does the same
    f.relu: nn.ReLU, torch.relu: nn.ReLU, torch.relu_: nn.ReLU, "relu": nn.ReLU, "relu_": nn.ReLU, f.relu6: nn.ReLU6,
    f.leaky_relu: nn.LeakyReLU, f.elu: nn.ELU, f.silu: nn.SiLU, f.gelu: nn.GELU, f.mish: nn.Mish,
    f.hardswish: nn.Hardswish, f.hardsigmoid: nn.Hardsigmoid, torch.sigmoid: nn.Sigmoid, torch.tanh: nn.Tanh,
    f.sigmoid: nn.Sigmoid, f.tanh: nn.Tanh, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh,
    f.avg_pool2d: nn.AvgPool2d, f.adaptive_avg_pool2d: nn.AdaptiveAvgPool2d, f.max_pool2d: nn.MaxPool2d,
}  # fmt: skip
MOMENTS = ("running_mean", "running_var")
ADDITIONS = (operator.add, operator.iadd, torch.add)
PRODUCTS = (operator.mul, operator.imul, torch.mul, "mul", "mul_")
LEFT_OUT = {"dropout", "dropout2d", "stochastic_depth", "_assert"}  # functions that change nothing in evaluation mode


class Plus(nn.Module):
    """The sum of two branches, as a module."""

    def forward(self, one, other):
        return one + other


class Shift(nn.Module):
    """A number added, as a module."""

    def __init__(self, by: float):
        super().__init__()
        self.by = by

    def forward(self, x):
        return x + self.by


class Product(nn.Module):
    """The product of two branches, or of one and a number, as a module; sizes are multiplied by it too."""

    def forward(self, one, other):
        return one * other


class Mean(nn.Module):
    """The mean over some dimensions, as a module."""

    def __init__(self, dim, keepdim: bool = False):
        super().__init__()
        self.dim, self.keepdim = dim, keepdim

    def forward(self, x):
        return x.mean(self.dim, self.keepdim)


class Padding(nn.Module):
    """Zeros around an image, as a module."""

    def forward(self, x, pad):
        return f.pad(x, pad)


POOLS = (nn.AvgPool2d, nn.AdaptiveAvgPool2d, Mean)


def retrace(network: nn.Module) -> fx.GraphModule:
    """A network of single-use modules that computes what `network` does. Raises `NotApplicable` where torch.fx cannot trace it."""
    try:
        traced = fx.symbolic_trace(network)
    except Exception as error:  # tracing runs the network's own code: whatever it raises, it cannot be traced
        raise NotApplicable(f"torch.fx cannot trace this network: {problem(error)}") from None
    modules, number = dict(traced.named_modules()), 0
    for node in list(traced.graph.nodes):
        if node.op == "call_function" and getattr(node.target, "__name__", "") in LEFT_OUT:
            node.replace_all_uses_with(node.args[0])  # nothing uses what an assertion returns
            traced.graph.erase_node(node)
            continue
        made, arguments = _module(node, modules, traced)
        if made is None:
            continue
        if hasattr(made, "inplace"):
            made.inplace = False
        name, number = f"single_{number}", number + 1
        traced.add_submodule(name, made)
        with traced.graph.inserting_before(node):
            node.replace_all_uses_with(traced.graph.call_module(name, arguments))
        traced.graph.erase_node(node)
    traced.graph.eliminate_dead_code()
    traced.graph.lint()
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced.eval().requires_grad_(False)


def _module(node: fx.Node, modules: dict, traced: fx.GraphModule) -> tuple[nn.Module | None, tuple]:
    """The single-use module for a call, and what it is called with; None for a call that stays as it is."""
    of, target, args, settings = node.op, node.target, node.args, dict(node.kwargs)
    if of == "call_module":
        return (copy.deepcopy(modules[target]) if isinstance(modules[target], SINGLE_USE) else None), args
    if of not in ("call_function", "call_method"):
        return None, args
    if target in FUNCTIONS:
        kind = FUNCTIONS[target]
        settings.pop("inplace", None)
        last = 2 if kind in (nn.LeakyReLU, nn.ELU) else 1 if issubclass(kind, ACTIVATIONS) else None
        return kind(*args[1:last], **settings), args[:1]
    if target in ADDITIONS and all(isinstance(part, fx.Node) for part in args):
        return Plus(), args
    if target in ADDITIONS and isinstance(args[0], fx.Node) and isinstance(args[1], float):
        return Shift(args[1]), args[:1]
    if target in PRODUCTS and len(args) == 2:
        return Product(), args
    if target in (torch.mean, "mean") and (args[1:] or "dim" in settings):
        return Mean(*args[1:], **settings), args[:1]
    if target in (f.linear, f.batch_norm):
        return _layer(target, args, settings, traced), args[:1]
    given = dict(zip(("input", "pad", "mode", "value"), args, strict=False)) | settings
    if target is f.pad and given.get("mode", "constant") == "constant" and not given.get("value"):
        return Padding(), (given["input"], given["pad"])
    return None, args


def _layer(function, args: tuple, settings: dict, traced: fx.GraphModule) -> nn.Module | None:
    """The layer that a function computes with tensors of the network's own, as subclasses of layers have it; None for others."""
    names = (
        ("input", "weight", "bias")
        if function is f.linear
        else ("input", *MOMENTS, "weight", "bias", "training", "momentum", "eps")
    )
    given = dict(zip(names, args, strict=False)) | settings
    nodes = {name: given[name] for name in (*MOMENTS, "weight", "bias") if given.get(name) is not None}
    if any(not isinstance(one, fx.Node) or one.op != "get_attr" for one in nodes.values()) or not {"weight"} <= nodes.keys():
        return None
    tensors = {name: operator.attrgetter(one.target)(traced).detach() for name, one in nodes.items()}
    if function is f.linear:
        made = nn.Linear(*reversed(tensors["weight"].shape), bias="bias" in tensors)
    else:
        made = nn.BatchNorm2d(len(tensors["weight"]), given.get("eps", 1e-5))
    made.load_state_dict(tensors, strict=False, assign=True)
    return made


def operations(traced: fx.GraphModule) -> set[str]:
    """Names of the modules, functions and methods that a retraced network calls."""
    modules, names = dict(traced.named_modules()), set()
    for node in traced.graph.nodes:
        if node.op == "call_module":
            names.add(type(modules[node.target]).__name__)
        elif node.op in ("call_function", "call_method"):
            names.add(node.target if isinstance(node.target, str) else node.target.__name__)
    return names
