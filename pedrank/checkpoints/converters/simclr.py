"""SimCLR's checkpoints, in TensorFlow's format or converted to torch, with torchvision's names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pedrank.formats.tensor_bundle import bundle_in_zip, read_bundle
from pedrank.formats.torch_file import read_torch, tensors
from pedrank.utils.errors import InputError, about

_BLOCKS = (3, 4, 6, 3)
_BATCH_NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}

# The names of the conversions that lightly publishes
_CONVERTED = {
    r"net\.0\.0\.": "conv1.",
    r"net\.0\.1\.0\.": "bn1.",
    r"net\.(\d)\.blocks\.(\d)\.projection\.shortcut\.": r"layer\1.\2.downsample.0.",
    r"net\.(\d)\.blocks\.(\d)\.projection\.bn\.0\.": r"layer\1.\2.downsample.1.",
    r"net\.(\d)\.blocks\.(\d)\.net\.0\.": r"layer\1.\2.conv1.",
    r"net\.(\d)\.blocks\.(\d)\.net\.1\.0\.": r"layer\1.\2.bn1.",
    r"net\.(\d)\.blocks\.(\d)\.net\.2\.": r"layer\1.\2.conv2.",
    r"net\.(\d)\.blocks\.(\d)\.net\.3\.0\.": r"layer\1.\2.bn2.",
    r"net\.(\d)\.blocks\.(\d)\.net\.4\.": r"layer\1.\2.conv3.",
    r"net\.(\d)\.blocks\.(\d)\.net\.5\.0\.": r"layer\1.\2.bn3.",
}


def backbone(path: Path, entry: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The backbone's weights by torchvision's names.

    Args:
        path: A zip file with a TensorFlow checkpoint, or a torch file.
        entry: Its catalogue entry; not used.

    Raises:
        InputError: The file is neither, or does not hold SimCLR's ResNet-50.
    """
    bundle = bundle_in_zip(path)
    if bundle is not None:
        with about(path):
            return from_tensorflow(read_bundle(*bundle))
    content = read_torch(path)
    if isinstance(content.get("state_dict"), Mapping):  # SimCLR v1's conversion has torchvision's names
        return {name: array for name, array in tensors(content["state_dict"]).items() if not name.startswith("fc.")}
    if not isinstance(content.get("resnet"), Mapping):
        raise InputError(
            f"{path}: neither a TensorFlow checkpoint nor a known conversion of SimCLR's; download it again"
        )
    return from_conversion(tensors(content["resnet"]))


def from_tensorflow(variables: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rename the variables in `base_model/`, which TensorFlow numbers in the order of their creation.

    Heads, momenta and averages are left out.

    Args:
        variables: TensorFlow's variables by name.

    Returns:
        Weights by torchvision's names.

    Raises:
        InputError: A variable of the ResNet-50 is missing.
    """
    weights = {}
    for number, (convolution, batch_norm) in enumerate(_layers()):
        suffix = f"_{number}" if number else ""
        try:
            kernel = variables[f"base_model/conv2d{suffix}/kernel"]  # (height, width, in, out)
            weights[f"{convolution}.weight"] = kernel.transpose(3, 2, 0, 1)
            for name, target in _BATCH_NORM.items():
                weights[f"{batch_norm}.{target}"] = variables[f"base_model/batch_normalization{suffix}/{name}"]
        except KeyError as error:
            raise InputError(f"not SimCLR's ResNet-50: no variable {error}; download the file again") from None
    return weights


def from_conversion(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rename the weights of SimCLR v2's conversion to torch, whose layers are numbered by position.

    >>> sorted(from_conversion({"net.0.0.weight": np.zeros(1), "fc.weight": np.zeros(1)}))
    ['conv1.weight']
    """
    weights = {}
    for name, array in state.items():
        for pattern, target in _CONVERTED.items():
            renamed, changed = re.subn(f"^{pattern}", target, name)
            if changed:
                weights[renamed] = array
    return weights


def _layers() -> Iterator[tuple[str, str]]:
    """torchvision's names of each convolution and its batch norm, in the order in which SimCLR creates them."""
    yield "conv1", "bn1"
    for stage, blocks in enumerate(_BLOCKS, 1):
        for block in range(blocks):
            if block == 0:
                yield f"layer{stage}.0.downsample.0", f"layer{stage}.0.downsample.1"
            for layer in (1, 2, 3):
                yield f"layer{stage}.{block}.conv{layer}", f"layer{stage}.{block}.bn{layer}"
