"""The artefact of a refinement: the displacement of each class centre, the trajectory, and the options that made it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pedrank.artefacts import read_arrays, read_metadata, write_arrays
from pedrank.dynamics import Refinement

_ARRAYS = ("displacement", "force_ratios", "moves", "forces", "energy")


def save(path: str | os.PathLike, refinement: Refinement, made_by: Mapping[str, Any]) -> None:
    """Write a refinement as one safetensors file."""
    scalars = {"steps": refinement.steps, "final_energy": refinement.final_energy, "options": refinement.options}
    write_arrays(path, {name: getattr(refinement, name) for name in _ARRAYS}, scalars | {"made_by": dict(made_by)})


def load(path: str | os.PathLike) -> Refinement:
    """Read what `save` wrote; InputError when the file is missing or damaged."""
    metadata = read_metadata(path)
    scalars = {name: metadata[name] for name in ("steps", "final_energy", "options")}
    return Refinement(**read_arrays(path, *_ARRAYS), **scalars)
