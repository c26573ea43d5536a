"""Small members of the families that the papers explain, for the embedded data: torchvision's own classes, smaller settings."""

import torch
from torch import nn

from ..registry import model
from .torchvision import import_torchvision


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
