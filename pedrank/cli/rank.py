"""Rank checkpoints for a set of images: which one should I fine-tune?

    pedrank rank --images photos --zoo tiny                 folders of images, one per class
    pedrank rank --images photos.csv --zoo ssl --refine 0.6 a table of path and label; with PED
    pedrank rank --images photos --checkpoints mine.pth=resnet50 timm:resnet50.a1_in1k --finetune top3
    pedrank rank --images photos --zoo ssl --budget 2h      fine-tunes in a race for this time
    pedrank rank --images photos --zoo timm --max-params 30M --licence permissive --top 20
    pedrank rank --images features                          a folder of features, one file per checkpoint; also for
                                                            real numbers and several labels per sample

The command writes a study to OUT and runs the workflow on it. If it is interrupted, run it again to continue.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

from pedrank.cli.option_values import count, positive
from pedrank.cli.rank_choice import add_choice_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pedrank rank`."""
    parser.add_argument(
        "--images",
        required=True,
        metavar="PATH",
        help="a folder with one folder per class, a CSV of path and label, a Hugging Face dataset on disk, a folder of "
        "features, or the name of a dataset in the catalogue",
    )
    parser.add_argument(
        "--skip-broken", action="store_true", help="leave out images that cannot be decoded, and count them"
    )
    parser.add_argument(
        "--pixel-range",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        help="black and white of images with more than 8 bits per channel (default: 0, and the largest number of the "
        "fewest bits that all values fit into)",
    )
    parser.add_argument(
        "--checkpoints",
        nargs="+",
        default=[],
        metavar="[NAME=]CHECKPOINT",
        help="names from `pedrank zoo` or --catalogue, timm:NAME, torchvision:NAME, hub:OWNER/REPO:NAME, wildcards "
        "such as 'timm:resnet*', CODE.py:FUNCTION, or FILE=ARCHITECTURE, where ARCHITECTURE is resnet50, timm/NAME, "
        "torchvision/NAME or CODE.py:FUNCTION",
    )
    parser.add_argument(
        "--catalogue",
        type=Path,
        metavar="FILE",
        help="a YAML file that describes datasets and checkpoints of yours, to be named by --images and --checkpoints",
    )
    parser.add_argument(
        "--unwrap", nargs="*", metavar="KEY", help="keys that lead to the weights in the given FILEs, outermost first"
    )
    parser.add_argument("--prefix", metavar="TEXT", help="beginning of the names of the weights in the given FILEs")
    parser.add_argument(
        "--drop", nargs="+", metavar="TEXT", help="beginnings of names of weights to leave out of the given FILEs"
    )
    parser.add_argument(
        "--zoo",
        metavar="ZOO",
        help="all checkpoints of a zoo: tiny (shipped), ssl, vit, newer, as-trained, or small, base, large (ten of "
        "timm's that match in size); timm: those of timm with the highest prior",
    )
    add_choice_arguments(parser)
    parser.add_argument(
        "--metric",
        nargs="+",
        default=[],
        metavar="NAME",
        help="rank by the first metric alone, and compare the others with it (default: published accuracies and the "
        "metrics logme, sfda, gbc and knn together rank)",
    )
    parser.add_argument(
        "--refine",
        type=positive,
        metavar="LAMBDA",
        help="rank by one metric (default: logme) after PED with this radius coefficient",
    )
    parser.add_argument(
        "--task",
        choices=["classes", "regression", "labels"],
        help="what the labels of features are: classes, real numbers (regression), or several labels per sample, a "
        "column of 0 and 1 for each (default: the labels decide)",
    )
    parser.add_argument(
        "--reference",
        metavar="PATH",
        help="images; PED rescales features by their feature statistics (default: the statistics shipped with the "
        "tiny zoo, else those of your images)",
    )
    parser.add_argument(
        "--plugin", nargs="+", default=[], metavar="FILE", help="Python files that define your own metrics"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("pedrank-results"),
        metavar="DIR",
        help="folder for results (default: %(default)s)",
    )
    fine_tuned = parser.add_mutually_exclusive_group()
    fine_tuned.add_argument(
        "--finetune",
        type=_top,
        metavar="topN",
        help="fine-tune the top N checkpoints, and confirm or correct the ranking",
    )
    fine_tuned.add_argument(
        "--budget",
        type=_duration,
        metavar="TIME",
        help="fine-tune for this time, such as 90s, 30m or 2h, in a race of the checkpoints, and name the winner",
    )
    parser.add_argument("--steps", type=count, metavar="N", help="training steps of each fine-tuning run")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    parser.add_argument("--cores", default="all", metavar="N", help="CPU cores (default: %(default)s)")
    parser.add_argument(
        "--profile", metavar="NAME", help="where jobs run: the name of a folder in profiles/, or a path"
    )
    parser.add_argument("--dry-run", action="store_true", help="check everything, and print what would run")


def run(arguments: argparse.Namespace) -> int:
    """Rank, confirm by fine-tuning if --finetune is given, and print the answer."""
    from pedrank.cli import answer, own_record, rank_study, rank_targets, workflow
    from pedrank.formats.yaml_file import read_yaml
    from pedrank.store.artefacts import read_json

    start = time.monotonic()
    of_targets = rank_targets.answer_for_folder(arguments)
    if of_targets is not None:
        of_targets["seconds"] = time.monotonic() - start
        if arguments.dry_run:
            print(
                f"would rank {', '.join(of_targets['checkpoints'])} in this process, without jobs and without a report"
            )
        else:
            print(_as_json(of_targets) if arguments.json else answer.text_for_targets(of_targets))
        return 0
    given = rank_study.collect(arguments)
    name, dataset = given["study"], given["datasets"][0]
    results = arguments.out / "results" / name
    head = workflow.Workflow(arguments.out.resolve(), arguments.profile or rank_study.profile(given), arguments.cores)
    if arguments.dry_run:
        return head.plan()
    _note_device(given)
    ranking = f"results/{name}/ranking/{dataset}.json"
    fine_tunes = arguments.finetune or arguments.budget
    head.run([ranking] if fine_tunes else [])
    found = read_json(arguments.out / ranking)
    if fine_tunes:
        first = [row["checkpoint"] for row in found["checkpoints"] if row["same_as"] is None][: arguments.finetune]
        rank_study.write(arguments.out, rank_study.confirming(given, first, arguments.steps, arguments.budget))
        head.run([])
        found["confirmation"] = read_json(results / f"confirm/{dataset}.json")
        winner = results / f"winner/{dataset}"
        found["kept"] = read_json(winner / "kept.json") | {"weights": str(winner / "model.safetensors")}
        confirmed = read_yaml(arguments.out / "study.yaml")
        found["record"] = own_record.keep(arguments.out / "results", confirmed, found["confirmation"])
    found |= {"report": str(results / "report.html"), "seconds": time.monotonic() - start}
    print(_as_json(found) if arguments.json else answer.text(found))
    return 0


def _as_json(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=1, sort_keys=True)


def _note_device(given: dict[str, Any]) -> None:
    """Print a note if large networks are about to run without a GPU; the numbers are the same on the CPU."""
    from pedrank.utils.machine import has_gpu

    computed = any("features" in card for card in given["catalogue"]["datasets"].values())
    if not (given["together"] or computed or has_gpu()):
        print(
            "note: no GPU here, so networks run on the CPU, which takes longer; `pedrank doctor` shows why",
            file=sys.stderr,
        )


def _duration(word: str) -> float:
    """Seconds of a time with its unit."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", word)
    if not found or float(found[1]) == 0:
        raise argparse.ArgumentTypeError(f"'{word}' is no time above 0 with a unit, such as 90s, 30m or 2h")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def _top(word: str) -> int:
    number = word.removeprefix("top")
    if not number.isdigit() or int(number) < 1:
        raise argparse.ArgumentTypeError(f"'{word}' is not top1, top2, top3, …")
    return int(number)
