"""Write reference statistics without a forward pass: given as a file, or computed from the dataset's own features."""

import argparse
import sys
from pathlib import Path

from pedrank.features.user_arrays import read_user_arrays
from pedrank.observation.statistics import ClassStatistics, ReferenceStatistics
from pedrank.runtime.command import run
from pedrank.store.artefacts import provenance, read_arrays, read_metadata, write_arrays
from pedrank.utils.errors import about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--statistics", type=Path, help="file with the arrays mean and std (D,)")
    source.add_argument("--classes", type=Path, help="class statistics of the dataset's own features")
    parser.add_argument("--dataset", help="name of the dataset, with --classes")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    if arguments.statistics:
        arrays = read_user_arrays(arguments.statistics, "mean", "std")
        with about(arguments.statistics):
            ReferenceStatistics(arrays["mean"], arrays["std"])  # refuses invalid statistics
        write_arrays(arguments.out, arrays, read_metadata(arguments.statistics))
        return
    statistics = ClassStatistics.from_arrays(read_arrays(arguments.classes))
    with about(arguments.classes):
        reference = ReferenceStatistics.from_classes(statistics)
    images = f"{arguments.dataset} itself, in the place of reference images; the paper takes ImageNet's"
    print(f"note: the reference statistics are those of {images}", file=sys.stderr)
    options = {"images": images, "n": statistics.n}
    write_arrays(arguments.out, reference.arrays(), provenance(options, [arguments.classes]))


run(main)
