"""Figure 4: gain of PED in weighted tau by radius coefficient and by time step."""

import argparse
import json
from pathlib import Path

from pedrank.ablation.grid import study_settings
from pedrank.report.figures.figure4 import draw_figure4, figure4_data
from pedrank.report.figures.style import save
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_csv, write_csv


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ablation", required=True, type=Path)
    parser.add_argument("--options", required=True, type=json.loads, help="JSON: the study's blocks ablation and ped")
    parser.add_argument("--csv", required=True, type=Path)
    parser.add_argument("--pdf", required=True, type=Path)
    parser.add_argument("--png", required=True, type=Path)
    arguments = parser.parse_args()
    own = study_settings(**arguments.options)
    table = figure4_data(read_csv(arguments.ablation), own)
    write_csv(arguments.csv, table)
    save(draw_figure4(table, own), arguments.pdf, arguments.png)


run(main)
