"""Convert a checkpoint of any source format to backbone weights: exactly the network's keys, no head, no pickle."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pedrank.catalogue.catalogue import catalogue, converter, files
from pedrank.checkpoints.normalisations import normalisation
from pedrank.fetch.download import recorded_sha256
from pedrank.store.artefacts import provenance, read_arrays, read_metadata, write_arrays
from pedrank.utils.errors import InputError
from pedrank.utils.paths import PACKAGE


def convert(name: str, downloads: Path, out: Path) -> None:
    """Convert a checkpoint of the catalogue to safetensors.

    Args:
        name: Its name in the catalogue.
        downloads: Folder of the fetched files; networks of recipes lie in `pretrain` beside it.
        out: Where to write it.

    Raises:
        InputError: The file does not have the format that the catalogue states, a key is missing or surplus, a shape is
            wrong, or a value is not finite.
    """
    entry = catalogue("checkpoints")[name]
    if entry["zoo"] == "tiny":
        shipped = PACKAGE / "checkpoints/tiny" / f"{name}.safetensors"
        write_arrays(out, read_arrays(shipped), read_metadata(shipped))
        return
    if "pretrain" in entry:
        made = downloads.parent / "pretrain" / f"{name}.safetensors"
        made_by = provenance({"checkpoint": name}, [made])
        write_arrays(out, read_arrays(made), read_metadata(made) | {"made_by": made_by})
        return
    module = importlib.import_module(converter(name))
    if files(entry):
        (file,) = files(entry)
        weights = _complete(module.backbone(downloads / file, entry), _network(entry), downloads / file)
        metadata = {"architecture": _network(entry), "normalisation": normalisation(entry)}
        made_by = provenance({"checkpoint": name}) | {"inputs": {file: recorded_sha256(downloads / file)}}
    else:
        weights, metadata = module.weights_and_metadata(name, entry)
        inputs = [entry["weights"]] if "weights" in entry else []
        made_by = provenance({"checkpoint": name, "pretrained": entry.get("pretrained", not inputs)}, inputs)
    write_arrays(out, weights, metadata | {"made_by": made_by})


def _network(entry: Mapping[str, Any]) -> str:
    """Name of the network of a downloaded checkpoint, whose padding may differ from torchvision's."""
    padding = entry.get("padding", "torchvision")
    return entry["architecture"] if padding == "torchvision" else f"{entry['architecture']}-{padding}"


def _complete(weights: dict[str, np.ndarray], architecture: str, path: Path) -> dict[str, np.ndarray]:
    """The weights, checked for exactly the network's keys and shapes, and for finite values.

    Batch counters, which old files do not have, become 0; floats of another precision become float32.
    """
    import torch

    from pedrank.networks.build import build

    with torch.device("meta"):
        expected = build(architecture).state_dict()
    counters = {key: np.zeros((), np.int64) for key in expected if key.endswith("num_batches_tracked")}
    weights = counters | weights
    wrong = sorted(set(weights) ^ set(expected)) or [
        key for key in expected if weights[key].shape != tuple(expected[key].shape)
    ]
    if wrong:
        wanted = f"{len(wrong)} keys missing, surplus or misshapen, first '{wrong[0]}'"
        raise InputError(f"{path}: not the weights of {architecture}: {wanted}; download it again")
    for key, value in weights.items():
        if value.dtype.kind != ("f" if expected[key].is_floating_point() else "i"):
            raise InputError(f"{path}: '{key}' has the wrong type {value.dtype}; download the file again")
        with np.errstate(over="ignore"):  # values beyond float32 become infinite and are refused below
            weights[key] = value = value.astype(np.float32 if value.dtype.kind == "f" else np.int64, copy=False)
        if not np.isfinite(value).all() or (key.endswith("running_var") and (value < 0).any()):
            raise InputError(
                f"{path}: '{key}' has values that are not finite, or a negative variance; download the file again"
            )
    return weights
