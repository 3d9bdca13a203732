"""The configuration, the inputs and the code that made a study's results, kept beside the results.

Snakemake's records in `.snakemake` decide which steps an edit reruns. It would take results that were copied without
these records as they are, under any configuration. So `results/STUDY/.made-with.json` states what made the results, and
which records know how: the records carry an identity, a random word.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pedrank.formats.yaml_file import read_yaml
from pedrank.store.artefacts import atomic, read_json, write_json
from pedrank.store.verify import has_artefacts
from pedrank.utils.errors import InputError

NOTE = ".made-with.json"
RECORDS = Path(".snakemake/metadata")  # Snakemake's records of the files that it has made
_REMEDY = (
    "copy the .snakemake folder that belongs to these results as well, give the study another name, or move these "
    "results away (docs/reliability.md)"
)


def check_made_with(results: Path, made_by: Callable[[], Mapping[str, Any]], records: Path = RECORDS) -> None:
    """Check that results fit a study, unless Snakemake's records know them and will rerun what does not fit.

    Args:
        results: The study's folder.
        made_by: What would make them now (`Plan.made_by`); called only if it is compared.
        records: Folder of Snakemake's records.

    Raises:
        InputError: The results were made with something else.
    """
    if not has_artefacts(results):
        return
    note, identity = _note(results), _identity(records)
    if note is not None and note["records"] is not None and note["records"] == identity:
        return
    if note is None:
        if identity is None and records.is_dir() and any(records.iterdir()):  # made here, by an older version
            return
        if not (results / "config.yaml").is_file():
            raise InputError(f"{results}: nothing states what made these results; {_REMEDY}")
        now = made_by()["config"]
        before = read_yaml(results / "config.yaml")
        before = {key: before.get(key) for key in now} | {key: before[key] for key in before if key in now}
        note = {"whole": True, "made_by": {"config": before}}
    if not note["whole"]:
        raise InputError(f"{results}: made with more than one configuration, and not completed; {_REMEDY}")
    if found := difference(note["made_by"], {key: made_by()[key] for key in note["made_by"]}):
        raise InputError(f"{results}: made with {found}; {_REMEDY}")


def note_start(results: Path, made_by: Mapping[str, Any], records: Path = RECORDS) -> None:
    """Note, before the first job, what makes a study's results from now on.

    Args:
        results: The study's folder; the results in it have passed `check_made_with`.
        made_by: What makes them now.
        records: Folder of Snakemake's records; they get an identity.
    """
    note, identity = _note(results), _identity(records)
    if identity is None:
        identity = secrets.token_hex(8)
        with atomic(records / ".pedrank") as temporary:
            temporary.write_text(identity, encoding="utf-8")
    if not has_artefacts(results):
        _write(results, made_by, identity, whole=True)
    elif note is None:
        _write(results, made_by, identity, whole=False)
    elif note["records"] != identity:  # equal, and from elsewhere: no records know all of these results
        _write(results, made_by, None, whole=True)
    elif difference(note["made_by"], made_by):
        _write(results, made_by, identity, whole=False)


def note_end(results: Path, made_by: Mapping[str, Any], touched: bool = False, records: Path = RECORDS) -> None:
    """Note that all results of a study fit it.

    Args:
        results: The study's folder.
        made_by: What has made them.
        touched: Whether Snakemake has recorded every file anew (`--touch --forceall`).
        records: Folder of Snakemake's records.
    """
    note, identity = _note(results), _identity(records)
    if touched or (note is not None and note["records"] == identity):
        _write(results, made_by, identity, whole=True)


def difference(before: Any, now: Any, where: str = "") -> str:
    """The first difference of two nested mappings, in words; empty if they are equal.

    >>> difference({"finetune": {"steps": 4}}, {"finetune": {"steps": 9}})
    'finetune.steps: 4, which is 9 now'
    """
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in sorted({*before, *now}):
            if found := difference(before.get(key), now.get(key), f"{where}.{key}" if where else key):
                return found
        return ""
    if before == now:
        return ""
    if where.startswith("code."):
        return f"other code ({where.removeprefix('code.')})"
    return f"{where.removeprefix('config.')}: {_short(before)}, which is {_short(now)} now"


def _short(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _write(results: Path, made_by: Mapping[str, Any], identity: str | None, whole: bool) -> None:
    write_json(results / NOTE, {"made_by": made_by, "records": identity, "whole": whole})


def _note(results: Path) -> dict[str, Any] | None:
    """The note beside results; None if it is missing or damaged."""
    try:
        return read_json(results / NOTE)
    except InputError:
        return None


def _identity(records: Path) -> str | None:
    try:
        return (records / ".pedrank").read_text(encoding="utf-8")
    except OSError:
        return None
