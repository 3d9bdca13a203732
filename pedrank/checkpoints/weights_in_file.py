"""The sets of weights in a user's file: taken out of the containers that training code writes, averaged ones first.

Many trainers keep an exponential moving average (EMA) of the weights beside the plain ones, and evaluate the average.
timm loads the average where there is one, and so does pedrank; a note says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pedrank.features.user_arrays import read_user_arrays
from pedrank.formats.pickle_file import Record
from pedrank.formats.torch_file import read_torch, tensors, unwrapped
from pedrank.formats.weights_format import weights_format
from pedrank.utils.errors import InputError

CONTAINERS = ("state_dict", "model_state_dict", "model", "net", "network", "module", "backbone", "encoder", "params")
DEEPEST = 4  # containers within containers; a dictionary in a file can contain itself
_AVERAGED = re.compile(r"(^|[._])ema([._]|$)", re.IGNORECASE)
# Wrappers of torch.compile, FSDP and activation checkpointing, which put their names between those of the network
_WRAPPERS = re.compile(r"(?<![^.])(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
_REMEDY = "save the network's `state_dict()` with torch.save again, or use a complete copy of the file"
# Trainers that save the average under `state_dict`: keys that show it, and the key of the plain weights
_SWAPPED = {
    ("current_model_state", "averaging_state"): "current_model_state",  # Lightning's WeightAveraging
    ("message_hub", "ema_state_dict"): "ema_state_dict",  # mmengine's EMAHook exchanges the two before it saves
}


class Weights(NamedTuple):
    """One set of weights of a file."""

    keys: tuple[str, ...]  # that lead to it, outermost first
    state: dict[str, np.ndarray]
    averaged: bool = False  # an EMA


def weights_in_file(path: Path, unwrap: Sequence[str] | None = None) -> list[Weights]:
    """Read the sets of weights of a file, the one to use first.

    Args:
        path: The file.
        unwrap: Keys that lead to the weights, outermost first; searched for if None.

    Returns:
        The averaged weights, if there are any, then the plain ones; one set if `unwrap` is given.

    Raises:
        InputError: The file has another format, is damaged, or holds no weights.
    """
    if weights_format(path) == "safetensors":
        return [Weights((), _plain_names(read_user_arrays(path)))]
    content = read_torch(path, _REMEDY)
    if unwrap is not None:
        found = [Weights(tuple(unwrap), tensors(unwrapped(content, unwrap, path)))]
    else:
        found = [_plain(content), *_averaged(content)]
        found = [*_swapped(content, found)] or sorted(found, key=lambda each: not each.averaged)
    found = [Weights(keys, _plain_names(state), averaged) for keys, state, averaged in found if state]
    if not found:
        raise InputError(f"{path}: {_reason(unwrapped(content, unwrap or (), path))}")
    return found


def is_averaged(name: str) -> bool:
    """Whether a name says that weights are an EMA.

    >>> [is_averaged(name) for name in ("state_dict_ema", "ema_model.module.", "schema")]
    [True, True, False]
    """
    return _AVERAGED.search(name) is not None


def plain_name(name: str) -> str:
    """The name of a weight without the wrappers of torch.compile, FSDP and activation checkpointing.

    >>> plain_name("model._orig_mod.layer1.0._checkpoint_wrapped_module.conv1.weight")
    'model.layer1.0.conv1.weight'
    """
    return _WRAPPERS.sub("", name)


def _plain_names(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {plain_name(name): array for name, array in state.items()}


def _plain(content: Mapping[str, Any], keys: tuple[str, ...] = ()) -> Weights:
    """The tensors of the first container that has any, or else the dictionary's own: a score may stand beside one."""
    for key in CONTAINERS if len(keys) < DEEPEST else ():
        inner = content.get(key)
        if isinstance(inner, Mapping):
            found = _plain(inner, (*keys, key))
            if found.state:
                return found
    return Weights(keys, tensors(content))


def _averaged(content: Mapping[str, Any]) -> Iterator[Weights]:
    """The averaged weights beside the plain ones, within a container, or in the state of a callback of Lightning."""
    places: list[tuple[tuple[str, ...], Any]] = [((), content)]
    places += [((key,), content.get(key)) for key in CONTAINERS]
    callbacks = content.get("callbacks")
    if isinstance(callbacks, Mapping):
        places += [(("callbacks", name), inner) for name, inner in callbacks.items() if isinstance(name, str)]
    for keys, place in places:
        for name, inner in place.items() if isinstance(place, Mapping) else ():
            if isinstance(name, str) and is_averaged(name) and isinstance(inner, Mapping):
                found = _plain(inner, (*keys, name))
                if found.state:
                    yield found._replace(averaged=True)


def _swapped(content: Mapping[str, Any], found: Sequence[Weights]) -> Iterator[Weights]:
    """The two sets of a trainer that saves the average under `state_dict`; nothing for other files."""
    for signs, plain in _SWAPPED.items():
        if all(sign in content for sign in signs) and isinstance(content[plain], Mapping):
            yield found[0]._replace(averaged=True)
            yield _plain(content[plain], (plain,))


def _reason(content: Mapping[str, Any]) -> str:
    """Why a dictionary has no weights, and what to do."""
    whole = [str(key) for key, value in content.items() if isinstance(value, Record) and key in _WHOLE]
    if whole:
        return (
            f"holds a whole object under '{whole[0]}', such as a network, and no tensors; save the network's "
            "`state_dict()` with torch.save and use that file"
        )
    if {"state", "param_groups"} <= set(content) or (set(content) & _OPTIMISER and not set(content) & set(CONTAINERS)):
        return "holds the state of an optimiser and no weights; give the file with the network's `state_dict()`"
    inside = [str(key) for key, value in content.items() if isinstance(value, Mapping) and tensors(value)]
    if inside:
        return (
            f"has tensors under {' and '.join(map(repr, inside[:6]))}, and none of these is a usual key of weights; "
            f"choose one with --unwrap {inside[0]}, or with `unwrap` in a catalogue (docs/own-data.md)"
        )
    keys = ", ".join(" ".join(str(key).split())[:40] for key in list(content)[:5])
    return (
        f"no weights under the keys {keys}; name the keys that lead to them with --unwrap, or with `unwrap` in a "
        "catalogue (docs/own-data.md)"
    )


_WHOLE = {*CONTAINERS, "ema", "model_ema", "ema_model"}
_OPTIMISER = {"optimizer", "optimizer_state_dict", "optimizer_states", "opt"}
