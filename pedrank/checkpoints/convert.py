"""A checkpoint of any source format as strict backbone weights: exactly the network's keys, no head, no pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pedrank.catalogue.catalogue import catalogue, files
from pedrank.checkpoints.normalisations import NORMALISATIONS
from pedrank.fetch.download import recorded_sha256
from pedrank.store.artefacts import provenance, read_arrays, read_metadata, write_arrays
from pedrank.utils.errors import InputError
from pedrank.utils.paths import PACKAGE


def convert(name: str, downloads: Path, out: Path) -> None:
    """Write the checkpoint `name` of the catalogue to `out`; its fetched file, if it has one, lies in `downloads`.

    Raises InputError for a file that is not of the catalogued format, a key that is missing or surplus, a wrong shape,
    or a value that is not finite.
    """
    entry = catalogue("checkpoints")[name]
    if entry["zoo"] == "tiny":
        shipped = PACKAGE / "checkpoints/tiny" / f"{name}.safetensors"
        write_arrays(out, read_arrays(shipped), read_metadata(shipped))
        return
    if not files(entry):
        _convert_given(name, entry, out)
        return
    (file,) = files(entry)
    path = downloads / file
    inputs = {file: recorded_sha256(path)}
    architecture = entry["architecture"]
    if entry.get("padding", "torchvision") != "torchvision":
        architecture = f"{architecture}-{entry['padding']}"
    weights = _complete(_backbone(path, entry), architecture, path)
    metadata = {"architecture": architecture, "normalisation": normalisation(entry)}
    made_by = provenance({"checkpoint": name}) | {"inputs": inputs}
    write_arrays(out, weights, metadata | {"made_by": made_by})


def _convert_given(name: str, entry: dict[str, Any], out: Path) -> None:
    """Of the user's own files and functions, and of other packages' networks."""
    from pedrank.catalogue.architecture import code_sha256
    from pedrank.checkpoints import user_weights

    if "architecture" not in entry:
        raise InputError(f"{name}: this checkpoint has features only; it has no weights")
    weights, said = user_weights.read_user_weights(entry)
    if "normalisation" in entry:
        said["normalisation"] = normalisation(entry)
    code = code_sha256(entry["architecture"])
    said |= {"code_sha256": code} if code else {}
    inputs = [entry["weights"]] if "weights" in entry else []
    made_by = provenance({"checkpoint": name, "pretrained": entry.get("pretrained", not inputs)}, inputs)
    write_arrays(out, weights, {"architecture": entry["architecture"]} | said | {"made_by": made_by})


def normalisation(entry: dict[str, Any]) -> dict[str, list[float]]:
    """The mean and the standard deviation that an entry gives, or names."""
    given = entry["normalisation"]
    return NORMALISATIONS[given] if isinstance(given, str) else {key: list(given[key]) for key in ("mean", "std")}


def _backbone(path: Path, entry: dict[str, Any]) -> dict[str, np.ndarray]:
    """The backbone's tensors by the network's names, with nothing left out silently but what the entry says."""
    from pedrank.checkpoints.converters import haiku, simclr
    from pedrank.formats import torch_file

    drop = tuple(entry.get("drop", []))
    if entry["format"] == "haiku":
        return haiku.read_haiku(path, drop)
    if entry["format"] == "simclr":
        return simclr.read_simclr(path)
    weights = torch_file.read_weights(path, entry.get("unwrap", []), entry.get("prefix", ""))
    return {key: value for key, value in weights.items() if not key.startswith(drop)}


def _complete(weights: dict[str, np.ndarray], architecture: str, path: Path) -> dict[str, np.ndarray]:
    """Exactly the network's keys, shapes and types, all values finite.

    Counters of batches, which old files lack, become 0; floats of another precision become float32.
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
        raise InputError(f"{path}: not the weights of {architecture}: {wanted}; fetch it again")
    for key, value in weights.items():
        if value.dtype.kind != ("f" if expected[key].is_floating_point() else "i"):
            raise InputError(f"{path}: '{key}' holds {value.dtype} numbers; fetch it again")
        with np.errstate(over="ignore"):  # infinite in float32: refused below
            weights[key] = value = value.astype(np.float32 if value.dtype.kind == "f" else np.int64, copy=False)
        if not np.isfinite(value).all() or (key.endswith("running_var") and (value < 0).any()):
            raise InputError(
                f"{path}: '{key}' holds values that are not finite, or a negative variance; fetch it again"
            )
    return weights
