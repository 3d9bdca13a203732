"""Checkpoints: a backbone's weights, without a head, as safetensors that name its architecture and normalisation."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from pedrank.artefacts import read_arrays, read_metadata
from pedrank.errors import InputError

if TYPE_CHECKING:
    from torch import nn


def load(path: str | os.PathLike) -> tuple[nn.Module, dict[str, list[float]]]:
    """The network in evaluation mode, on the CPU, and its normalisation: "mean" and "std" of the three channels.

    Raises InputError for a missing or surplus key, a wrong shape, a weight that is not finite, or a header that lacks
    architecture or normalisation.
    """
    import torch

    from pedrank.networks import build

    metadata, weights = read_metadata(path), read_arrays(path)
    remedy = "convert the checkpoint again"
    for field in ("architecture", "normalisation"):
        if field not in metadata:
            raise InputError(f"{path}: the header names no {field}; {remedy}")
    with torch.device("meta"):  # no random weights: they take longer than reading the real ones
        network = build(metadata["architecture"])
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    missing, surplus = sorted(expected.keys() - weights.keys()), sorted(weights.keys() - expected.keys())
    if missing or surplus:
        raise InputError(
            f"{path}: not the weights of {metadata['architecture']} "
            f"(missing: {_some(missing)}; surplus: {_some(surplus)}); {remedy}"
        )
    for name, array in weights.items():
        if array.shape != expected[name]:
            raise InputError(f"{path}: '{name}' has shape {array.shape}, not {expected[name]}; {remedy}")
        if not np.isfinite(array).all():
            raise InputError(f"{path}: '{name}' holds values that are not finite; {remedy}, or get another one")
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in weights.items()}, assign=True)
    network = network.requires_grad_(True).to(memory_format=torch.channels_last)  # the faster one
    return network.eval(), metadata["normalisation"]


def _some(names: list[str]) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(names[:3]) or "none"
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
