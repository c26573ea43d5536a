"""The architectures that the library brings along."""

import numpy as np
import pytest
import torch
from torch import nn

from pathattr import Classifier
from pathattr.model import load
from pathattr.model.train import accuracy, train

MILLIONS = {"preact_resnet18": (11.1, 11.3), "mnist_net": (1.1, 4.3)}  # parameters, fewest and most over the sizes below

every_model = pytest.mark.parametrize("name", MILLIONS)


def built(name: str, classes: int = 10, channels: int = 3, size: int = 32) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return load.build({"architecture": name}, classes, channels, size)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [16, 28, 30, 32])
@every_model
def test_any_size_gives_a_logit_a_class(name, size, channels):
    network = built(name, 7, channels, size).eval()
    with torch.no_grad():
        logits = network(torch.rand(2, channels, size, size))
    assert logits.shape == (2, 7) and torch.isfinite(logits).all()
    fewest, most = MILLIONS[name]
    assert fewest <= sum(parameter.numel() for parameter in network.parameters()) / 1e6 <= most


@every_model
def test_a_few_steps_of_training_teach_what_is_easy(name):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 48)
    pixels = np.where(labels[:, None, None, None] == 1, 170, 50) + rng.integers(0, 40, (48, 1, 16, 16))
    settings = dict(epochs=4, batch_size=12, learning_rate=1e-3, weight_decay=0.0, seed=0)
    network = train(built(name, 2, 1, 16), pixels.astype(np.uint8), labels, (0.5,), (0.25,), **settings)
    images = torch.from_numpy(pixels.astype(np.float32) / 255)
    assert accuracy(Classifier(network, (0.5,), (0.25,)), images, labels) >= 0.9


def test_preact_resnet18_is_made_of_pre_activation_blocks():
    """Stages of 64 to 512 channels at full, half, quarter and eighth size; the sums are not activated."""
    network, shapes, lowest = built("preact_resnet18").eval(), [], []

    def keep(_, __, output):
        shapes.append(tuple(output.shape[1:]))
        lowest.append(float(output.min()))

    blocks = [module for module in network.modules() if type(module).__name__ == "PreActivationBlock"]
    for block in blocks:
        block.register_forward_hook(keep)
    with torch.no_grad():
        network(torch.rand(1, 3, 32, 32))
    assert shapes == [(64, 32, 32)] * 2 + [(128, 16, 16)] * 2 + [(256, 8, 8)] * 2 + [(512, 4, 4)] * 2
    assert all(value < 0 for value in lowest)
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert len(convolutions) == 17 + 3 and not any(module.bias is not None for module in convolutions)


def test_an_identity_block_adds_to_its_input():
    """With the last convolution at 0, a block of one shape passes its input on."""
    network = built("preact_resnet18").eval()
    first = network[1]
    first.conv2.weight.data.zero_()
    x = torch.randn(1, 64, 8, 8)
    assert torch.equal(first(x), x)


def test_mnist_net_has_the_layers_of_the_experiment():
    layers = [module for module in built("mnist_net", 10, 1, 28) if isinstance(module, nn.Conv2d | nn.Linear)]
    shapes = [tuple(layer.weight.shape) for layer in layers]
    assert shapes == [(32, 1, 5, 5), (64, 32, 5, 5), (1024, 64 * 7 * 7), (10, 1024)]
