"""Small members of the families that the papers explain, for the embedded data: torchvision's own classes, smaller settings."""

import functools
from collections import OrderedDict

import torch
from torch import nn

from ..errors import InputError
from ..registry import model
from .torchvision import import_torchvision

NARROWER = 8  # inception_small than Inception v3


@model("resnet_small", paper="He et al., CVPR 2016")
def resnet_small(classes: int, channels: int, size: int):
    """ResNet of four stages with one basic block each (ResNet-18 has two): 4.9 million parameters, for 32 pixels or more."""
    resnet = import_torchvision().models.resnet
    network = resnet.ResNet(resnet.BasicBlock, [1, 1, 1, 1], num_classes=classes)
    if channels != 3:
        network.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
    return network


@model("vgg_small", paper="Simonyan and Zisserman, ICLR 2015")
def vgg_small(classes: int, channels: int, size: int):
    """VGG with batch norm, six convolutions in four stages of 16 to 128 channels: 0.4 million parameters."""
    vgg = import_torchvision().models.vgg
    features = vgg.make_layers([16, "M", 32, "M", 64, 64, "M", 128, 128, "M"], batch_norm=True)
    if channels != 3:
        features[0] = nn.Conv2d(channels, 16, 3, padding=1)
    with torch.device("meta"):  # the full-size head is replaced: no time or memory for its 120 million parameters
        network = vgg.VGG(features, num_classes=classes)
    network.avgpool = nn.AdaptiveAvgPool2d(2)
    network.classifier = nn.Sequential(nn.Linear(128 * 4, 256), nn.ReLU(True), nn.Dropout(), nn.Linear(256, classes))
    return network


@model("resnet18_small", paper="He et al., CVPR 2016")
def resnet18_small(classes: int, channels: int, size: int):
    """`resnet_small` at half width, 32 to 256 channels, so a weaker model: 1.2 million parameters, for 32 pixels or more."""
    resnet = import_torchvision().models.resnet
    with torch.device("meta"):  # only its forward pass and its way to make a stage are used
        network = resnet.ResNet(resnet.BasicBlock, [1, 1, 1, 1])
    network.inplanes = 32
    network.conv1 = nn.Conv2d(channels, 32, 7, 2, 3, bias=False)
    network.bn1 = nn.BatchNorm2d(32)
    for number, width in enumerate((32, 64, 128, 256), 1):
        setattr(network, f"layer{number}", network._make_layer(resnet.BasicBlock, width, 1, stride=1 if number == 1 else 2))
    network.fc = nn.Linear(256, classes)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):  # as torchvision starts its own
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network


@model("resnet50_small", paper="He et al., CVPR 2016")
def resnet50_small(classes: int, channels: int, size: int):
    """ResNet of four stages with one bottleneck each (ResNet-50 has 3, 4, 6, 3): 8.0 million parameters, for 32 pixels or more."""
    resnet = import_torchvision().models.resnet
    network = resnet.ResNet(resnet.Bottleneck, [1, 1, 1, 1], num_classes=classes)
    if channels != 3:
        network.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
    return network


@model("densenet_small", paper="Huang et al., CVPR 2017")
def densenet_small(classes: int, channels: int, size: int):
    """DenseNet of four blocks of two layers, growth 12, 24 channels at first: 0.06 million parameters, for 32 pixels or more."""
    _check_size("densenet_small", size, 32)
    network = import_torchvision().models.DenseNet(12, (2, 2, 2, 2), 24, num_classes=classes)
    if channels != 3:
        network.features.conv0 = nn.Conv2d(channels, 24, 7, 2, 3, bias=False)
    return network


@model("inception_small", paper="Szegedy et al., CVPR 2016")
def inception_small(classes: int, channels: int, size: int):
    """Inception v3 at an eighth of its width and without its reductions: stem, two blocks A, a block C, a block E, pool, classes.

    0.1 million parameters, for 32 pixels or more. The children are in the order of the forward pass.
    """
    _check_size("inception_small", size, 32)
    inception = import_torchvision().models.inception
    narrow = functools.partial(_narrow, inception.BasicConv2d)
    stem = nn.Sequential(
        inception.BasicConv2d(channels, 8, kernel_size=3, stride=2),
        inception.BasicConv2d(8, 8, kernel_size=3),
        inception.BasicConv2d(8, 16, kernel_size=3, padding=1),
        nn.MaxPool2d(3, 2),
    )
    layers = OrderedDict(  # channels as of the full width, which the blocks divide
        stem=stem,
        A1=inception.InceptionA(16 * NARROWER, 32, narrow),
        A2=inception.InceptionA(256, 64, narrow),
        C=inception.InceptionC(288, 128, narrow),
        E=inception.InceptionE(768, narrow),
        pool=nn.AdaptiveAvgPool2d(1),
        flat=nn.Flatten(),
        fc=nn.Linear(2048 // NARROWER, classes),
    )
    return nn.Sequential(layers)


def _narrow(convolution, before: int, after: int, **settings) -> nn.Module:
    """torchvision's blocks write their widths down; the convolutions that they are made of are narrower than they say."""
    return convolution(before // NARROWER, after // NARROWER, **settings)


@model("maxvit_small", paper="Tu et al., ECCV 2022", attention=True)
def maxvit_small(classes: int, channels: int, size: int):
    """MaxViT of three stages with one block each, of 16, 32 and 64 channels, heads of 8: 0.2 million parameters.

    A partition's side is a sixteenth of the image's, which is the whole of the last stage, as the published network has it. For
    square images whose side is a multiple of 16, 32 or more.
    """
    if size % 16 or size < 32:
        raise InputError(f"maxvit_small: images are {size} pixels high; accepted: a multiple of 16, at least 32")
    maxvit = import_torchvision().models.MaxVit
    network = maxvit((size, size), 16, size // 16, [16, 32, 64], [1, 1, 1], 8, 0.0, num_classes=classes)
    for part in network.modules():  # torchvision's own start, of standard deviation 0.02, is for networks ten times as wide
        if isinstance(part, nn.Conv2d | nn.Linear):
            part.reset_parameters()
    if channels != 3:
        network.stem[0][0] = nn.Conv2d(channels, 16, 3, 2, 1, bias=False)
    return network


def _check_size(name: str, size: int, least: int):
    if size < least:
        raise InputError(f"{name}: images are {size} pixels high; accepted: at least {least}")
