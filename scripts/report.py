"""The report of a study, or of a ranking without ground truth: one HTML page that needs no other file."""

import argparse
import importlib
from pathlib import Path

from pedrank.runtime.command import run
from pedrank.store.artefacts import write_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["study", "ranking"])
    parser.add_argument("--results", required=True, type=Path, help="the study's folder")
    parser.add_argument("--captions", type=Path, help="folder of the captions; of a study")
    parser.add_argument("--published", type=Path, help="the published Table 1, where it stands beside ours")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    pages = importlib.import_module(f"pedrank.report.pages.{arguments.kind}_page")
    if arguments.kind == "study":
        page = pages.study_page(arguments.results, arguments.captions, arguments.published)
    else:
        page = pages.ranking_page(arguments.results)
    write_text(arguments.out, page)


run(main)
