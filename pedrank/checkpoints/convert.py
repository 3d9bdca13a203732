"""A checkpoint of any source format as strict backbone weights: exactly the network's keys, no head, no pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pedrank.artefacts import provenance, read_arrays, read_metadata, write_arrays
from pedrank.catalogue import PACKAGE, catalogue
from pedrank.errors import InputError

NORMALISATIONS = {
    "imagenet": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
    "none": {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]},
}


def convert(name: str, download: Path | None, out: Path) -> None:
    """Write the checkpoint `name` of the catalogue to `out`; `download` is its fetched file, none for a shipped one.

    Raises InputError for a format that is not read yet, a file that is no dictionary of tensors, a wrong key or shape.
    """
    entry = catalogue("checkpoints")[name]
    if entry["zoo"] == "tiny":
        shipped = PACKAGE / "checkpoints/tiny" / f"{name}.safetensors"
        write_arrays(out, read_arrays(shipped), read_metadata(shipped))
        return
    if entry["format"] != "torch":
        raise InputError(f"{name}: reading the {entry['format']} format is not built yet; take it out of `checkpoints`")
    assert download is not None
    weights = _complete(_backbone(download, entry), entry["architecture"], download)
    metadata = {"architecture": entry["architecture"], "normalisation": NORMALISATIONS[entry["normalisation"]]}
    write_arrays(out, weights, metadata | {"made_by": provenance({"checkpoint": name}, [download])})


def _backbone(path: Path, entry: dict[str, Any]) -> dict[str, np.ndarray]:
    """The tensors of a torch file whose names start with the entry's prefix, without it and without a head."""
    import pickle

    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        for key in entry.get("unwrap", []):
            content = content[key]
        tensors = {key: value for key, value in content.items() if isinstance(value, torch.Tensor)}
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, AttributeError, TypeError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise InputError(
            f"{path}: not a torch file of plain tensors as {entry['url']} has it ({reason}); fetch it again"
        ) from None
    prefix = entry.get("prefix", "")
    named = {key.removeprefix(prefix): value.numpy() for key, value in tensors.items() if key.startswith(prefix)}
    heads = ("fc.", "head.", "head_jig.", "projection_head.", "prototypes.")
    return {key: value for key, value in named.items() if not key.startswith(heads)}


def _complete(weights: dict[str, np.ndarray], architecture: str, path: Path) -> dict[str, np.ndarray]:
    """Exactly the network's keys and shapes; counters of batches, which old files lack, become 0."""
    from pedrank.networks import build

    expected = {key: value.numpy() for key, value in build(architecture).state_dict().items()}
    counters = {key: np.zeros_like(value) for key, value in expected.items() if key.endswith("num_batches_tracked")}
    weights = counters | weights
    wrong = sorted(set(weights) ^ set(expected)) or [
        key for key in expected if weights[key].shape != expected[key].shape
    ]
    if wrong:
        wanted = f"{len(wrong)} keys missing, surplus or misshapen, first '{wrong[0]}'"
        raise InputError(f"{path}: not the weights of {architecture}: {wanted}; fetch it again")
    return weights
