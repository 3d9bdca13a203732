"""The report of a study: one HTML page that needs no other file."""

import argparse
from pathlib import Path

from pedrank.report.pages.study_page import study_page
from pedrank.runtime.command import run
from pedrank.store.artefacts import write_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", required=True, type=Path, help="the study's folder")
    parser.add_argument("--captions", required=True, type=Path, help="folder of the captions")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    write_text(arguments.out, study_page(arguments.results, arguments.captions))


run(main)
