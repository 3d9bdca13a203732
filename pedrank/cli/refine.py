"""Refine a file of features by PED, and write the features, or only the displacement of each class.

    pedrank refine features.npz --refine 0.6 --reference reference.npz --out refined.npz
    pedrank refine features.npz --refine 0.6 --reference reference.npz --out moved.safetensors --displacement

The first command writes `features` (N, D) and `labels` (N,). The second writes the displacement (C, D) of each class
and the force at each step. Files have the format of `pedrank score`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pedrank.cli.score import add_refinement


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pedrank refine`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="features and labels")
    add_refinement(parser, required=True)
    parser.add_argument(
        "--displacement", action="store_true", help="write the displacement of each class instead of features"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="output file: .npz or .safetensors")


def run(arguments: argparse.Namespace) -> int:
    """Write the refined features, or the displacements."""
    import numpy as np

    from pedrank.cli.refinement_options import refinement_of
    from pedrank.refinements import refinement_file
    from pedrank.store.artefacts import atomic, provenance, write_arrays
    from pedrank.user_data.feature_files import read_features
    from pedrank.utils.errors import InputError
    from pedrank.utils.memory import check_free

    suffix = arguments.out.suffix
    if suffix not in ({".safetensors"} if arguments.displacement else {".npz", ".safetensors"}):
        raise InputError(
            f"--out: {arguments.out} must end with .safetensors{' or .npz' * (not arguments.displacement)}"
        )
    features, labels = read_features(arguments.file)
    refinement, reference = refinement_of(arguments, features, labels)
    if not arguments.displacement:
        check_free(f"{arguments.file}: the refined features", 4 * features.size, "write the --displacement instead")
    inputs = [file for file in (arguments.file, arguments.reference) if file is not None]
    made_by = provenance(refinement.options | {"reference": reference}, inputs)
    if arguments.displacement:
        refinement_file.save_refinement(arguments.out, refinement, made_by)
    elif suffix == ".npz":
        with atomic(arguments.out) as temporary:
            np.savez(temporary, features=refinement.apply(features, labels), labels=labels)
    else:
        write_arrays(arguments.out, {"features": refinement.apply(features, labels), "labels": labels}, made_by)
    print(f"{arguments.out}: {refinement.steps} steps of PED")
    return 0
