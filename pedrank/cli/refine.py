"""Move the classes of a file of features apart by PED, and write them, or only where each class goes.

    pedrank refine features.npz --refine 0.6 --reference reference.npz --out refined.npz
    pedrank refine features.npz --refine 0.6 --reference reference.npz --out moved.safetensors --displacement

The first writes `features` (N, D) and `labels` (N,), the second the displacement (C, D) of each class and the force,
step by step. Files are read as by `pedrank score`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pedrank.cli.score import add_refinement


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE")
    add_refinement(parser, required=True)
    parser.add_argument("--displacement", action="store_true", help="write where classes go, and no features")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help=".npz or .safetensors")


def run(arguments: argparse.Namespace) -> int:
    import numpy as np

    from pedrank.cli.refinement_options import refinement_asked_for
    from pedrank.refinements import refinement_file
    from pedrank.store.artefacts import atomic, provenance, write_arrays
    from pedrank.user_data.feature_files import read_features
    from pedrank.utils.errors import InputError

    suffix = arguments.out.suffix
    if suffix not in ({".safetensors"} if arguments.displacement else {".npz", ".safetensors"}):
        raise InputError(
            f"--out: {arguments.out} must end with .safetensors{' or .npz' * (not arguments.displacement)}"
        )
    features, labels = read_features(arguments.file)
    refinement, reference = refinement_asked_for(arguments, features, labels)
    inputs = [file for file in (arguments.file, arguments.reference) if file is not None]
    made_by = provenance(refinement.options | {"reference": reference}, inputs)
    if arguments.displacement:
        refinement_file.save_refinement(arguments.out, refinement, made_by)
    elif suffix == ".npz":
        with atomic(arguments.out) as temporary:
            np.savez(temporary, features=refinement.apply(features, labels), labels=labels)
    else:
        write_arrays(arguments.out, {"features": refinement.apply(features, labels), "labels": labels}, made_by)
    print(f"{arguments.out}: {refinement.steps} moves")
    return 0
