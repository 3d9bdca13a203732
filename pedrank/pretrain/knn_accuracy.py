"""How good features are: the accuracy of their nearest neighbours' labels, without training (Wu et al. 2018, 3.4)."""

from __future__ import annotations

import torch
from torch.nn import functional


def knn_accuracy(
    bank: torch.Tensor,
    bank_labels: torch.Tensor,
    queries: torch.Tensor,
    labels: torch.Tensor,
    k: int = 20,
    temperature: float = 0.07,
) -> float:
    """Fraction of queries whose k nearest bank features vote for the right label.

    Features are (N, D); the similarity s is the cosine, and a neighbour's vote weighs exp(s / temperature).
    """
    classes = int(bank_labels.max()) + 1
    bank = functional.normalize(bank, dim=1)
    correct = 0
    for rows, truth in zip(queries.split(1000), labels.split(1000), strict=True):
        similarity, neighbours = (functional.normalize(rows, dim=1) @ bank.T).topk(k, dim=1)
        votes = torch.zeros(len(rows), classes, device=rows.device)
        votes.scatter_add_(1, bank_labels[neighbours], (similarity / temperature).exp())
        correct += int((votes.argmax(dim=1) == truth).sum())
    return correct / len(queries)
