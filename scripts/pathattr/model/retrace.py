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

from ..errors import InputError, problem

ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.GELU, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.Hardswish)
POOLS = (nn.AvgPool2d, nn.AdaptiveAvgPool2d)
PASSIVE = (nn.Dropout, nn.Dropout2d, nn.Identity, nn.Flatten)
SINGLE_USE = (*ACTIVATIONS, *POOLS, nn.MaxPool2d, nn.AdaptiveMaxPool2d)
FUNCTIONS = {  # called as a function or a method: the module that does the same
    f.relu: nn.ReLU, torch.relu: nn.ReLU, torch.relu_: nn.ReLU, "relu": nn.ReLU, "relu_": nn.ReLU,
    f.silu: nn.SiLU, f.gelu: nn.GELU, torch.sigmoid: nn.Sigmoid, torch.tanh: nn.Tanh,
    f.avg_pool2d: nn.AvgPool2d, f.adaptive_avg_pool2d: nn.AdaptiveAvgPool2d, f.max_pool2d: nn.MaxPool2d,
}  # fmt: skip
ADDITIONS = (operator.add, operator.iadd, torch.add)


class Plus(nn.Module):
    """The sum of two branches, as a module."""

    def forward(self, one, other):
        return one + other


def retrace(network: nn.Module) -> fx.GraphModule:
    """A network of single-use modules that computes what `network` does. Raises `InputError` where torch.fx cannot trace it."""
    try:
        traced = fx.symbolic_trace(network)
    except Exception as error:  # tracing runs the network's own code: whatever it raises, it cannot be traced
        raise InputError(f"torch.fx cannot trace this network: {problem(error)}") from None
    modules, number = dict(traced.named_modules()), 0
    for node in list(traced.graph.nodes):
        made, arguments = None, node.args
        if node.op == "call_module" and isinstance(modules[node.target], SINGLE_USE):
            made = copy.deepcopy(modules[node.target])
        elif node.op in ("call_function", "call_method") and node.target in FUNCTIONS:
            kind = FUNCTIONS[node.target]
            settings = {key: value for key, value in node.kwargs.items() if key != "inplace"}
            rest = () if issubclass(kind, ACTIVATIONS) else node.args[1:]
            made, arguments = kind(*rest, **settings), node.args[:1]
        elif node.op == "call_function" and node.target in ADDITIONS and all(isinstance(part, fx.Node) for part in node.args):
            made = Plus()
        if made is None:
            continue
        if hasattr(made, "inplace"):
            made.inplace = False
        name, number = f"single_{number}", number + 1
        traced.add_submodule(name, made)
        with traced.graph.inserting_before(node):
            node.replace_all_uses_with(traced.graph.call_module(name, arguments))
        traced.graph.erase_node(node)
    traced.graph.lint()
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced.eval().requires_grad_(False)


def operations(traced: fx.GraphModule) -> set[str]:
    """Names of the modules, functions and methods that a retraced network calls."""
    modules, names = dict(traced.named_modules()), set()
    for node in traced.graph.nodes:
        if node.op == "call_module":
            names.add(type(modules[node.target]).__name__)
        elif node.op in ("call_function", "call_method"):
            names.add(node.target if isinstance(node.target, str) else node.target.__name__)
    return names
