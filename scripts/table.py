"""Write one table of the study: table1, table1-published, table2, selection or accuracies."""

import argparse
import inspect
from pathlib import Path

from pedrank.report import maker
from pedrank.report.tables.write import write_table
from pedrank.runtime.arguments import PATTERN, add_made_by, add_study
from pedrank.runtime.command import run
from pedrank.store.artefacts import provenance, write_json
from pedrank.study.names import paths
from pedrank.study.plugins import load_plugins
from pedrank.study.tables import read_tables

INPUTS = ("summary", "seconds", "ground_truth", "published")  # that a table's function can name as parameters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", help="a module in pedrank/report/tables/ with a function of the same name")
    for name in INPUTS:
        parser.add_argument(f"--{name.replace('_', '-')}", nargs="+", default=[], help=PATTERN)
    add_study(parser)
    parser.add_argument("--out", required=True, nargs="+", type=Path, help="one path per format, chosen by its suffix")
    add_made_by(parser)
    arguments = parser.parse_args()
    load_plugins(arguments.study)
    table = maker("table", arguments.table)
    wanted = {each: getattr(arguments, each) for each in inspect.signature(table).parameters if each in INPUTS}
    write_table(table(**{each: read_tables(given, arguments.study) for each, given in wanted.items()}), arguments.out)
    inputs = paths([pattern for given in wanted.values() for pattern in given], arguments.study)
    write_json(arguments.made_by, provenance({"table": arguments.table}, inputs))


run(main)
