"""Figure 5: force by step, and weighted tau by exit ratio and by maximum number of steps."""

import argparse
import json
from pathlib import Path

import pandas as pd

from pedrank.ablation.grid import study_settings
from pedrank.report.figures.figure5 import draw_figure5, figure5_data
from pedrank.report.figures.style import save
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_csv, write_csv


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ablation", required=True, type=Path)
    parser.add_argument("--forces", required=True, nargs="+", type=Path, help="one table for each dataset")
    parser.add_argument("--options", required=True, type=json.loads, help="JSON: the study's blocks ablation and ped")
    parser.add_argument("--csv", required=True, type=Path)
    parser.add_argument("--pdf", required=True, type=Path)
    parser.add_argument("--png", required=True, type=Path)
    arguments = parser.parse_args()
    forces = pd.concat(map(read_csv, arguments.forces))
    own = study_settings(**arguments.options)
    table = figure5_data(forces, read_csv(arguments.ablation), own)
    write_csv(arguments.csv, table)
    save(draw_figure5(table, own), arguments.pdf, arguments.png)


run(main)
