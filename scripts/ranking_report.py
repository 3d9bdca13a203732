"""The report of a study without ground truth: one HTML page that needs no other file."""

import argparse
from pathlib import Path

from pedrank.report.pages.ranking_page import ranking_page
from pedrank.runtime.command import run
from pedrank.store.artefacts import write_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", required=True, type=Path, help="the study's folder")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    write_text(arguments.out, ranking_page(arguments.results))


run(main)
