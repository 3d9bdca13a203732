"""BYOL's checkpoint: from the names of haiku's parameters and state to torchvision's names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pedrank.formats.pickle_file import Array, Record, read_pickle
from pedrank.utils.errors import InputError

# Names after that of the network; in the state, mean_ema or var_ema follows. A suffix _1 marks a later use.
_NAMES = {
    r"initial_conv(_1)?": "conv1",
    r"initial_batchnorm(_1)?": "bn1",
    r"block_group_(?P<group>\d)/~/block_(?P<block>\d)/~/conv_(?P<conv>\d)": "layer{group}.{block}.conv{conv}",
    r"block_group_(?P<group>\d)/~/block_(?P<block>\d)/~/batchnorm_(?P<conv>\d)": "layer{group}.{block}.bn{conv}",
    r"block_group_(?P<group>\d)/~/block_(?P<block>\d)/~/shortcut_conv": "layer{group}.{block}.downsample.0",
    r"block_group_(?P<group>\d)/~/block_(?P<block>\d)/~/shortcut_batchnorm": "layer{group}.{block}.downsample.1",
}
_PARAMETERS = {"w": "weight", "scale": "weight", "offset": "bias"}
_STATE = {"mean_ema": "running_mean", "var_ema": "running_var"}


def backbone(path: Path, entry: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The backbone's weights in BYOL's online network, by torchvision's names.

    Convolutions go from (height, width, in, out) to (out, in, height, width), batch norms from (1, 1, 1, C) to (C,).

    Args:
        path: The pickle file.
        entry: Its catalogue entry: `drop` lists prefixes of modules outside the backbone.

    Raises:
        InputError: The file does not hold BYOL's ResNet-50.
    """
    drop = tuple(entry.get("drop", ()))
    experiment = _mapping(read_pickle(path)).get("experiment_state")
    if not isinstance(experiment, (list, tuple)) or len(experiment) < 3:
        raise InputError(f"{path}: no experiment_state of BYOL inside; download the file again")
    parameters, state = _mapping(experiment[0]), _mapping(experiment[2])
    weights = {}
    for module, values in parameters.items():
        if module.startswith(drop):
            continue
        for name, value in _mapping(values).items():
            key = f"{_translate(module, path)}.{_PARAMETERS.get(name, name)}"
            array = _array(value)
            weights[key] = array.transpose(3, 2, 0, 1) if array.ndim == 4 and name == "w" else array.reshape(-1)
    for module, values in state.items():
        if module.startswith(drop):
            continue
        layer, _, average = module.rpartition("/~/")
        if average not in _STATE:
            raise InputError(f"{path}: not BYOL's ResNet-50: unknown state '{module}'; download the file again")
        weights[f"{_translate(layer, path)}.{_STATE[average]}"] = _array(_mapping(values).get("average")).reshape(-1)
    return weights


def _translate(module: str, path: Path) -> str:
    name = module.split("/~/", 1)[-1]  # without the name of the network
    for pattern, target in _NAMES.items():
        found = re.fullmatch(pattern, name)
        if found:
            numbers = {key: int(value) for key, value in found.groupdict().items() if key in ("group", "block", "conv")}
            return target.format(**{key: value + (key != "block") for key, value in numbers.items()})
    raise InputError(f"{path}: not BYOL's ResNet-50: unknown module '{module}'; download the file again")


def _mapping(value: Any) -> Mapping[str, Any]:
    """The items of a dictionary, or of haiku's record of one, whose keys are text."""
    if isinstance(value, Record) and value and isinstance(value[0], dict):
        value = value[0]
    return {key: item for key, item in value.items() if isinstance(key, str)} if isinstance(value, dict) else {}


def _array(value: Any) -> np.ndarray:
    return (
        value.value if isinstance(value, Array) else np.empty(0)
    )  # fits no layer, so a later check refuses it by name
