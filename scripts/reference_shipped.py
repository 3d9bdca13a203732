"""Take reference statistics that somebody has made: shipped with a tiny checkpoint, or published."""

import argparse
from pathlib import Path

from pedrank.observation.statistics import ReferenceStatistics
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_arrays, read_metadata, write_arrays
from pedrank.utils.errors import about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--statistics", required=True, type=Path, help="arrays mean and std (D,)")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    arrays = read_arrays(arguments.statistics, "mean", "std")
    with about(arguments.statistics):
        ReferenceStatistics(arrays["mean"], arrays["std"])  # refuses what cannot be statistics
    write_arrays(arguments.out, arrays, read_metadata(arguments.statistics))


run(main)
