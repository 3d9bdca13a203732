"""The network with its new head, and which of its layers train."""

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
    """A copy of `network` under a linear head, in training mode; what the regime freezes needs no gradient.

    The head starts at N(0, 0.01^2) with zero bias. Batch normalisation uses the batch's statistics and keeps running
    ones for the test, with a momentum of 8 / steps, between torch's own 0.1 (from 80 steps on) and 1: at 0.1 running
    statistics remember some 30 steps, which in a short run reach back to the source images.
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
    """The last residual block: of three convolutions in a ResNet-50, of two in the tiny one."""
    blocks = [module for module in network.modules() if type(module).__name__ in ("Bottleneck", "BasicBlock")]
    if not blocks:
        raise InputError(f"{type(network).__name__} has no residual block; choose regime full or linear")
    return blocks[-1]
