"""What `pedrank rank` takes from the user's record of accuracies, and what it adds to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

COPY = "record.csv"


def known(out: Path, dataset: str) -> dict[str, str]:
    """The part of a study's `ranking` that names a copy of the record, made without this dataset in OUT.

    The copy keeps a study from being ranked again when the record grows by the study itself.

    Args:
        out: Folder of the study.
        dataset: Name of the dataset that is ranked.

    Returns:
        An empty dictionary if the record has no accuracies on other datasets.
    """
    from pedrank.ranking.dataset_names import left_out
    from pedrank.ranking.recorded import read_record, record_file
    from pedrank.store.artefacts import write_text

    rows = left_out(read_record(record_file()), dataset)
    if rows.empty:
        return {}
    content = rows.to_csv(index=False, lineterminator="\n")
    copy = out / COPY
    if not copy.exists() or copy.read_text(encoding="utf-8") != content:
        write_text(copy, content)
    return {"record": COPY}


def keep(results: Path, study: Mapping[str, Any], confirmation: Mapping[str, Any]) -> str | None:
    """Add the accuracies of a fine-tuning to the user's record.

    Args:
        results: The folder of all studies' results.
        study: The study's configuration.
        confirmation: The JSON of scripts/confirm.py.

    Returns:
        A sentence about it; None where nothing is recorded, since runs were too short, or there is to be no record.
    """
    from pedrank.ranking.recorded import add, record_file

    path = record_file()
    if path is None or confirmation["verdict"] == "untrained":
        return None
    (dataset,) = study["datasets"]
    rows = rows_of(results, study, dataset, confirmation["fine_tuned"])
    new = add(path, rows)
    what = "1 accuracy" if len(rows) == 1 else f"{len(rows)} accuracies"
    return (
        f"Record: {what} ({new} new) in {path}, as prior knowledge of these weights for other datasets "
        "(docs/combine.md)."
    )


def rows_of(results: Path, study: Mapping[str, Any], dataset: str, accuracies: list[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of a record.

    Args:
        results: The folder of all studies' results.
        study: A study's configuration.
        dataset: One of its datasets.
        accuracies: Entries with checkpoint, accuracy (percent) and seeds.
    """
    import pandas as pd

    from pedrank.catalogue.catalogue import catalogue
    from pedrank.catalogue.crop import crop_name
    from pedrank.ranking.recorded import COLUMNS, images_hash, weights_hash

    entries, protocol = (
        catalogue("checkpoints"),
        {
            "finetune": study["finetune"],
            "metric": catalogue("datasets")[dataset]["metric"],
        },
    )
    named = hashlib.sha256(json.dumps(protocol, sort_keys=True).encode()).hexdigest()[:12]
    rows = []
    for entry in accuracies:
        name = entry["checkpoint"]
        images = results / f"data/{dataset}/images-{crop_name(entries[name], study['image_size'])}.safetensors"
        weights = weights_hash(results / f"checkpoints/{name}.safetensors")
        rows.append((dataset, images_hash(images), named, name, weights, entry["accuracy"], entry["seeds"]))
    return pd.DataFrame(rows, columns=list(COLUMNS))
