"""The network of the attribution-prior experiment on MNIST."""

from torch import nn

from ..registry import model


@model("mnist_net", paper="Erion et al., Nature Machine Intelligence 2021")
def mnist_net(classes: int, channels: int, size: int):
    """Two 5 x 5 convolutions of 32 and 64 channels, each with ReLU and 2 x 2 max pooling, a layer of 1024, then the classes.

    3.3 million parameters at 28 pixels.
    """
    side = size // 2 // 2
    return nn.Sequential(
        nn.Conv2d(channels, 32, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * side * side, 1024),
        nn.ReLU(),
        nn.Linear(1024, classes),
    )
