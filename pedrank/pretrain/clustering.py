"""Objectives that cluster the images, online (SwAV) or by k-means before each epoch (DeepCluster-v2, PCL)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from lightly.loss import SwaVLoss
from lightly.models.modules.heads import SwaVProjectionHead, SwaVPrototypes
from sklearn.cluster import KMeans
from torch import nn
from torch.nn import functional

from pedrank.pretrain.contrastive import MoCo
from pedrank.pretrain.objective import Objective


def spherical_kmeans(embeddings: torch.Tensor, clusters: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cluster embeddings of length 1 by k-means.

    Args:
        embeddings: (N, D), each row of length 1.
        clusters: K; reduced to N / 2 if it is larger.
        seed: Of the initial centroids.

    Returns:
        Centroids (K, D), each of length 1, and the cluster (N,) of each embedding.
    """
    clusters = min(clusters, len(embeddings) // 2)
    kmeans = KMeans(clusters, n_init=1, max_iter=20, random_state=seed).fit(embeddings.cpu().numpy())
    centroids = torch.from_numpy(kmeans.cluster_centers_.astype(np.float32)).to(embeddings.device)
    assignments = torch.from_numpy(kmeans.labels_.astype(np.int64)).to(embeddings.device)
    return functional.normalize(centroids, dim=1), assignments


class SwAV(Objective):
    """Caron et al. 2020: predict one view's balanced cluster assignment from the other view (Eq. 2)."""

    paper = "Caron et al., Unsupervised Learning of Visual Features by Contrasting Cluster Assignments, NeurIPS 2020"
    recipe = {"hidden": 256, "projection": 64, "prototypes": 128, "temperature": 0.1, "epsilon": 0.05}

    def __init__(self, backbone: nn.Module, images: int) -> None:
        super().__init__(backbone, images)
        projection = self.recipe["projection"]
        self.head = SwaVProjectionHead(backbone.feature_dim, self.recipe["hidden"], projection)
        self.prototypes = SwaVPrototypes(projection, self.recipe["prototypes"])
        self.loss = SwaVLoss(self.recipe["temperature"], sinkhorn_epsilon=self.recipe["epsilon"])

    def forward(self, views: list[torch.Tensor], index: torch.Tensor) -> torch.Tensor:
        self.prototypes.normalize()
        embeddings = [functional.normalize(self.head(self.backbone(view)), dim=1) for view in views]
        return self.loss([self.prototypes(embedding) for embedding in embeddings], []).squeeze()


class DeepCluster(Objective):
    """DeepCluster-v2 (Caron et al. 2018; 2020, appendix): k-means on last epoch's embeddings makes the classes.

    The centroids themselves are the classifier, so clusters need not keep their numbers from one epoch to the next.
    """

    paper = "Caron et al., Unsupervised Learning of Visual Features by Contrasting Cluster Assignments, NeurIPS 2020"
    recipe = {"hidden": 256, "projection": 64, "clusters": 128, "temperature": 0.1}

    def __init__(self, backbone: nn.Module, images: int) -> None:
        super().__init__(backbone, images)
        head = SwaVProjectionHead(backbone.feature_dim, self.recipe["hidden"], self.recipe["projection"])
        self.network = nn.Sequential(backbone, head)
        self.register_buffer("memory", torch.zeros(images, self.recipe["projection"]))

    def start_epoch(self, epoch: int, encode: Callable[[nn.Module], torch.Tensor]) -> None:
        if epoch == 0:
            self.memory = functional.normalize(encode(self.network), dim=1)
        self.centroids, self.assignments = spherical_kmeans(self.memory, self.recipe["clusters"], seed=epoch)

    def forward(self, views: list[torch.Tensor], index: torch.Tensor) -> torch.Tensor:
        embeddings = [functional.normalize(self.network(view), dim=1) for view in views]
        self.memory[index] = embeddings[0].detach()
        logits = torch.cat(embeddings) @ self.centroids.T / self.recipe["temperature"]
        return functional.cross_entropy(logits, self.assignments[index].repeat(len(views)))


class PCL(MoCo):
    """Li et al. 2021: MoCo's InfoNCE plus, after a warm-up, the same against cluster prototypes (ProtoNCE, Eq. 11)."""

    paper = "Li et al., Prototypical Contrastive Learning of Unsupervised Representations, ICLR 2021"
    recipe = {**MoCo.recipe, "clusters": [64, 128, 256], "alpha": 10, "warm_up_epochs": 1}

    def __init__(self, backbone: nn.Module, images: int) -> None:
        super().__init__(backbone, images)
        self.clusterings: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []

    def start_epoch(self, epoch: int, encode: Callable[[nn.Module], torch.Tensor]) -> None:
        if epoch < self.recipe["warm_up_epochs"]:
            return
        embeddings = functional.normalize(encode(self.key), dim=1)
        self.clusterings = []
        for clusters in self.recipe["clusters"]:
            centroids, assignments = spherical_kmeans(embeddings, clusters, seed=epoch)
            self.clusterings.append((centroids, assignments, self._concentrations(embeddings, centroids, assignments)))

    def _concentrations(
        self, embeddings: torch.Tensor, centroids: torch.Tensor, assignments: torch.Tensor
    ) -> torch.Tensor:
        """phi of every cluster (Eq. 12), scaled so that its mean is the temperature; tight clusters get a small phi."""
        distances = (embeddings - centroids[assignments]).norm(dim=1)
        sizes = assignments.bincount(minlength=len(centroids)).float()
        sums = torch.zeros_like(sizes).index_add_(0, assignments, distances)
        phi = sums / (sizes.clamp(min=1) * torch.log(sizes + self.recipe["alpha"]))
        phi = torch.where(sizes > 1, phi, phi.max())  # the width of a cluster with one image is unknown
        phi = phi.clamp(phi.quantile(0.1), phi.quantile(0.9))  # no cluster dominates
        return phi * (self.recipe["temperature"] / phi.mean())

    def forward(self, views: list[torch.Tensor], index: torch.Tensor) -> torch.Tensor:
        query = self.query(views[0])
        with torch.no_grad():
            key = self.key(views[1])
        loss = self.loss(query, key)
        query = functional.normalize(query, dim=1)
        for centroids, assignments, phi in self.clusterings:
            proto = functional.cross_entropy(query @ centroids.T / phi, assignments[index])
            loss = loss + proto / len(self.clusterings)
        return loss
