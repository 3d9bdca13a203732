"""How PED moves the classes of one dataset under one checkpoint, step by step."""

import argparse
import json
from pathlib import Path

import numpy as np

from pedrank.observation.statistics import ClassStatistics, ReferenceStatistics
from pedrank.refinements.refinement_file import load_refinement
from pedrank.report.figures.figure6 import choose_rows
from pedrank.report.figures.motion import draw_motion, motion_data, trajectory
from pedrank.report.figures.style import save
from pedrank.runtime.command import run
from pedrank.store.artefacts import described, read_arrays, write_csv


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, type=Path, help="for the names of the classes")
    parser.add_argument("--features", required=True, type=Path)
    parser.add_argument("--statistics", required=True, type=Path)
    parser.add_argument("--reference", required=True, type=Path)
    parser.add_argument("--displacement", required=True, type=Path, help="of the study: when it stopped")
    parser.add_argument("--options", required=True, type=json.loads, help="JSON: options of pedrank.refine")
    parser.add_argument("--title", required=True)
    parser.add_argument("--csv", required=True, type=Path)
    parser.add_argument("--pdf", required=True, type=Path)
    parser.add_argument("--png", required=True, type=Path)
    arguments = parser.parse_args()
    arrays = read_arrays(arguments.features, "features", "labels")
    statistics = ClassStatistics(**read_arrays(arguments.statistics, "counts", "means", "variances"))
    reference = ReferenceStatistics(**read_arrays(arguments.reference, "mean", "std"))
    rows = choose_rows(arrays["labels"], seed=0)
    moved, energy = trajectory(statistics, reference, arguments.options)
    table = motion_data(arrays["features"][rows], np.asarray(arrays["labels"])[rows], statistics.means, moved, energy)
    write_csv(arguments.csv, table)
    names, taken = (
        described(arguments.images, "class_names")["class_names"],
        load_refinement(arguments.displacement).steps,
    )
    save(draw_motion(table, names, taken, arguments.title), arguments.pdf, arguments.png)


run(main)
