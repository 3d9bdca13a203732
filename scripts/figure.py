"""Draw figures of the study from files. One process can draw several, since importing Matplotlib takes longest."""

import argparse
import inspect
import json
from pathlib import Path

import numpy as np

from pedrank.observation.statistics import ClassStatistics, ReferenceStatistics
from pedrank.refinements.refinement_file import load_refinement
from pedrank.report import maker
from pedrank.report.figures.style import save_figure
from pedrank.runtime.arguments import PATTERN, add_study
from pedrank.runtime.command import run
from pedrank.store.artefacts import described, read_arrays, write_csv
from pedrank.study.names import fill
from pedrank.study.plugins import load_plugins
from pedrank.study.tables import read_tables
from pedrank.utils.errors import InputError

# Inputs that a figure's function can name as parameters; --options holds all others.
TABLES = ("ablation", "forces", "scores", "seconds", "ground_truth", "summary")
FILES = {
    "features": lambda path: {
        name: np.asarray(array) for name, array in read_arrays(path, "features", "labels").items()
    },
    "class_names": lambda path: described(path, "class_names")["class_names"],
    "displacement": load_refinement,
    "statistics": lambda path: ClassStatistics.from_arrays(read_arrays(path)),
    "reference": lambda path: ReferenceStatistics(**read_arrays(path, "mean", "std")),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "figures", nargs="+", help="modules in pedrank/report/figures/, each with a function of the same name"
    )
    for name in TABLES:
        parser.add_argument(f"--{name.replace('_', '-')}", nargs="+", help=PATTERN)
    for name in FILES:
        parser.add_argument(f"--{name.replace('_', '-')}", type=Path)
    parser.add_argument("--options", type=json.loads, default={}, help="JSON: further arguments of the figures")
    add_study(parser)
    parser.add_argument("--out", required=True, help="a path with the fields {figure} and {ext}")
    arguments = parser.parse_args()
    load_plugins(arguments.study)
    given = dict(arguments.options)
    given |= {
        name: read_tables(getattr(arguments, name), arguments.study) for name in TABLES if getattr(arguments, name)
    }
    given |= {name: read(getattr(arguments, name)) for name, read in FILES.items() if getattr(arguments, name)}
    for figure in arguments.figures:
        draw = maker("figure", figure)
        wanted = inspect.signature(draw).parameters
        missing = [each for each in wanted if each not in given and wanted[each].default is inspect.Parameter.empty]
        if missing:
            raise InputError(f"{figure}: give --{missing[0].replace('_', '-')}, or '{missing[0]}' in --options")
        drawings = draw(**{each: given[each] for each in wanted if each in given})
        for title, drawing in (drawings if isinstance(drawings, dict) else {figure: drawings}).items():
            csv, pdf, png = (fill(arguments.out, {"figure": title, "ext": ext}) for ext in ("csv", "pdf", "png"))
            write_csv(csv, drawing.numbers)
            save_figure(drawing.figure, pdf, png)


run(main)
