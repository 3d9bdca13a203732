"""Confirm or correct a ranking by the fine-tuning accuracies of its first checkpoints."""

import argparse
from pathlib import Path

from pedrank.finetune.ground_truth import from_runs
from pedrank.formats.yaml_file import read_yaml
from pedrank.ranking.confirm import confirm
from pedrank.report.sentences.confirmation_sentences import confirmation_sentences
from pedrank.report.sentences.race_sentences import race_sentences
from pedrank.runtime.arguments import add_study
from pedrank.runtime.command import run
from pedrank.store.artefacts import provenance, read_csv, read_json, write_json
from pedrank.study.names import finetuned


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ranking", required=True, type=Path, help="JSON of the ranking")
    parser.add_argument("--runs", required=True, type=Path, help="table of all fine-tuning runs")
    parser.add_argument("--seconds", required=True, type=Path, help="table of the seconds of each run")
    add_study(parser)
    parser.add_argument("--race", type=Path, help="JSON: outcome of a race for a budget")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    ranking, runs, took = read_json(arguments.ranking), read_csv(arguments.runs), read_csv(arguments.seconds)
    names = [name for name in finetuned(read_yaml(arguments.study)) if (runs["checkpoint"] == name).any()]
    seconds = {name: took["seconds"][took["checkpoint"] == name].tolist() for name in names}
    found = confirm(ranking, from_runs(runs, names), seconds)
    found |= {"dataset": ranking["dataset"], "race": read_json(arguments.race) if arguments.race else None}
    found["sentences"] = race_sentences(found) if arguments.race else confirmation_sentences(found)
    made_from = [arguments.ranking, arguments.runs, *([arguments.race] if arguments.race else [])]
    write_json(arguments.out, found | {"made_by": provenance({}, made_from)})


run(main)
