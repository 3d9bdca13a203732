"""Contrastive objectives: the views of one image attract each other, other images repel."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from lightly.loss import NTXentLoss
from lightly.models.modules import NNMemoryBankModule
from lightly.models.modules.heads import (
    MoCoProjectionHead,
    NNCLRPredictionHead,
    NNCLRProjectionHead,
    SimCLRProjectionHead,
)
from torch import nn
from torch.nn import functional

from pedrank.pretrain.objective import Objective, follow, momentum_copy


class SimCLR(Objective):
    """Chen et al. 2020: NT-Xent (Eq. 1) over the views of the batch."""

    paper = "Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, ICML 2020"
    recipe = {"hidden": 256, "projection": 64, "temperature": 0.2}

    def __init__(self, backbone: nn.Module, images: int) -> None:
        super().__init__(backbone, images)
        self.head = SimCLRProjectionHead(backbone.feature_dim, self.recipe["hidden"], self.recipe["projection"])
        self.loss = NTXentLoss(self.recipe["temperature"])

    def forward(self, views: list[torch.Tensor], index: torch.Tensor) -> torch.Tensor:
        first, second = (self.head(self.backbone(view)) for view in views)
        return self.loss(first, second)


class MoCo(Objective):
    """He et al. 2020 with v2's head: InfoNCE (Eq. 1) against a queue of keys from a momentum encoder."""

    paper = "He et al., Momentum Contrast for Unsupervised Visual Representation Learning, CVPR 2020"
    recipe = {"hidden": 256, "projection": 64, "temperature": 0.2, "queue": 4096, "momentum": 0.99}

    def __init__(self, backbone: nn.Module, images: int) -> None:
        super().__init__(backbone, images)
        head = MoCoProjectionHead(backbone.feature_dim, self.recipe["hidden"], self.recipe["projection"])
        self.query = nn.Sequential(backbone, head)
        self.key = momentum_copy(self.query)
        queue = (self.recipe["queue"], self.recipe["projection"])
        self.loss = NTXentLoss(self.recipe["temperature"], memory_bank_size=queue)

    def forward(self, views: list[torch.Tensor], index: torch.Tensor) -> torch.Tensor:
        query = self.query(views[0])
        with torch.no_grad():
            key = self.key(views[1])
        return self.loss(query, key)

    def end_step(self, progress: float) -> None:
        follow(self.query, self.key, self.recipe["momentum"])


class NNCLR(Objective):
    """Dwibedi et al. 2021: NT-Xent between a view and the nearest neighbour of the other view in a queue."""

    paper = "Dwibedi et al., With a Little Help from My Friends, ICCV 2021"
    recipe = {"hidden": 256, "projection": 64, "temperature": 0.2, "queue": 4096}

    def __init__(self, backbone: nn.Module, images: int) -> None:
        super().__init__(backbone, images)
        hidden, projection = self.recipe["hidden"], self.recipe["projection"]
        self.head = NNCLRProjectionHead(backbone.feature_dim, hidden, projection)
        self.predictor = NNCLRPredictionHead(projection, hidden, projection)
        self.neighbours = NNMemoryBankModule(size=(self.recipe["queue"], projection))
        self.loss = NTXentLoss(self.recipe["temperature"])

    def forward(self, views: list[torch.Tensor], index: torch.Tensor) -> torch.Tensor:
        first, second = (self.head(self.backbone(view)) for view in views)
        near_first = self.neighbours(first.detach(), update=False)
        near_second = self.neighbours(second.detach(), update=True)
        return (self.loss(near_first, self.predictor(second)) + self.loss(near_second, self.predictor(first))) / 2


class InstanceDiscrimination(Objective):
    """Wu et al. 2018: every image is its own class; the non-parametric softmax (Eq. 2) over a memory of all images.

    Eq. 2 is computed in full, without noise-contrastive estimation, since there are few training images. The memory
    starts with the embeddings of the untrained network instead of random ones, which saves the first epochs.
    """

    paper = "Wu et al., Unsupervised Feature Learning via Non-Parametric Instance Discrimination, CVPR 2018"
    views = 1
    recipe = {"projection": 64, "temperature": 0.1, "memory_momentum": 0.5}

    def __init__(self, backbone: nn.Module, images: int) -> None:
        super().__init__(backbone, images)
        self.network = nn.Sequential(backbone, nn.Linear(cast(int, backbone.feature_dim), self.recipe["projection"]))
        self.register_buffer("memory", torch.zeros(images, self.recipe["projection"]))

    def start_epoch(self, epoch: int, encode: Callable[[nn.Module], torch.Tensor]) -> None:
        if epoch == 0:
            self.memory = functional.normalize(encode(self.network), dim=1)

    def forward(self, views: list[torch.Tensor], index: torch.Tensor) -> torch.Tensor:
        embedding = functional.normalize(self.network(views[0]), dim=1)
        loss = functional.cross_entropy(embedding @ self.memory.clone().T / self.recipe["temperature"], index)
        with torch.no_grad():
            momentum = self.recipe["memory_momentum"]
            moved = momentum * self.memory[index] + (1 - momentum) * embedding
            self.memory[index] = functional.normalize(moved, dim=1)
        return loss
