"""A user's own checkpoints: a file of weights for a known network, or a network that comes with its weights.

A file may be a container, as training code writes them (`weights_in_file`), and its names may have a prefix. The prefix
is found by looking for the one under which all weights of the network exist. Classifiers are left out; any other weight
that the network does not have is an error.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pedrank.catalogue.architecture import code_sha256
from pedrank.checkpoints.normalisations import NORMALISATIONS, normalisation
from pedrank.checkpoints.weights_in_file import Weights, is_averaged, plain_name, weights_in_file
from pedrank.formats.torch_file import tensors
from pedrank.networks.build import build, preprocessing
from pedrank.networks.feature_dim import feature_dim
from pedrank.utils.errors import InputError, about

PROBE = 224  # side in pixels of the images that measure the width of features, if no size is given


def weights_and_metadata(name: str, entry: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The weights of a user's checkpoint, and the properties of its network.

    Args:
        name: Name of the checkpoint.
        entry: Its entry in the catalogue.

    Returns:
        Weights by the network's names; and `architecture`, `normalisation`, `feature_dim`, for a network that the
        user's code builds `code_sha256`, and `notes`, if there was a choice between several sets of weights.

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
    notes: list[str] = []
    if "weights" in entry:
        entry = {**entry, "drop": (*entry.get("drop", ()), *getattr(network, "drop", ()))}
        weights, notes = _chosen(Path(entry["weights"]), network.state_dict(), entry)
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
    metadata |= {"code_sha256": code} if code else {}
    return tensors(network.state_dict()), metadata | ({"notes": notes} if notes else {})


def _chosen(
    path: Path, expected: Mapping[str, torch.Tensor], entry: Mapping[str, Any]
) -> tuple[dict[str, np.ndarray], list[str]]:
    """The first set of weights in a file that fits the network, and notes on the choice."""
    notes: list[str] = []

    def note(text: str) -> None:
        print(f"note: {path}: {text}", file=sys.stderr)
        if "EMA" in text:
            notes.append(text)

    sets = weights_in_file(path, entry.get("unwrap"))
    for number, weights in enumerate(sets):
        try:
            found = match(weights.state, expected, entry["drop"], path, entry.get("prefix"), note)
        except InputError as error:
            if number + 1 == len(sets):
                raise
            reason = str(error).removeprefix(f"{path}: ").partition(";")[0]
            note(f"the averaged weights (EMA) under {_where(weights)} were not used: {reason}")
            continue
        rest = sets[number + 1 :]
        if weights.averaged and rest:
            plain = rest[-1]
            note(
                f"the averaged weights (EMA) under {_where(weights)} were taken; for the plain ones, add --unwrap "
                f"{' '.join(plain.keys)}".rstrip()
                + f", or `unwrap: [{', '.join(plain.keys)}]` in a catalogue"
            )
        elif weights.averaged:
            note(f"the averaged weights (EMA) under {_where(weights)} were taken; the file has no plain ones")
        return found, notes
    raise AssertionError("a file has at least one set of weights")


def _where(weights: Weights) -> str:
    return "'" + ".".join(weights.keys) + "'" if weights.keys else "no key"


def match(
    state: Mapping[str, np.ndarray],
    expected: Mapping[str, torch.Tensor],
    drop: Sequence[str],
    path: Path,
    prefix: str | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> dict[str, np.ndarray]:
    """Select exactly the weights of a network from the tensors of a file, whose names may have a prefix.

    Tensors outside the prefix are left out, and so are those that begin with one of `drop`; a note names both. Batch
    counters may be missing. If the weights occur plain and averaged (EMA), the averaged ones are selected.

    Args:
        state: The file's tensors by name.
        expected: The network's tensors by name.
        drop: Prefixes of tensors to leave out, such as a classifier's.
        path: The file, for messages.
        prefix: The prefix; searched for if None.
        note: Is called with each note.

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
    prefixes = [plain_name(prefix)] if prefix is not None else _prefixes(state, needed)

    def lacking(start: str) -> list[str]:
        return [name for name, shape in needed.items() if getattr(state.get(start + name), "shape", None) != shape]

    fitting = [start for start in prefixes if not lacking(start)]
    if not fitting:
        best = min(prefixes, key=lambda start: len(lacking(start)))
        raise InputError(f"{path}: {_misfit(state, wanted, lacking(best), best)}")
    averaged, plain = ([start for start in fitting if is_averaged(start) is kind] for kind in (True, False))
    if len(averaged) == len(plain) == 1:
        note(
            f"the averaged weights (EMA) under '{averaged[0]}' were taken; for the plain ones, add --prefix "
            f"'{plain[0]}', or `prefix: '{plain[0]}'` in a catalogue"
        )
        fitting = averaged
    if len(fitting) > 1:
        shown = " and ".join(repr(start) for start in fitting[:2])
        raise InputError(
            f"{path}: these weights occur twice, under {shown}; choose one with --prefix {fitting[0] or repr('')}, or "
            "with `prefix` in a catalogue (docs/own-data.md)"
        )
    (start,) = fitting
    inside = {name.removeprefix(start): array for name, array in state.items() if name.startswith(start)}
    surplus = [name for name in inside if name not in wanted and not name.startswith(tuple(drop))]
    surplus = [name for name in surplus if not is_averaged(name)]
    if surplus:
        part, point, _ = surplus[0].partition(".")
        raise InputError(
            f"{path}: the architecture lacks {len(surplus)} of these weights, first '{surplus[0]}'; if they do not "
            f"belong to the backbone, leave them out with --drop {part}{point}, or with `drop` in a catalogue "
            "(docs/own-data.md)"
        )
    left = [name for name in state if not name.startswith(start) or name.removeprefix(start) not in wanted]
    if left:
        note(f"{len(left)} weights were left out, first '{left[0]}'")
    unused = [name for name in left if is_averaged(name)]
    if unused and not averaged:
        note(
            f"{len(unused)} averaged weights (EMA) were not used, first '{unused[0]}': their names do not fit the "
            "architecture"
        )
    zero = np.zeros((), np.int64)
    return {name: _like(inside.get(name, zero), expected[name], name, path) for name in wanted}


def _misfit(state: Mapping[str, np.ndarray], wanted: Mapping[str, Any], wrong: Sequence[str], start: str) -> str:
    """How a file differs from the network under the prefix that fits best."""
    needed = sum(not name.endswith("num_batches_tracked") for name in wanted)
    surplus = [name for name in state if name.removeprefix(start) not in wanted]
    found = f"; {len(surplus)} surplus, first '{surplus[0]}'" if surplus else ""
    shape = getattr(state.get(start + wrong[0]), "shape", None)
    shapes = f" (shape {shape}, not {wanted[wrong[0]]})" if shape is not None else ""
    if any("lora_" in name for name in state):
        return (
            "an adapter (LoRA) and no whole network; merge it into the network, and save the network's `state_dict()`"
        )
    return (
        f"not the weights of this architecture: {len(wrong)} of {needed} missing or misshapen, first '{wrong[0]}'"
        f"{shapes}{found}; name the architecture that the file was saved from"
    )


def _prefixes(state: Mapping[str, np.ndarray], needed: Mapping[str, Any]) -> list[str]:
    """Candidates for the prefix: the text before the network's first name, wherever that occurs in the file."""
    first = next(iter(needed))
    starts = [name[: -len(first)] for name in state if name.endswith(first)]
    return [start for start in starts if not start or start.endswith(".")] or [""]


def _like(array: np.ndarray, expected: torch.Tensor, name: str, path: Path) -> np.ndarray:
    """The array in the precision of the network's tensor; InputError if a value is not finite."""
    array = np.asarray(array).astype(torch.empty(0, dtype=expected.dtype).numpy().dtype)
    if not np.isfinite(array).all():
        raise InputError(
            f"{path}: '{name}' has values that are not finite; use a checkpoint from before its training diverged"
        )
    return array
