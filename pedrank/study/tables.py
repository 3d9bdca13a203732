"""A study's tables, read from the files that patterns stand for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pedrank.store.artefacts import read_csv
from pedrank.study.names import paths
from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def read_tables(patterns: Sequence[str], study: Path | None) -> pd.DataFrame:
    """The tables of all files of the patterns, one below the other."""
    import pandas as pd

    if not patterns:
        raise InputError("a table is missing; --help lists the tables that are needed")
    return pd.concat(map(read_csv, paths(patterns, study)))
