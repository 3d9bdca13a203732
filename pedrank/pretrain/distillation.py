"""Objectives without negatives: one branch predicts the other, which gets no gradient."""

from __future__ import annotations

import torch
from lightly.loss import DINOLoss, NegativeCosineSimilarity
from lightly.models.modules.heads import (
    BYOLPredictionHead,
    BYOLProjectionHead,
    DINOProjectionHead,
    SimSiamPredictionHead,
    SimSiamProjectionHead,
)
from lightly.models.utils import deactivate_requires_grad
from torch import nn

from pedrank.pretrain.objective import Objective, follow, momentum_copy, rising_momentum


class BYOL(Objective):
    """Grill et al. 2020: predict a momentum encoder's projection of the other view (Eq. 2), both ways."""

    paper = "Grill et al., Bootstrap Your Own Latent, NeurIPS 2020"
    recipe = {"hidden": 256, "projection": 64, "momentum": 0.95}

    def __init__(self, backbone: nn.Module, images: int) -> None:
        super().__init__(backbone, images)
        hidden, projection = self.recipe["hidden"], self.recipe["projection"]
        self.online = nn.Sequential(backbone, BYOLProjectionHead(backbone.feature_dim, hidden, projection))
        self.predictor = BYOLPredictionHead(projection, hidden, projection)
        self.target = momentum_copy(self.online)
        self.loss = NegativeCosineSimilarity()

    def forward(self, views: list[torch.Tensor], index: torch.Tensor) -> torch.Tensor:
        first, second = (self.predictor(self.online(view)) for view in views)
        with torch.no_grad():
            target_first, target_second = (self.target(view) for view in views)
        return (self.loss(first, target_second) + self.loss(second, target_first)) / 2

    def end_step(self, progress: float) -> None:
        follow(self.online, self.target, rising_momentum(self.recipe["momentum"], progress))


class SimSiam(Objective):
    """Chen and He 2021: predict the other view's projection, whose gradient is stopped (Eq. 4)."""

    paper = "Chen and He, Exploring Simple Siamese Representation Learning, CVPR 2021"
    recipe = {"hidden": 256, "bottleneck": 64}

    def __init__(self, backbone: nn.Module, images: int) -> None:
        super().__init__(backbone, images)
        hidden = self.recipe["hidden"]
        self.head = SimSiamProjectionHead(backbone.feature_dim, hidden, hidden)
        self.predictor = SimSiamPredictionHead(hidden, self.recipe["bottleneck"], hidden)
        self.loss = NegativeCosineSimilarity()

    def forward(self, views: list[torch.Tensor], index: torch.Tensor) -> torch.Tensor:
        first, second = (self.head(self.backbone(view)) for view in views)
        losses = [self.loss(self.predictor(a), b.detach()) for a, b in ((first, second), (second, first))]
        return sum(losses) / 2


class DINO(Objective):
    """Caron et al. 2021: match a momentum teacher's centred and sharpened distribution (Eq. 3).

    The teacher is delivered, as there.
    """

    paper = "Caron et al., Emerging Properties in Self-Supervised Vision Transformers, ICCV 2021"
    recipe = {
        "hidden": 256,
        "bottleneck": 64,
        "prototypes": 512,
        "teacher_temperature": 0.04,
        "student_temperature": 0.1,
        "momentum": 0.95,
    }

    def __init__(self, backbone: nn.Module, images: int) -> None:
        super().__init__(backbone, images)
        recipe = self.recipe
        sizes = (backbone.feature_dim, recipe["hidden"], recipe["bottleneck"], recipe["prototypes"])
        head, teacher_head = (DINOProjectionHead(*sizes, batch_norm=True) for _ in range(2))
        teacher_head.load_state_dict(head.state_dict())  # a module with weight normalisation cannot be deep-copied
        deactivate_requires_grad(teacher_head)
        self.student = nn.Sequential(backbone, head)
        self.teacher = nn.Sequential(momentum_copy(backbone), teacher_head)
        temperatures = {"teacher_temp": recipe["teacher_temperature"], "student_temp": recipe["student_temperature"]}
        self.loss = DINOLoss(recipe["prototypes"], **temperatures)

    def forward(self, views: list[torch.Tensor], index: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            teacher = [self.teacher(view) for view in views]
        return self.loss(teacher, [self.student(view) for view in views])

    def end_step(self, progress: float) -> None:
        follow(self.student, self.teacher, rising_momentum(self.recipe["momentum"], progress))

    def delivered(self) -> nn.Module:
        return self.teacher[0]
