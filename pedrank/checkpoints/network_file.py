"""Checkpoints: a backbone's weights, without a head, as safetensors that name its architecture and normalisation."""

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
    """The network in evaluation mode, on the CPU, and its normalisation: "mean" and "std" of the three channels.

    Raises InputError for a missing or surplus key, a wrong shape, a weight that is not finite, or a header that lacks
    architecture or normalisation.
    """
    import torch

    from pedrank.catalogue.architecture import code_sha256
    from pedrank.networks.build import build

    metadata, weights = described(path, "architecture", "normalisation"), read_arrays(path)
    remedy = "convert the checkpoint again"
    architecture = metadata["architecture"]
    if not isinstance(architecture, str) or not _is_normalisation(metadata["normalisation"]):
        raise InputError(f"{path}: the header's architecture or normalisation is none; {remedy}")
    code = code_sha256(architecture)
    if code != metadata.get("code_sha256"):
        raise InputError(f"{path}: {architecture.rpartition(':')[0]} has changed since; {remedy}")
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
            raise InputError(f"{path}: '{name}' holds {array.dtype} numbers; {remedy}")
        if not np.isfinite(array).all():
            raise InputError(f"{path}: '{name}' holds values that are not finite; {remedy}, or get another one")
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in weights.items()}, assign=True)
    network = network.requires_grad_(True).to(memory_format=torch.channels_last)  # the faster one
    return network.eval(), metadata["normalisation"]


def _is_normalisation(value: Any) -> bool:
    """Whether it is a mean and a standard deviation, not zero, of each of three channels."""
    if not isinstance(value, dict) or set(value) != {"mean", "std"}:
        return False
    if not all(isinstance(part, list) and len(part) == 3 for part in value.values()):
        return False
    numbers = [*value["mean"], *value["std"]]
    return all(isinstance(number, (int, float)) and abs(number) < 1e6 for number in numbers) and min(value["std"]) > 0


def _unsaved(network: nn.Module) -> list[torch.Tensor]:
    """Buffers that no file of weights has: tables, such as a transformer's of relative positions."""
    saved = network.state_dict()
    return [buffer for name, buffer in network.named_buffers() if name not in saved]


def _some(names: list[str]) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(names[:3]) or "none"
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
