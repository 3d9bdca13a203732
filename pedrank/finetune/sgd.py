"""SGD with Nesterov momentum: gradients of a batch, computed in parts if memory is short, and the update of weights.

The learning rate of each step is in cosine_schedule.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

from pedrank.utils.errors import InputError

MOMENTUM = 0.9


def loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy; for several labels per image, the mean binary cross-entropy over known labels.

    Args:
        outputs: (B, C) logits.
        targets: (B,) classes, or (B, C) with 1 = present, 0 = absent, -1 = left out.

    Returns:
        A scalar.

    >>> round(loss(torch.zeros(1, 2), torch.tensor([1])).item(), 4)  # two classes, equally likely: log 2
    0.6931
    >>> round(loss(torch.zeros(1, 2), torch.tensor([[1, -1]])).item(), 4)
    0.6931
    """
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
    """Loss of a batch and its gradients, computed `micro_batch` images at a time.

    Each part is weighted by its number of images, so loss and gradients are means over the batch. With several labels
    per image, the loss of a part is a mean over its known labels.

    Args:
        model: Maps (b, 3, H, W) to (b, C).
        inputs: (B, 3, H, W).
        targets: (B,) or (B, C), as for `loss`.
        parameters: The weights that train.
        micro_batch: Images per part.

    Returns:
        The loss, a scalar without gradient, and one gradient per parameter.
    """
    parts = zip(inputs.split(micro_batch), targets.split(micro_batch), strict=True)
    found = torch.zeros((), device=inputs.device)
    summed: tuple[torch.Tensor, ...] = ()
    for x, y in parts:
        share = loss(model(x).float(), y) * (len(x) / len(inputs))
        part = torch.autograd.grad(share, parameters)
        summed = torch._foreach_add(summed, part) if summed else part
        found += share.detach()
    return found, list(summed)


def smaller(micro_batch: int) -> int:
    """The next micro-batch to try if this one does not fit into the memory: half of it, rounded up.

    Raises:
        InputError: It is a single image already.

    >>> smaller(128), smaller(3)
    (64, 2)
    """
    if micro_batch == 1:
        raise InputError("not even one image fits into the memory; end other programs, or make `image_size` smaller")
    return math.ceil(micro_batch / 2)


def nesterov(
    weights: list[torch.Tensor],
    velocity: list[torch.Tensor],
    gradients: list[torch.Tensor],
    rate: float,
    weight_decay: float,
) -> None:
    """One step of SGD with Nesterov momentum, as torch.optim.SGD defines it (Sutskever et al. 2013).

    g <- gradient + weight_decay w,  v <- 0.9 v + g,  w <- w - rate (g + 0.9 v).

    torch's own optimiser gives the same numbers by the same grouped operations, but its first step imports torch's
    compiler, which takes longer than a whole run of the quickstart.

    Args:
        weights: w, changed in place.
        velocity: v, one tensor per weight, changed in place.
        gradients: One tensor per weight.
        rate: Learning rate of this step.
        weight_decay: Of all weights.

    >>> w, v = torch.tensor([1.0]), torch.tensor([0.0])
    >>> nesterov([w], [v], [torch.tensor([1.0])], rate=0.1, weight_decay=0.0)
    >>> round(w.item(), 2), v.item()  # 1 - 0.1 (1 + 0.9)
    (0.81, 1.0)
    """
    with torch.no_grad():
        g = torch._foreach_add(gradients, weights, alpha=weight_decay)
        torch._foreach_mul_(velocity, MOMENTUM)
        torch._foreach_add_(velocity, g)
        torch._foreach_add_(g, velocity, alpha=MOMENTUM)
        torch._foreach_add_(weights, g, alpha=-rate)
