"""Show your record of accuracies after fine-tuning, or add finished studies to it.

    pedrank record                        where the record is, and what it knows
    pedrank record --add results/mystudy  the accuracies of a study that has fine-tuned its checkpoints

`pedrank rank` adds what --finetune and --budget have measured by itself. On other datasets, the record then counts as
prior knowledge of these weights (docs/combine.md). The variable PEDRANK_RECORD names another file, or "none".
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pedrank record`."""
    parser.add_argument(
        "--add",
        nargs="+",
        default=[],
        type=Path,
        metavar="DIR",
        help="folders of finished studies, such as results/mine",
    )


def run(arguments: argparse.Namespace) -> int:
    """Add studies, and print the record by dataset."""
    from pedrank.ranking.recorded import add, read_record, record_file
    from pedrank.utils.columns import align
    from pedrank.utils.errors import InputError

    path = record_file()
    if path is None:
        raise InputError("PEDRANK_RECORD is none, so there is no record; unset it, or set it to a file")
    for folder in arguments.add:
        rows = _rows(folder)
        print(f"{folder}: {len(rows)} accuracies, {add(path, rows)} new")
    table = read_record(path)
    print(f"{path}: {len(table)} accuracies of {table['weights'].nunique()} checkpoints")
    counts = table.groupby("dataset")["weights"].nunique()
    lines = [["dataset", "checkpoints"], *([str(name), str(count)] for name, count in counts.items())]
    print("\n".join(align(lines, (0,))) if len(table) else "Add to it with `pedrank rank --finetune top3`.")
    return 0


def _rows(folder: Path) -> pd.DataFrame:
    """The accuracies of a finished study that has fine-tuned its checkpoints."""
    import pandas as pd

    from pedrank.catalogue.catalogue import use_settings
    from pedrank.cli.own_record import rows_of
    from pedrank.formats.yaml_file import read_yaml
    from pedrank.store.artefacts import read_csv
    from pedrank.utils.errors import InputError
    from pedrank.utils.paths import ROOT

    if not (folder / "config.yaml").is_file():
        raise InputError(f"--add: {folder} is no folder of a finished study; give one such as results/quickstart")
    study = read_yaml(folder / "config.yaml")
    if study["ground_truth"]["source"] != "finetune":
        raise InputError(f"--add: the study in {folder} has not fine-tuned its checkpoints, so it has no accuracies")
    if "catalogue" in study:  # its path counts from where the study ran
        study["catalogue"] = str(folder.resolve().parents[1] / study["catalogue"])
    use_settings(study, ROOT / "schemas")
    tables = []
    for dataset in study["datasets"]:
        known = read_csv(folder / f"ground_truth/{dataset}.csv", ["checkpoint", "accuracy", "seeds"])
        tables.append(rows_of(folder.parent, study, dataset, known.to_dict("records")))
    return pd.concat(tables)
