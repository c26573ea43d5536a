"""Cascading randomisation of parameters."""

import copy

import pytest
import torch
from torch import nn

from pathattr.model.cascade import randomised

from .helpers import refused


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(8, 16, 3, bias=False), nn.BatchNorm2d(16)


@pytest.fixture
def network() -> nn.Module:
    """Four blocks with parameters among its children, as after a training: nothing is as it was initialised."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential()
        network.stem, network.relu = nn.Conv2d(3, 8, 3), nn.ReLU()
        network.block, network.pool = Block(), nn.AdaptiveAvgPool2d(1)
        network.hidden, network.fc = nn.Linear(16, 64), nn.Linear(64, 500)
        for values in network.parameters():
            values.data = 3 + 5 * torch.randn(values.shape)
        network.block.norm.running_mean.fill_(4.0), network.block.norm.running_var.fill_(9.0)
        network.block.norm.num_batches_tracked.fill_(7)
    return network


def after(network: nn.Module, blocks: int, seed: int = 0, **options) -> dict:
    network = copy.deepcopy(network)
    randomised(network, blocks, seed, **options)
    return network.state_dict()


@pytest.mark.parametrize("matched", [False, True])
def test_blocks_fall_from_the_last_to_the_first(network, matched):
    """Their names; what lies below stays to the last bit; nothing at all changes with none."""
    order, intact = ["fc", "hidden", "block", "stem"], copy.deepcopy(network.state_dict())
    for blocks in range(5):
        changed = copy.deepcopy(network)
        assert randomised(changed, blocks, 0, matched=matched) == order[:blocks]
        for name, values in changed.state_dict().items():
            touched = name.partition(".")[0] in order[:blocks]
            kept = matched and (name in ("stem.bias", "block.norm.weight") or "running" in name or "tracked" in name)
            assert torch.equal(values, intact[name]) == (kept or not touched), name


@pytest.mark.parametrize("matched", [False, True])
def test_more_blocks_give_those_before_the_same_weights(network, matched):
    deepest = after(network, 4, matched=matched)
    for blocks in (1, 2, 3):
        found = after(network, blocks, matched=matched)
        for name in found:
            if name.partition(".")[0] in ["fc", "hidden", "block"][:blocks]:
                assert torch.equal(found[name], deepest[name]), name


@pytest.mark.parametrize("matched", [False, True])
def test_the_seed_decides_and_the_state_of_the_generator_does_not(network, matched):
    first = after(network, 2, matched=matched)
    torch.rand(3)
    state = torch.random.get_rng_state()
    again = after(network, 2, matched=matched)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(values, again[name]) for name, values in first.items())
    assert not torch.equal(first["fc.weight"], after(network, 2, seed=1, matched=matched)["fc.weight"])


def test_layers_are_as_newly_made(network):
    """PyTorch: weights and biases uniform within 1 / sqrt(inputs), batch norms at 1, 0, 0, 1, 0."""
    found = after(network, 4)
    for name, inputs in (("stem.weight", 27), ("block.conv.weight", 72), ("hidden.weight", 16), ("fc.weight", 64), ("fc.bias", 64)):
        bound, values = inputs**-0.5, found[name]
        assert values.abs().max() <= bound
        size = values.numel() ** -0.5
        assert abs(values.std() - bound / 3**0.5) < 4 * size * bound and abs(values.mean()) < 4 * size * bound
    norm = {name.rpartition(".")[2]: values for name, values in found.items() if ".norm." in name}
    assert {name: values.double().unique().tolist() for name, values in norm.items()} == {
        "weight": [1], "bias": [0], "running_mean": [0], "running_var": [1], "num_batches_tracked": [0],
    }  # fmt: skip


def test_matched_draws_have_the_tensors_own_mean_and_spread(network):
    found = after(network, 4, matched=True)
    for name in ("stem.weight", "block.conv.weight", "block.norm.bias", "hidden.weight", "hidden.bias", "fc.weight", "fc.bias"):
        before, values = network.state_dict()[name], found[name]
        assert not torch.equal(values, before)
        size = before.std() * values.numel() ** -0.5
        assert abs(values.mean() - before.mean()) < 4 * size and abs(values.std() - before.std()) < 4 * size


def test_too_many_blocks_are_refused(network):
    with refused("5 blocks", "0 to 4"):
        randomised(network, 5, 0)
    with refused("-1 blocks", "0 to 4"):
        randomised(network, -1, 0)


def test_a_layer_that_cannot_be_reset_is_refused(network):
    network.block.scale = nn.Parameter(torch.ones(1))
    with refused("block (Block)", "reset_parameters"):
        randomised(network, 3, 0)
    assert randomised(network, 2, 0) == ["fc", "hidden"]
