"""Accuracy of features without training: classification by nearest neighbours (Wu et al. 2018, section 3.4)."""

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

    The similarity s is the cosine; a neighbour's vote has weight exp(s / temperature).

    Args:
        bank: (N, D) features that vote.
        bank_labels: (N,) integers.
        queries: (M, D) features to classify.
        labels: (M,) integers, their true labels.
        k: Number of neighbours.
        temperature: Of the votes.

    >>> bank, labels = torch.eye(2), torch.tensor([0, 1])
    >>> knn_accuracy(bank, labels, torch.tensor([[0.9, 0.1], [0.1, 0.9]]), labels, k=1)
    1.0
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
