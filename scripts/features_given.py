"""Import features that a user has computed, and compute their class statistics."""

import argparse
from pathlib import Path

from pedrank.observation.statistics import ClassStatistics
from pedrank.runtime.command import run
from pedrank.store.artefacts import provenance, write_arrays
from pedrank.user_data.feature_files import LABELS, read_named
from pedrank.utils.errors import about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--given", required=True, type=Path, help=".npz, .safetensors, or .npy with labels.npy beside it"
    )
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--statistics", required=True, type=Path)
    arguments = parser.parse_args()
    features, labels, names = read_named(arguments.given)
    files = [arguments.given, *([arguments.given.with_name(LABELS)] if arguments.given.suffix == ".npy" else [])]
    made_by = provenance({}, files)
    with about(arguments.given):
        statistics = ClassStatistics.from_features(features, labels)
    write_arrays(arguments.out, {"features": features, "labels": labels}, made_by | {"class_names": names})
    arrays = {"counts": statistics.counts, "means": statistics.means, "variances": statistics.variances}
    write_arrays(arguments.statistics, arrays, made_by)


run(main)
