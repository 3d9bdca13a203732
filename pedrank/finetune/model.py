"""The network under its new head, and the layers that train."""

from __future__ import annotations

import copy
from typing import cast

import torch
from torch import nn

from pedrank.finetune.protocol import Options
from pedrank.utils.errors import InputError

HEAD_STD = 0.01
BATCH_NORM_STEPS = 8


def assemble(network: nn.Module, classes: int, options: Options, generator: torch.Generator) -> nn.Sequential:
    """A copy of `network` under a linear head, in training mode; frozen layers need no gradient.

    The head starts at N(0, 0.01^2) with zero bias. Batch normalisation uses the statistics of the batch and updates
    running statistics for the test with momentum 8 / steps, limited to [0.1, 1]. torch's own 0.1 remembers about 30
    steps; in a short run, that would still include statistics of the pre-training images.

    Args:
        network: Maps (B, 3, H, W) to (B, D), with `feature_dim` D; not changed.
        classes: Outputs of the head.
        options: Regime, number of steps, and how frozen batch normalisation works.
        generator: Source of the head's weights.

    Raises:
        InputError: Regime last_block and a network without residual blocks.
    """
    head = nn.Linear(cast(int, network.feature_dim), classes)
    nn.init.normal_(head.weight, std=HEAD_STD, generator=generator)
    nn.init.zeros_(head.bias)
    model = nn.Sequential(copy.deepcopy(network), head).train()
    if options.regime != "full":
        model[0].requires_grad_(False)
    if options.regime == "last_block":
        last_block(model[0]).requires_grad_(True)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = min(1.0, max(0.1, BATCH_NORM_STEPS / options.steps))
            if not module.weight.requires_grad and options.frozen_batch_norm == "running":
                module.eval()
    return model


def last_block(network: nn.Module) -> nn.Module:
    """The last residual block of a ResNet: three convolutions in a ResNet-50, two in the tiny one.

    Raises:
        InputError: The network has no such block.
    """
    blocks = [module for module in network.modules() if type(module).__name__ in ("Bottleneck", "BasicBlock")]
    if not blocks:
        raise InputError(f"{type(network).__name__} has no residual block; set `regime: full` or `regime: linear`")
    return blocks[-1]
