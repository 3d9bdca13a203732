"""Converted checkpoints: backbone weights in safetensors, with architecture and normalisation in the header."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from pedrank.store.artefacts import described, read_arrays
from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    import torch
    from torch import nn


def load_network(path: str | os.PathLike) -> tuple[nn.Module, dict[str, list[float]]]:
    """Read a converted checkpoint.

    Args:
        path: A file that `pedrank.checkpoints.convert` has written.

    Returns:
        The network in evaluation mode on the CPU, and its normalisation: "mean" and "std" of the three channels.

    Raises:
        InputError: A key is missing or surplus, a shape is wrong, a weight is not finite, or the header lacks
            architecture or normalisation.
    """
    import torch

    from pedrank.catalogue.architecture import code_sha256
    from pedrank.networks.build import build

    metadata, weights = described(path, "architecture", "normalisation"), read_arrays(path)
    remedy = "delete it and convert the checkpoint again"
    architecture = metadata["architecture"]
    if not isinstance(architecture, str) or not _is_normalisation(metadata["normalisation"]):
        raise InputError(f"{path}: the header has no valid architecture or normalisation; {remedy}")
    code = code_sha256(architecture)
    if code != metadata.get("code_sha256"):
        raise InputError(
            f"{path}: {architecture.rpartition(':')[0]} has changed since this file was converted; {remedy}"
        )
    if code is None:
        with torch.device("meta"):  # no random weights: they take longer than reading the real ones
            network = build(architecture)
    if code is not None or any(buffer.is_meta for buffer in _unsaved(network)):
        network = build(architecture)
    if "feature_dim" in metadata:
        network.feature_dim = metadata["feature_dim"]
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    floats = {name for name, tensor in network.state_dict().items() if tensor.is_floating_point()}
    missing, surplus = sorted(expected.keys() - weights.keys()), sorted(weights.keys() - expected.keys())
    if missing or surplus:
        raise InputError(
            f"{path}: not the weights of {architecture} "
            f"(missing: {_some(missing)}; surplus: {_some(surplus)}); {remedy}"
        )
    for name, array in weights.items():
        if array.shape != expected[name]:
            raise InputError(f"{path}: '{name}' has shape {array.shape}, not {expected[name]}; {remedy}")
        if array.dtype != (np.float32 if name in floats else np.int64):
            raise InputError(f"{path}: '{name}' has the wrong type {array.dtype}; {remedy}")
        if not np.isfinite(array).all():
            raise InputError(f"{path}: '{name}' has values that are not finite; {remedy}, or get another checkpoint")
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in weights.items()}, assign=True)
    network = network.requires_grad_(True).to(memory_format=torch.channels_last)  # the faster one
    return network.eval(), metadata["normalisation"]


def _is_normalisation(value: Any) -> bool:
    """Whether it is a mean and a positive standard deviation of each of three channels."""
    if not isinstance(value, dict) or set(value) != {"mean", "std"}:
        return False
    if not all(isinstance(part, list) and len(part) == 3 for part in value.values()):
        return False
    numbers = [*value["mean"], *value["std"]]
    return all(isinstance(number, (int, float)) and abs(number) < 1e6 for number in numbers) and min(value["std"]) > 0


def _unsaved(network: nn.Module) -> list[torch.Tensor]:
    """Buffers that files of weights do not hold, such as a transformer's table of relative positions."""
    saved = network.state_dict()
    return [buffer for name, buffer in network.named_buffers() if name not in saved]


def _some(names: list[str]) -> str:
    """The first three names, and the number of the others."""
    shown = ", ".join(names[:3]) or "none"
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
