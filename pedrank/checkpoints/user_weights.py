"""Checkpoints of the user's own: a file of weights for a known network, or a network that brings its weights.

A file may be a container, as training code writes them, and its names may have a prefix: the beginning is looked for
under which all weights of the network are found. Classifiers are left out; everything else that the network does not
know is an error.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pedrank.checkpoints.normalisations import NORMALISATIONS
from pedrank.formats.torch_file import read_torch, tensors, unwrapped
from pedrank.networks.build import build, preprocessing
from pedrank.networks.feature_dim import feature_dim
from pedrank.store.artefacts import read_arrays
from pedrank.utils.errors import InputError, about

CONTAINERS = ("state_dict", "model_state_dict", "model", "net", "network", "module", "backbone", "encoder")
PROBE = 224  # pixels of the images that the width of features is found with, where nothing names a size


def read_user_weights(entry: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The weights of a catalogue entry by the network's names, and what the network and its configuration say.

    The second has `normalisation` and `feature_dim`. Raises InputError for a file that does not fit the network, and a
    network that does not return one row of features per image.
    """
    architecture = entry["architecture"]
    pretrained = False if "weights" in entry else entry.get("pretrained", True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # random weights are the same ones every time
        network = build(architecture, pretrained)
    said = preprocessing(architecture, pretrained)
    if "weights" in entry:
        path = Path(entry["weights"])
        drop = (*entry.get("drop", ()), *getattr(network, "drop", ()))
        weights = match(_file(path, entry.get("unwrap")), network.state_dict(), drop, path, entry.get("prefix"))
        network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in weights.items()})
    side = entry.get("image_size") or said.get("image_size") or PROBE
    with about(architecture):
        width = feature_dim(network, side)
    weights = tensors(network.state_dict())
    return weights, {"normalisation": said.get("normalisation", NORMALISATIONS["imagenet"]), "feature_dim": width}


def match(
    state: Mapping[str, np.ndarray],
    expected: Mapping[str, torch.Tensor],
    drop: Sequence[str],
    path: Path,
    prefix: str | None = None,
) -> dict[str, np.ndarray]:
    """Exactly the weights `expected`, from a file's tensors whose names may begin with a prefix.

    Counters of batches may be missing. What stands outside the prefix is left out, and so is what begins with one of
    `drop`; both are said on standard error. Raises InputError, in one line, for what is missing, misshapen or surplus,
    and where two prefixes fit.
    """
    wanted = {name: tuple(tensor.shape) for name, tensor in expected.items()}
    needed = {name: shape for name, shape in wanted.items() if not name.endswith("num_batches_tracked")}
    prefixes = [prefix] if prefix is not None else _prefixes(state, needed)

    def lacking(start: str) -> list[str]:
        return [name for name, shape in needed.items() if getattr(state.get(start + name), "shape", None) != shape]

    fitting = [start for start in prefixes if not lacking(start)]
    if not fitting:
        best = min(prefixes, key=lambda start: len(lacking(start)))
        wrong = lacking(best)
        surplus = [name for name in state if name.removeprefix(best) not in wanted]
        found = f"; surplus {len(surplus)}, first '{surplus[0]}'" if surplus else ""
        raise InputError(
            f"{path}: not the weights of this architecture: {len(wrong)} of {len(needed)} missing or misshapen, first "
            f"'{wrong[0]}'{found}; name the architecture that they were saved from"
        )
    if len(fitting) > 1:
        shown = " and ".join(repr(start) for start in fitting[:2])
        raise InputError(f"{path}: holds these weights twice, under {shown}; say which by `prefix` in a catalogue")
    (start,) = fitting
    inside = {name.removeprefix(start): array for name, array in state.items() if name.startswith(start)}
    surplus = [name for name in inside if name not in wanted and not name.startswith(tuple(drop))]
    if surplus:
        raise InputError(
            f"{path}: {len(surplus)} weights that the architecture does not have, first '{surplus[0]}'; if they are no "
            "part of the backbone, name their beginning under `drop` in a catalogue"
        )
    left = [name for name in state if not name.startswith(start) or name.removeprefix(start) not in wanted]
    if left:
        print(f"note: {path}: {len(left)} weights left out, first '{left[0]}'", file=sys.stderr)
    zero = np.zeros((), np.int64)
    return {name: _like(inside.get(name, zero), expected[name], name, path) for name in wanted}


def _file(path: Path, unwrap: Sequence[str] | None) -> dict[str, np.ndarray]:
    """The tensors of a file, out of the containers that they may lie in; `unwrap` names these."""
    if not path.is_file():
        raise InputError(f"{path}: no such file of weights; correct the path")
    if path.suffix == ".safetensors":
        return dict(read_arrays(path))
    content = unwrapped(read_torch(path), unwrap or (), path)
    while unwrap is None and not tensors(content):
        inner = [key for key in CONTAINERS if isinstance(content.get(key), Mapping)]
        if not inner:
            raise InputError(
                f"{path}: no weights in it (it has {', '.join(map(str, list(content)[:5]))}); see `unwrap`"
            )
        content = content[inner[0]]
    return tensors(content)


def _prefixes(state: Mapping[str, np.ndarray], needed: Mapping[str, Any]) -> list[str]:
    """What may stand before the network's names: what stands before its first one, wherever the file has that."""
    first = next(iter(needed))
    starts = [name[: -len(first)] for name in state if name.endswith(first)]
    return [start for start in starts if not start or start.endswith(".")] or [""]


def _like(array: np.ndarray, expected: torch.Tensor, name: str, path: Path) -> np.ndarray:
    """The array in the precision of the network's; finite."""
    array = np.asarray(array).astype(torch.empty(0, dtype=expected.dtype).numpy().dtype)
    if not np.isfinite(array).all():
        raise InputError(f"{path}: '{name}' holds values that are not finite; get another file")
    return array
