"""A user's own checkpoints: a file of weights for a known network, or a network that comes with its weights.

A file may be a container, as training code writes them, and its names may have a prefix. The prefix is found by looking
for the one under which all weights of the network exist. Classifiers are left out; any other weight that the network
does not have is an error.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pedrank.catalogue.architecture import code_sha256
from pedrank.checkpoints.normalisations import NORMALISATIONS, normalisation
from pedrank.formats.torch_file import read_torch, tensors, unwrapped
from pedrank.networks.build import build, preprocessing
from pedrank.networks.feature_dim import feature_dim
from pedrank.store.artefacts import read_arrays
from pedrank.utils.errors import InputError, about

CONTAINERS = ("state_dict", "model_state_dict", "model", "net", "network", "module", "backbone", "encoder")
DEEPEST = 4  # containers within containers; a dictionary in a file can contain itself
PROBE = 224  # side in pixels of the images that measure the width of features, if no size is given


def weights_and_metadata(name: str, entry: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The weights of a user's checkpoint, and the properties of its network.

    Args:
        name: Name of the checkpoint.
        entry: Its entry in the catalogue.

    Returns:
        Weights by the network's names; and `architecture`, `normalisation`, `feature_dim` and, for a network that the
        user's code builds, `code_sha256`.

    Raises:
        InputError: The checkpoint has no weights, its file does not fit the network, or the network does not return
            one row of features per image.
    """
    if "architecture" not in entry:
        raise InputError(
            f"{name}: this checkpoint has features and no weights, so it cannot be converted; remove it from the study"
        )
    architecture = entry["architecture"]
    pretrained = False if "weights" in entry else entry.get("pretrained", True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # so that random weights are the same every time
        network = build(architecture, pretrained)
    configured = preprocessing(architecture, pretrained)
    if "weights" in entry:
        path = Path(entry["weights"])
        drop = (*entry.get("drop", ()), *getattr(network, "drop", ()))
        weights = match(_file(path, entry.get("unwrap")), network.state_dict(), drop, path, entry.get("prefix"))
        network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in weights.items()})
    side = entry.get("image_size") or configured.get("image_size") or PROBE
    with about(architecture):
        width = feature_dim(network, side)
    if "normalisation" in entry:
        configured["normalisation"] = normalisation(entry)
    metadata = {
        "architecture": architecture,
        "normalisation": configured.get("normalisation", NORMALISATIONS["imagenet"]),
        "feature_dim": width,
    }
    code = code_sha256(architecture)
    return tensors(network.state_dict()), metadata | ({"code_sha256": code} if code else {})


def match(
    state: Mapping[str, np.ndarray],
    expected: Mapping[str, torch.Tensor],
    drop: Sequence[str],
    path: Path,
    prefix: str | None = None,
) -> dict[str, np.ndarray]:
    """Select exactly the weights of a network from the tensors of a file, whose names may have a prefix.

    Tensors outside the prefix are left out, and so are those that begin with one of `drop`; a note on stderr names
    both. Batch counters may be missing.

    Args:
        state: The file's tensors by name.
        expected: The network's tensors by name.
        drop: Prefixes of tensors to leave out, such as a classifier's.
        path: The file, for messages.
        prefix: The prefix; searched for if None.

    Returns:
        Weights by the network's names, in the network's precision.

    Raises:
        InputError: A weight is missing, misshapen, surplus or not finite, or two prefixes fit.

    >>> expected = {"weight": torch.zeros(2)}
    >>> match({"net.weight": np.ones(2)}, expected, drop=(), path=Path("mine.pth"))
    {'weight': array([1., 1.], dtype=float32)}
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
        found = f"; {len(surplus)} surplus, first '{surplus[0]}'" if surplus else ""
        raise InputError(
            f"{path}: not the weights of this architecture: {len(wrong)} of {len(needed)} missing or misshapen, first "
            f"'{wrong[0]}'{found}; name the architecture that the file was saved from"
        )
    if len(fitting) > 1:
        shown = " and ".join(repr(start) for start in fitting[:2])
        raise InputError(
            f"{path}: these weights occur twice, under {shown}; set one as `prefix` in a catalogue (docs/own-data.md)"
        )
    (start,) = fitting
    inside = {name.removeprefix(start): array for name, array in state.items() if name.startswith(start)}
    surplus = [name for name in inside if name not in wanted and not name.startswith(tuple(drop))]
    if surplus:
        raise InputError(
            f"{path}: the architecture lacks {len(surplus)} of these weights, first '{surplus[0]}'; if they do not "
            "belong to the backbone, list their prefix in `drop` in a catalogue (docs/own-data.md)"
        )
    left = [name for name in state if not name.startswith(start) or name.removeprefix(start) not in wanted]
    if left:
        print(f"note: {path}: {len(left)} weights were left out, first '{left[0]}'", file=sys.stderr)
    zero = np.zeros((), np.int64)
    return {name: _like(inside.get(name, zero), expected[name], name, path) for name in wanted}


def _file(path: Path, unwrap: Sequence[str] | None) -> dict[str, np.ndarray]:
    """The tensors of a file, taken out of its containers; `unwrap` names the containers."""
    if not path.is_file():
        raise InputError(f"{path}: no such file of weights; correct the path")
    if path.suffix == ".safetensors":
        return dict(read_arrays(path))
    content = unwrapped(read_torch(path), unwrap or (), path)
    weights = tensors(content) if unwrap is not None else _contained(content)
    if not weights:
        keys = ", ".join(" ".join(str(key).split())[:40] for key in list(content)[:5])
        raise InputError(
            f"{path}: no weights under the keys {keys}; list the keys that contain them in `unwrap` in a catalogue "
            "(docs/own-data.md)"
        )
    return weights


def _contained(content: Mapping[str, Any], depth: int = 0) -> dict[str, np.ndarray]:
    """The tensors of the first container that has any, or else the dictionary's own: a score may stand beside one."""
    for key in CONTAINERS if depth < DEEPEST else ():
        inner = content.get(key)
        found = _contained(inner, depth + 1) if isinstance(inner, Mapping) else {}
        if found:
            return found
    return tensors(content)


def _prefixes(state: Mapping[str, np.ndarray], needed: Mapping[str, Any]) -> list[str]:
    """Candidates for the prefix: the text before the network's first name, wherever that occurs in the file."""
    first = next(iter(needed))
    starts = [name[: -len(first)] for name in state if name.endswith(first)]
    return [start for start in starts if not start or start.endswith(".")] or [""]


def _like(array: np.ndarray, expected: torch.Tensor, name: str, path: Path) -> np.ndarray:
    """The array in the precision of the network's tensor; InputError if a value is not finite."""
    array = np.asarray(array).astype(torch.empty(0, dtype=expected.dtype).numpy().dtype)
    if not np.isfinite(array).all():
        raise InputError(f"{path}: '{name}' has values that are not finite; get another file")
    return array
