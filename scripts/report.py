"""Write the report of a study, of a ranking without ground truth, or the page behind Table 1: one HTML page each."""

import argparse
import importlib
from pathlib import Path

from pedrank.catalogue.catalogue import catalogue
from pedrank.formats.yaml_file import read_yaml
from pedrank.ranking.prior_rows import unknown
from pedrank.runtime.command import run
from pedrank.store.artefacts import write_text
from pedrank.study.plugins import load_plugins


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["study", "ranking", "trace"])
    parser.add_argument("--results", required=True, type=Path, help="the study's folder")
    parser.add_argument("--captions", type=Path, help="folder of the captions, for a study")
    parser.add_argument("--published", type=Path, help="the published Table 1, to print it beside ours")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    if arguments.kind != "trace":  # that page explains plugins that are missing now
        load_plugins(arguments.results / "config.yaml")
    pages = importlib.import_module(f"pedrank.report.pages.{arguments.kind}_page")
    if arguments.kind == "study":
        config = read_yaml(arguments.results / "config.yaml")
        entries = {name: catalogue("checkpoints")[name] for name in config["checkpoints"]}
        absent = unknown(entries, config["datasets"])
        page = pages.study_page(arguments.results, arguments.captions, arguments.published, absent)
    elif arguments.kind == "trace":
        trace = importlib.import_module("pedrank.study.trace")  # by name: it decides nothing on the other pages
        page = pages.trace_page(trace.plain(trace.trace_study(arguments.results.parent, arguments.results.name)))
    else:
        page = pages.ranking_page(arguments.results)
    write_text(arguments.out, page)


run(main)
