"""Classification with labels: the upstream that most published checkpoints have."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.nn import functional

from pedrank.pretrain.objective import Objective


class Supervised(Objective):
    """Cross-entropy of a linear classifier of one view (He et al. 2016, section 4.2)."""

    paper = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016"
    views = 1
    recipe = {"classes": 10}

    def __init__(self, backbone: nn.Module, images: int) -> None:
        super().__init__(backbone, images)
        self.head = nn.Linear(cast("int", backbone.feature_dim), self.recipe["classes"])

    def forward(self, views: list[torch.Tensor], index: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(self.head(self.backbone(views[0])), self.labels[index])
