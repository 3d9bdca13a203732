"""Confirm or correct a ranking by the accuracies of its first checkpoints after fine-tuning."""

import argparse
from pathlib import Path

from pedrank.finetune.ground_truth import from_runs
from pedrank.finetune.runs_table import timing_file
from pedrank.ranking.confirm import confirm
from pedrank.report.sentences.confirmation_sentences import confirmation_sentences
from pedrank.runtime.command import run
from pedrank.store.artefacts import provenance, read_csv, read_json, write_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ranking", required=True, type=Path, help="JSON")
    parser.add_argument("--runs", required=True, type=Path, help="table of all fine-tuning runs")
    parser.add_argument("--checkpoints", required=True, nargs="+")
    parser.add_argument("--folder", required=True, type=Path, help="of the runs, for their timings")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    ranking, runs = read_json(arguments.ranking), read_csv(arguments.runs)
    names = arguments.checkpoints
    seconds = {name: [] for name in names}
    for row in runs.to_dict("records"):
        seconds[row["checkpoint"]].append(read_json(arguments.folder / timing_file(row))["seconds"])
    found = confirm(ranking, from_runs(runs, names), seconds)
    found |= {"dataset": ranking["dataset"], "sentences": confirmation_sentences(found)}
    write_json(arguments.out, found | {"made_by": provenance({}, [arguments.ranking, arguments.runs])})


run(main)
