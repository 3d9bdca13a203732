"""Refinements as files: the displacement of each class centre, the path of the simulation, and its options."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pedrank.observation.refinement import Refinement
from pedrank.store.artefacts import described, read_arrays, write_arrays
from pedrank.utils.errors import InputError

_SCALARS = ("steps", "final_energy", "options")
_ARRAYS = ("displacement", "force_ratios", "moves", "forces", "energy")


def save_refinement(path: str | os.PathLike, refinement: Refinement, made_by: Mapping[str, Any]) -> None:
    """Write a refinement to one safetensors file.

    Args:
        path: File to write.
        refinement: The refinement; `mixing` is not written.
        made_by: Provenance to store: inputs and options.
    """
    scalars = {"steps": refinement.steps, "final_energy": refinement.final_energy, "options": refinement.options}
    write_arrays(path, {name: getattr(refinement, name) for name in _ARRAYS}, scalars | {"made_by": dict(made_by)})


def load_refinement(path: str | os.PathLike) -> Refinement:
    """Read a refinement that `save_refinement` wrote; InputError where the file is missing or damaged."""
    metadata = described(path, *_SCALARS)
    arrays = read_arrays(path, *_ARRAYS)
    if any(arrays[name].ndim != (2 if name == "displacement" else 1) for name in _ARRAYS):
        raise InputError(f"{path}: lacks arrays of a refinement; delete it and run again")
    fields: dict[str, Any] = {**arrays, **{name: metadata[name] for name in _SCALARS}}
    return Refinement(**fields)
