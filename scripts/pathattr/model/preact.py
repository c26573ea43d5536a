"""Pre-activation ResNet for small images."""

from torch import Tensor, nn
from torch.nn.functional import relu

from ..registry import model


class PreActivationBlock(nn.Module):
    """Two 3 x 3 convolutions, each behind its batch norm and ReLU; the sum with the shortcut is left as it is.

    Where the shape changes, the shortcut is a 1 x 1 convolution of the activated input.
    """

    def __init__(self, before: int, width: int, stride: int):
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(before), nn.BatchNorm2d(width)
        self.conv1 = nn.Conv2d(before, width, 3, stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.shortcut = nn.Conv2d(before, width, 1, stride, bias=False) if stride > 1 or before != width else None

    def forward(self, x: Tensor) -> Tensor:
        active = relu(self.norm1(x))
        past = x if self.shortcut is None else self.shortcut(active)
        return self.conv2(relu(self.norm2(self.conv1(active)))) + past


@model("preact_resnet18", paper="He et al., ECCV 2016 (Identity Mappings)")
def preact_resnet18(classes: int, channels: int, size: int):
    """Pre-activation ResNet-18 as for CIFAR: 3 x 3 stem without pooling, four stages of two blocks, 11.2 million parameters."""
    return _of_stages(classes, channels, (64, 128, 256, 512), blocks=2)


@model("preact_small", paper="He et al., ECCV 2016 (Identity Mappings)")
def preact_small(classes: int, channels: int, size: int):
    """`preact_resnet18` with one block a stage and a quarter of its channels: 0.3 million parameters, images of any shape."""
    return _of_stages(classes, channels, (16, 32, 64, 128), blocks=1)


def _of_stages(classes: int, channels: int, widths: tuple[int, ...], blocks: int) -> nn.Sequential:
    """Stem, stages of that many blocks, each stage but the first at half the size of the one before it, and the head."""
    layers, before = [nn.Conv2d(channels, widths[0], 3, padding=1, bias=False)], widths[0]
    for number, width in enumerate(widths):
        layers.append(PreActivationBlock(before, width, 1 if number == 0 else 2))
        layers += [PreActivationBlock(width, width, 1) for _ in range(blocks - 1)]
        before = width
    head = [nn.BatchNorm2d(before), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes)]
    return nn.Sequential(*layers, *head)
