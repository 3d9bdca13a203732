"""Objectives that decorrelate the embedding's dimensions so that it cannot collapse."""

from __future__ import annotations

import torch
from lightly.loss import BarlowTwinsLoss, VICRegLoss
from lightly.models.modules.heads import BarlowTwinsProjectionHead, VICRegProjectionHead
from torch import nn

from pedrank.pretrain.objective import Objective


class BarlowTwins(Objective):
    """Zbontar et al. 2021: the cross-correlation of the views' embeddings becomes the identity (Eq. 1)."""

    paper = "Zbontar et al., Barlow Twins: Self-Supervised Learning via Redundancy Reduction, ICML 2021"
    recipe = {"hidden": 256, "projection": 256, "lambda": 0.005}

    def __init__(self, backbone: nn.Module, images: int) -> None:
        super().__init__(backbone, images)
        self.head = BarlowTwinsProjectionHead(backbone.feature_dim, self.recipe["hidden"], self.recipe["projection"])
        self.loss = BarlowTwinsLoss(self.recipe["lambda"])

    def forward(self, views: list[torch.Tensor], index: torch.Tensor) -> torch.Tensor:
        first, second = (self.head(self.backbone(view)) for view in views)
        return self.loss(first, second)


class VICReg(Objective):
    """Bardes et al. 2022: invariance, variance and covariance terms, weighted 25, 25, 1 (Eq. 6)."""

    paper = "Bardes et al., VICReg: Variance-Invariance-Covariance Regularization, ICLR 2022"
    recipe = {"hidden": 256, "projection": 256, "lambda": 25.0, "mu": 25.0, "nu": 1.0}

    def __init__(self, backbone: nn.Module, images: int) -> None:
        super().__init__(backbone, images)
        self.head = VICRegProjectionHead(backbone.feature_dim, self.recipe["hidden"], self.recipe["projection"])
        self.loss = VICRegLoss(self.recipe["lambda"], self.recipe["mu"], self.recipe["nu"])

    def forward(self, views: list[torch.Tensor], index: torch.Tensor) -> torch.Tensor:
        first, second = (self.head(self.backbone(view)) for view in views)
        return self.loss(first, second)
