"""The step: gradients of a batch, in parts where memory asks for it, then Nesterov's momentum along half a cosine."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

from pedrank.utils.errors import InputError

MOMENTUM = 0.9


def loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy; with (B, C) targets the mean binary cross-entropy of those that are not -1."""
    if targets.ndim == 1:
        return functional.cross_entropy(outputs, targets)
    known = targets >= 0
    return functional.binary_cross_entropy_with_logits(outputs[known], targets[known].to(outputs.dtype))


def gradients(
    model: Callable[[torch.Tensor], torch.Tensor],
    inputs: torch.Tensor,
    targets: torch.Tensor,
    parameters: Sequence[torch.Tensor],
    micro_batch: int,
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Loss of a batch and its gradients, `micro_batch` images at a time; each part weighs as it has images."""
    parts = zip(inputs.split(micro_batch), targets.split(micro_batch), strict=True)
    found, summed = torch.zeros((), device=inputs.device), None
    for x, y in parts:
        share = loss(model(x).float(), y) * (len(x) / len(inputs))
        part = torch.autograd.grad(share, parameters)
        summed = part if summed is None else torch._foreach_add(summed, part)
        found += share.detach()
    return found, list(summed)


def smaller(micro_batch: int) -> int:
    """The next micro-batch to try where this one does not fit into the memory."""
    if micro_batch == 1:
        raise InputError("not even one image at a time fits into the memory; free some, or make image_size smaller")
    return math.ceil(micro_batch / 2)


def nesterov(
    weights: Sequence[torch.Tensor],
    velocity: Sequence[torch.Tensor],
    gradients: Sequence[torch.Tensor],
    rate: float,
    weight_decay: float,
) -> None:
    """One step of SGD with Nesterov momentum, as torch.optim.SGD defines it: v <- 0.9 v + g, w <- w - rate (g + 0.9 v).

    g is the gradient plus `weight_decay` times w. torch's own optimiser gives the same numbers by the same grouped
    operations, but its first step imports torch's compiler, which takes longer than a whole run of the quickstart.
    """
    with torch.no_grad():
        g = torch._foreach_add(gradients, weights, alpha=weight_decay)
        torch._foreach_mul_(velocity, MOMENTUM)
        torch._foreach_add_(velocity, g)
        torch._foreach_add_(g, velocity, alpha=MOMENTUM)
        torch._foreach_add_(weights, g, alpha=-rate)
