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
    """As `refinement_of`, or (None, None) without --refine.

    Raises:
        InputError: --reference without --refine, or as `refinement_of`.
    """
    if arguments.refine is not None:
        return refinement_of(arguments, features, labels)
    if arguments.reference is not None:
        raise InputError("--reference has an effect only with PED; add --refine LAMBDA")
    return None, None


def refinement_of(arguments: argparse.Namespace, features: np.ndarray, labels: np.ndarray) -> tuple[Refinement, str]:
    """PED with the options of the command line, and the source of its reference statistics.

    Args:
        arguments: file, refine, reference and mode, as `pedrank.cli.score.add_refinement` reads them.
        features: (N, D).
        labels: (N,).

    Raises:
        InputError: The reference cannot be read, or does not fit the features.
    """
    from pedrank.observation.statistics import ReferenceStatistics
    from pedrank.refinements.ped import refine

    if arguments.reference is None:
        print(
            "note: without --reference, features are rescaled by their own statistics; the paper uses ImageNet's",
            file=sys.stderr,
        )
        reference = ReferenceStatistics.from_features(features)
    else:
        reference = read_reference(arguments.reference)
    of = str(arguments.reference) if arguments.reference else "the features themselves"
    with about(arguments.file):
        return refine(features, labels, reference, lam=arguments.refine, mode=arguments.mode), of


def read_reference(path: Path) -> ReferenceStatistics:
    """Reference statistics from a file with `mean` and `std` (D,), or with `features` (N, D).

    Args:
        path: .npz, .safetensors, or .npy with features.

    Raises:
        InputError: The file cannot be read, or has neither.
    """
    from pedrank.features.user_arrays import read_user_arrays
    from pedrank.formats.numpy_file import opened
    from pedrank.observation.statistics import ReferenceStatistics

    if path.suffix == ".safetensors":
        arrays = read_user_arrays(path)
    else:
        with opened(path, "correct --reference") as content:
            arrays = {"features": content} if isinstance(content, np.ndarray) else dict(content)
    with about(path):
        if "mean" in arrays and "std" in arrays:
            return ReferenceStatistics(arrays["mean"], arrays["std"])
        if "features" in arrays:
            return ReferenceStatistics.from_features(arrays["features"])
    raise InputError(f"{path}: neither `features` nor `mean` and `std` in this file; save one of the two")
