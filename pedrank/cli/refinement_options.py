"""Files of features and of reference statistics, as `pedrank score` and `pedrank refine` read them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pedrank.utils.errors import InputError, about

if TYPE_CHECKING:
    from pedrank.observation.refinement import Refinement
    from pedrank.observation.statistics import ReferenceStatistics


def refinement_asked_for(
    arguments: argparse.Namespace, features: np.ndarray, labels: np.ndarray
) -> tuple[Refinement | None, str | None]:
    """PED with the options of the command line, if it is asked for, and what its reference statistics are of."""
    from pedrank.observation.statistics import ReferenceStatistics
    from pedrank.refinements.ped import refine

    if arguments.refine is None:
        if arguments.reference is not None:
            raise InputError("--reference rescales features before PED; give --refine LAMBDA with it")
        return None, None
    if arguments.reference is None:
        print("note: no --reference, so these features rescale themselves, which is not what PED does", file=sys.stderr)
        reference = ReferenceStatistics.from_features(features)
    else:
        reference = read_reference(arguments.reference)
    of = str(arguments.reference) if arguments.reference else "the features themselves"
    with about(arguments.file):
        return refine(features, labels, reference, lam=arguments.refine, mode=arguments.mode), of


def read_reference(path: Path) -> ReferenceStatistics:
    """Statistics from a file (.npz, .safetensors, or .npy of features) with `mean` and `std`, or with `features`.

    Raises InputError for a file that cannot be read, or has neither.
    """
    from pedrank.formats.numpy_file import opened
    from pedrank.observation.statistics import ReferenceStatistics
    from pedrank.store.artefacts import read_arrays

    if path.suffix == ".safetensors":
        arrays = read_arrays(path)
    else:
        with opened(path, "correct --reference") as content:
            arrays = {"features": content} if isinstance(content, np.ndarray) else dict(content)
    with about(path):
        if "mean" in arrays and "std" in arrays:
            return ReferenceStatistics(arrays["mean"], arrays["std"])
        if "features" in arrays:
            return ReferenceStatistics.from_features(arrays["features"])
    raise InputError(f"{path}: neither `mean` and `std` nor `features` inside; save one of them")
