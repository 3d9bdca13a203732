"""The base class of objectives, as the training loop calls them."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from lightly.models.utils import deactivate_requires_grad, update_momentum
from torch import nn


class Objective(nn.Module):
    """A backbone with the heads, memories and loss of one self-supervised method.

    The loop calls `start_epoch`; then, for every batch, the objective itself, which returns the loss; and `end_step`
    after the optimiser's step. `paper`, `recipe` (the hyper-parameters) and `views` go onto the checkpoint's card.
    """

    paper = ""
    views = 2
    recipe: dict[str, Any] = {}
    labels: torch.Tensor  # (N,) of the training images, set by the loop; only the supervised objective reads them

    def __init__(self, backbone: nn.Module, images: int) -> None:
        """`images` is the number of training images, for memories that hold an entry for each."""
        super().__init__()
        self.backbone = backbone

    def forward(self, views: list[torch.Tensor], index: torch.Tensor) -> torch.Tensor:
        """The loss of one batch.

        Args:
            views: Normalised images, (B, 3, H, W) each.
            index: (B,) rows of the training images that the views show.
        """
        raise NotImplementedError

    def start_epoch(self, epoch: int, encode: Callable[[nn.Module], torch.Tensor]) -> None:
        """Called before each epoch; `encode(network)` gives a network's output for every plain training image."""

    def end_step(self, progress: float) -> None:
        """Called after each step of the optimiser; `progress` runs from 0 to 1."""

    def delivered(self) -> nn.Module:
        """The network that becomes the checkpoint."""
        return self.backbone


def momentum_copy(module: nn.Module) -> nn.Module:
    """A copy without gradients; `follow` updates it."""
    duplicate = copy.deepcopy(module)
    deactivate_requires_grad(duplicate)
    return duplicate


def follow(leader: nn.Module, follower: nn.Module, momentum: float) -> None:
    """Update a momentum copy: follower <- momentum follower + (1 - momentum) leader (He et al. 2020, Eq. 2).

    Args:
        leader: The trained network.
        follower: Its copy, changed in place.
        momentum: From 0 to 1.
    """
    update_momentum(leader, follower, momentum)


def rising_momentum(start: float, progress: float) -> float:
    """Momentum that rises from `start` to 1 along half a cosine (Grill et al. 2020, section 3.3).

    Args:
        start: Momentum at the beginning.
        progress: From 0 to 1.

    >>> [round(rising_momentum(0.9, progress), 3) for progress in (0, 0.5, 1)]
    [0.9, 0.95, 1.0]
    """
    return 1 - (1 - start) * (math.cos(math.pi * progress) + 1) / 2
