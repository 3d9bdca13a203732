"""A dataset and a network small enough to be trained in milliseconds."""

from __future__ import annotations

import numpy as np
import torch

from pedrank.datasets.dataset import Dataset

NORMALISATION = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}


def colours(size: int = 8, per_class: int = 20) -> Dataset:
    """Three classes, told apart by the brightest channel."""
    random = np.random.default_rng(0)
    labels = np.tile(np.arange(3), per_class)
    images = random.integers(0, 120, (3 * per_class, size, size, 3), np.uint8)
    images[np.arange(3 * per_class), :, :, labels] += 100
    split = np.repeat(np.array([0, 1, 2], np.uint8), [3 * per_class // 2, 3 * per_class // 4, 3 * per_class // 4])
    return Dataset("colours", images, labels, split, ("red", "green", "blue"), "made here", "none")


def small_network() -> torch.nn.Module:
    torch.manual_seed(0)
    layers = torch.nn.Conv2d(3, 6, 3), torch.nn.BatchNorm2d(6), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1)
    network = torch.nn.Sequential(*layers, torch.nn.Flatten())
    network.feature_dim = 6
    return network.eval()
