"""Cascading parameter randomisation (Adebayo et al., NeurIPS 2018): a network forgets from its last block to its first."""

import torch
from torch import nn

from ..errors import InputError
from ..rng import generator

LAYERS = (nn.modules.conv._ConvNd, nn.Linear)
NORMS = (nn.modules.batchnorm._BatchNorm,)


def randomised(network: nn.Module, blocks: int, seed: int, matched: bool = False) -> list[str]:
    """Randomise, in place, the last `blocks` of the network's children that have parameters; their names, from the last one down.

    Each submodule gets new weights by its own `reset_parameters()`, so as PyTorch initialises such a layer, batch norms also the
    statistics of a new one. `matched`: as the re-calibration paper's code has it, weights and biases of linear layers, weights of
    convolutions and biases of batch norms become normal draws with the tensor's own mean and standard deviation, and the rest is
    kept. Draws are keyed by `seed` and the child's name: with more blocks, of the intact network, those randomised before get the
    same weights. Raises `InputError` for more blocks than there are and for a layer that cannot be reset.
    """
    children = [name for name, child in network.named_children() if any(True for _ in child.parameters())]
    if not 0 <= blocks <= len(children):
        raise InputError(f"{blocks} blocks to randomise; accepted: 0 to {len(children)}, those with parameters")
    names = children[::-1][:blocks]
    for name in names:
        child = network.get_submodule(name)
        device = next(child.parameters()).device
        child.cpu()  # whose draws are the same whatever the device
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(int(generator(seed, "randomised", name).integers(2**63)))
            for inner, module in child.named_modules(prefix=name):
                (_match if matched else _reset)(module, inner)
        child.to(device)
    return names


def _reset(module: nn.Module, name: str):
    """New parameters for those that the module has itself."""
    if hasattr(module, "reset_parameters"):
        module.reset_parameters()
    elif any(True for _ in module.parameters(recurse=False)):
        raise InputError(
            f"{name} ({type(module).__name__}) has no reset_parameters(); accepted: layers that have, or matched draws"
        )


def _match(module: nn.Module, name: str):
    """Normal draws in the place of the parameters that the released code replaces."""
    replaced = []
    if isinstance(module, LAYERS):
        replaced.append(module.weight)
    if isinstance(module, NORMS + (nn.Linear,)) and module.bias is not None:
        replaced.append(module.bias)
    for values in replaced:
        std, mean = torch.std_mean(values, correction=min(1, values.numel() - 1))
        values.normal_(float(mean), float(std))
