"""The training loop that all objectives share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from pedrank.features.normalise import mean_and_std, standardise
from pedrank.networks.build import build
from pedrank.pretrain.objectives import OBJECTIVES
from pedrank.pretrain.random_views import random_views
from pedrank.pretrain.recipe import UNTRAINED, Recipe
from pedrank.utils.errors import InputError

# Per-channel mean and standard deviation of CIFAR-10's training pixels, in [0, 1].
NORMALISATION = {"mean": [0.4914, 0.4822, 0.4465], "std": [0.2470, 0.2435, 0.2616]}
OPTIMISER: dict[str, Any] = {
    "optimiser": "AdamW",
    "learning_rate": 3e-3,
    "weight_decay": 1e-4,
    "schedule": "one-cycle",
    "warm_up": 0.1,
    "batch": 256,
}


def as_input(images: torch.Tensor) -> torch.Tensor:
    """uint8 images (N, H, W, 3) as float32 (N, 3, H, W) in [0, 1], in channels-last memory.

    >>> as_input(torch.full((1, 2, 2, 3), 255, dtype=torch.uint8)).shape
    torch.Size([1, 3, 2, 2])
    """
    return images.permute(0, 3, 1, 2).float() / 255


def normalise(images: torch.Tensor) -> torch.Tensor:
    """(image - mean) / std of (N, 3, H, W) images in [0, 1], by CIFAR-10's colours, in channels-last memory."""
    found = standardise(images.permute(0, 2, 3, 1), *mean_and_std(NORMALISATION, images.device), white=1)
    return found.contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def encode(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """A network's outputs for images without augmentation, computed in evaluation mode; its mode is restored.

    Args:
        network: Maps (B, 3, H, W) to (B, D).
        images: (N, H, W, 3) uint8, on the network's device.

    Returns:
        (N, D).
    """
    training = network.training
    network.eval()
    outputs = torch.cat([network(normalise(as_input(batch))) for batch in images.split(500)])
    network.train(training)
    return outputs


def random_network(seed: int, architecture: str = "tiny-resnet") -> nn.Module:
    """The network before pre-training; one seed gives the same weights for every objective."""
    torch.manual_seed(seed)
    return build(architecture)


def pretrain(
    recipe: Recipe,
    images: torch.Tensor,
    labels: torch.Tensor,
    report: Callable[[int, float], None] = lambda epoch, loss: None,
) -> nn.Module:
    """Pre-train a network with one objective.

    The same recipe, images, number of threads and machine give the same weights.

    Args:
        recipe: Objective, network, epochs and seed.
        images: (N, H, W, 3) uint8, on the device to train on.
        labels: (N,) int64, on the same device; only the supervised objective reads them.
        report: Called after each epoch with its number, counted from 0, and its mean loss.

    Returns:
        The network in evaluation mode, on the images' device.

    Raises:
        InputError: Unknown objective.
    """
    objective, seed, epochs = recipe.objective, recipe.seed, recipe.epochs
    if objective not in (*OBJECTIVES, UNTRAINED):
        raise InputError(f"unknown objective '{objective}'; choose from {', '.join(OBJECTIVES)}, {UNTRAINED}")
    device = images.device
    network = random_network(seed, recipe.architecture)
    if objective == UNTRAINED:
        return network.to(device).eval()
    method = OBJECTIVES[objective](network, len(images)).to(device).train()
    method.labels = labels
    batch = min(OPTIMISER["batch"], len(images))
    steps = epochs * (len(images) // batch)
    trained = [parameter for parameter in method.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, OPTIMISER["learning_rate"], weight_decay=OPTIMISER["weight_decay"])
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, OPTIMISER["learning_rate"], total_steps=steps, pct_start=OPTIMISER["warm_up"]
    )
    order = torch.Generator().manual_seed(seed)
    randomness = torch.Generator(device).manual_seed(seed)
    step = 0
    for epoch in range(epochs):
        method.start_epoch(epoch, lambda network: encode(network, images))
        total = torch.zeros((), device=device)
        # The last, smaller batch is left out: batch statistics would differ.
        batches = torch.randperm(len(images), generator=order)[: len(images) // batch * batch].split(batch)
        for index in batches:
            index = index.to(device)
            plain = as_input(images[index])
            loss = method([normalise(random_views(plain, randomness)) for _ in range(method.views)], index)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            step += 1
            method.end_step(step / steps)
            total += loss.detach()
        report(epoch, float(total) / len(batches))
    return method.delivered().eval()
