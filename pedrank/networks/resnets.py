"""Our own networks, without a classifier: (N, 3, H, W) float images in, (N, D) float features out.

`feature_dim` is D. `drop`, if present: prefixes of classifier weights to ignore when a file is loaded. torchvision is
imported only for the ResNet-50.
"""

from __future__ import annotations

import re

import torch
from torch import nn
from torch.nn import functional

from pedrank.utils.errors import InputError


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut without parameters (He et al. 2016, section 4.2, option A).

    If the block halves the feature map and adds channels, the shortcut takes every other pixel and pads with zeros.
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
    """The CIFAR ResNet of He et al. 2016, section 4.2: a stem and three stages of `blocks` blocks (their n).

    The stages have `width`, 2 `width` and 4 `width` channels, and D = 4 `width`; theirs have 16, 32, 64. The stem has
    stride 2, so feature maps of 32 x 32 images have 16 x 16 pixels: a quarter of the multiplications, which lets a
    whole study run on two CPU cores.
    """

    def __init__(self, width: int = 20, blocks: int = 1) -> None:
        super().__init__()
        self.feature_dim = 4 * width
        self.conv1 = nn.Conv2d(3, width, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.stage1 = _stage(width, width, 1, blocks)
        self.stage2 = _stage(width, 2 * width, 2, blocks)
        self.stage3 = _stage(2 * width, 4 * width, 2, blocks)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))
        x = self.stage3(self.stage2(self.stage1(x)))
        return x.mean(dim=(2, 3))


def _stage(width_in: int, width_out: int, stride: int, blocks: int) -> nn.Module:
    """The blocks of a stage; a single block stands alone, so that its weights keep their names."""
    first = BasicBlock(width_in, width_out, stride)
    others = [BasicBlock(width_out, width_out, stride=1) for _ in range(blocks - 1)]
    return nn.Sequential(first, *others) if others else first


def tiny_resnet(width: int = 20, blocks: int = 1) -> nn.Module:
    """A ResNet of 2 + 6 `blocks` layers with D = 4 `width`, in channels-last memory, which is faster on CPUs.

    The default has 8 layers and about 116,000 parameters.

    >>> tiny_resnet()(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 80])
    """
    return TinyResNet(width, blocks).to(memory_format=torch.channels_last)


def resnet50() -> nn.Module:
    """torchvision's ResNet-50 without its classifier: D = 2048 features after global average pooling."""
    import torchvision

    network = torchvision.models.resnet50(weights=None)
    network.fc = nn.Identity()
    network.drop = ("fc.",)
    network.feature_dim = 2048
    return network


def same_padding(x: torch.Tensor, kernel: int, stride: int) -> torch.Tensor:
    """Pad with zeros by TensorFlow's SAME rule: ceil(size / stride) outputs; an odd zero goes to the end.

    With stride 2 and 224 pixels, that is (2, 3) for a 7x7 kernel and (0, 1) for 3x3; torchvision has (3, 3) and (1, 1).

    Args:
        x: (B, C, H, W).
        kernel: Side of the kernel in pixels.
        stride: In pixels.

    Returns:
        (B, C, H', W').

    >>> same_padding(torch.ones(1, 1, 1, 4), kernel=3, stride=2)[0, 0, 1].tolist()
    [1.0, 1.0, 1.0, 1.0, 0.0]
    """
    pads = []
    for size in (x.shape[3], x.shape[2]):  # functional.pad begins with the last dimension
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        pads += [total // 2, total - total // 2]
    return functional.pad(x, pads)


class SameConv2d(nn.Conv2d):
    """A convolution with SAME padding."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        padded = same_padding(x, self.kernel_size[0], self.stride[0])
        return functional.conv2d(padded, self.weight, self.bias, self.stride)


class SameMaxPool2d(nn.MaxPool2d):
    """A max-pool with SAME padding. It follows a ReLU, so zeros at the border change no maximum."""

    kernel_size: int
    stride: int

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.max_pool2d(same_padding(x, self.kernel_size, self.stride), self.kernel_size, self.stride)


def resnet50_same_pool() -> nn.Module:
    """The ResNet-50 that SimCLR trained: torchvision's but for SAME padding in the max-pool."""
    network = resnet50()
    network.maxpool = SameMaxPool2d(3, 2)
    return network


def resnet50_same() -> nn.Module:
    """The ResNet-50 that BYOL trained: SAME padding in the stem, the max-pool and the 3x3 convolutions of stride 2."""
    network = resnet50_same_pool()
    for module in [network, *(getattr(network, f"layer{stage}")[0] for stage in (2, 3, 4))]:
        name = "conv1" if module is network else "conv2"
        old = getattr(module, name)
        new = SameConv2d(old.in_channels, old.out_channels, old.kernel_size, old.stride, bias=False)
        new.weight = old.weight
        setattr(module, name, new)
    return network


_SHAPE = re.compile(r"tiny-resnet-([1-9][0-9]?)(?:x([1-9]))?")  # width, blocks per stage
_ARCHITECTURES = {
    "tiny-resnet": tiny_resnet,
    "resnet50": resnet50,
    "resnet50-same-pool": resnet50_same_pool,
    "resnet50-same": resnet50_same,
}


def build(name: str, pretrained: bool | str = False) -> nn.Module:
    """One of our own networks, with random weights.

    Args:
        name: tiny-resnet, resnet50, resnet50-same-pool, resnet50-same, or a tiny ResNet of another width and number of
            blocks per stage: tiny-resnet-32, tiny-resnet-20x2.
        pretrained: Without effect.

    Raises:
        InputError: Unknown name.

    >>> build("tiny-resnet-32x2").feature_dim
    128
    """
    if shape := _SHAPE.fullmatch(name):
        return tiny_resnet(int(shape[1]), int(shape[2] or 1))
    if name not in _ARCHITECTURES:
        others = "timm/NAME, torchvision/NAME, hub/OWNER/REPO:NAME, FILE.py:FUNCTION"
        raise InputError(f"unknown architecture '{name}'; choose from {', '.join(_ARCHITECTURES)}, {others}")
    return _ARCHITECTURES[name]()
