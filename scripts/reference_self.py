"""Statistics of a dataset's own features in place of reference images': not the paper's way, and labelled so."""

import argparse
import sys
from pathlib import Path

from pedrank.observation.statistics import ClassStatistics, ReferenceStatistics
from pedrank.runtime.command import run
from pedrank.store.artefacts import provenance, read_arrays, write_arrays
from pedrank.utils.errors import about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--statistics", required=True, type=Path, help="of the classes of the dataset's features")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    statistics = ClassStatistics(**read_arrays(arguments.statistics, "counts", "means", "variances"))
    with about(arguments.statistics):
        reference = ReferenceStatistics.from_classes(statistics)
    said = f"{arguments.dataset} itself, in the place of reference images; the paper takes ImageNet's"
    print(f"note: the reference statistics are those of {said}", file=sys.stderr)
    options = {"images": said, "n": statistics.n}
    write_arrays(
        arguments.out, {"mean": reference.mean, "std": reference.std}, provenance(options, [arguments.statistics])
    )


run(main)
