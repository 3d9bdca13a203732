"""The networks that checkpoints are weights of: (N, 3, H, W) float images in, (N, D) float features out, no head.

`feature_dim` is D. torchvision is imported only for the ResNet-50.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from pedrank.errors import InputError


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut without parameters (He et al. 2016, section 4.2, option A).

    Where the block halves the map and widens the features, the shortcut takes every other pixel and pads zero channels.
    """

    def __init__(self, width_in: int, width_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width_out, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width_out)
        self.conv2 = nn.Conv2d(width_out, width_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width_out)
        self.stride = stride
        self.padded_channels = width_out - width_in

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.padded_channels))
        x = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(x)) + shortcut)


class TinyResNet(nn.Module):
    """The CIFAR ResNet of He et al. 2016, section 4.2, with n = 1: a stem and three stages of one block.

    Widths are 20, 40, 80 instead of 16, 32, 64, and the stem has stride 2, so that 32 x 32 images are worked on at
    16 x 16: a quarter of the multiplications, which is what lets a whole study run on two processor cores.
    """

    feature_dim = 80

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 20, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(20)
        self.stage1 = BasicBlock(20, 20, stride=1)
        self.stage2 = BasicBlock(20, 40, stride=2)
        self.stage3 = BasicBlock(40, 80, stride=2)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))
        x = self.stage3(self.stage2(self.stage1(x)))
        return x.mean(dim=(2, 3))


def tiny_resnet() -> nn.Module:
    """An 8-layer ResNet of about 116,000 parameters with D = 80, in channels-last memory (the faster one on CPUs)."""
    return TinyResNet().to(memory_format=torch.channels_last)


def resnet50() -> nn.Module:
    """torchvision's ResNet-50 without its classifier: D = 2048 features after global average pooling."""
    import torchvision

    network = torchvision.models.resnet50(weights=None)
    network.fc = nn.Identity()
    network.feature_dim = 2048
    return network


_ARCHITECTURES = {"tiny-resnet": tiny_resnet, "resnet50": resnet50}


def build(architecture: str) -> nn.Module:
    """The network of that name with random weights; InputError for an unknown name."""
    if architecture not in _ARCHITECTURES:
        raise InputError(f"no architecture '{architecture}'; choose one of {', '.join(_ARCHITECTURES)}")
    return _ARCHITECTURES[architecture]()
