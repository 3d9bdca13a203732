"""SimCLR's checkpoints: TensorFlow's own, or a torch conversion of one, to torchvision's names."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from pedrank.formats.archive import whole
from pedrank.formats.tensor_bundle import read_bundle
from pedrank.formats.torch_file import read_torch, tensors
from pedrank.utils.errors import InputError, about

_LARGEST = 2**31  # bytes of a checkpoint, with its momenta; a ResNet-50's has 0.3 GB
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


def read_simclr(path: Path) -> dict[str, np.ndarray]:
    """Backbone weights under torchvision's names, from whichever of the forms `path` has."""
    bundle = _bundle(path)
    if bundle is not None:
        with about(path):
            return from_tensorflow(read_bundle(*bundle))
    content = read_torch(path)
    if isinstance(content.get("state_dict"), Mapping):  # SimCLR v1's conversion has torchvision's names
        return {name: array for name, array in tensors(content["state_dict"]).items() if not name.startswith("fc.")}
    if not isinstance(content.get("resnet"), Mapping):
        raise InputError(f"{path}: neither a TensorFlow checkpoint nor a known conversion of SimCLR's; fetch it again")
    return from_conversion(tensors(content["resnet"]))


def from_tensorflow(variables: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Of `base_model/`'s variables, which TensorFlow numbers by creation; heads, momenta and averages are left out."""
    weights = {}
    for number, (convolution, batch_norm) in enumerate(_layers()):
        suffix = f"_{number}" if number else ""
        try:
            kernel = variables[f"base_model/conv2d{suffix}/kernel"]  # (height, width, in, out)
            weights[f"{convolution}.weight"] = kernel.transpose(3, 2, 0, 1)
            for name, target in _BATCH_NORM.items():
                weights[f"{batch_norm}.{target}"] = variables[f"base_model/batch_normalization{suffix}/{name}"]
        except KeyError as error:
            raise InputError(f"no variable {error}: not a ResNet-50 of SimCLR's; fetch it again") from None
    return weights


def from_conversion(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Of SimCLR v2's conversion, whose layers are numbered by place."""
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


def _bundle(path: Path) -> tuple[bytes, bytes] | None:
    """Index and data of the TensorFlow checkpoint in a zip file; None where there is none."""
    if not zipfile.is_zipfile(path):
        return None
    with whole(path), zipfile.ZipFile(path) as archive:
        sizes = {member.filename: member.file_size for member in archive.infolist()}
        for name in sizes:
            data = f"{name.removesuffix('.index')}.data-00000-of-00001"
            if name.endswith(".index") and data in sizes:
                if sizes[name] + sizes[data] > _LARGEST:
                    raise InputError(f"{path}: refused: '{data}' has {sizes[data]} bytes; fetch it again")
                return archive.read(name), archive.read(data)
    return None
