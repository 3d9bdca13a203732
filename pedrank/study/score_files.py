"""The files of scores, or of their seconds: one per metric and refinement, or one for all of a checkpoint.

A pattern with the field {refinement} stands for files of the first kind, which hold one record each. A file of the
second kind maps metrics to refinements to records.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pedrank.store.artefacts import read_json, write_json
from pedrank.store.timing import kept
from pedrank.study.names import fill

read_once = cache(read_json)


def write_records(pattern: str, records: Mapping[str, Mapping[str, Any]], keep: bool = False) -> None:
    """Write the records of one checkpoint on one dataset.

    Args:
        pattern: The file, or the files: a path whose only field is {refinement}, and which names the metric.
        records: By metric and refinement.
        keep: Whether records of seconds that are there stay, as `pedrank.store.timing.kept` decides.
    """
    if "{refinement}" not in pattern:
        path = Path(pattern)
        write_json(path, {metric: _chosen(path, of, keep, metric) for metric, of in records.items()})
        return
    for of in records.values():
        for refinement, record in of.items():
            path = Path(fill(pattern, {"refinement": refinement}))
            write_json(path, kept(path, default=record) if keep else record)


def _chosen(path: Path, records: Mapping[str, Any], keep: bool, metric: str) -> dict[str, Any]:
    if not keep:
        return dict(records)
    return {refinement: kept(path, metric, refinement, default=record) for refinement, record in records.items()}


def read_record(pattern: str, names: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """Read one record.

    Args:
        pattern: As for `write_records`, with any fields.
        names: The name for each field, and `metric` and `refinement`.

    Returns:
        The file's path, and the record.

    Raises:
        InputError: The file is missing or not JSON.
    """
    path = fill(pattern, names)
    content = read_once(path)
    return path, content if "{refinement}" in pattern else content[names["metric"]][names["refinement"]]
