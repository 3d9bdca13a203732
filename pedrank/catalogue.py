"""The catalogues: everything a study can name, as data."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

PACKAGE = Path(__file__).resolve().parent


@cache
def catalogue(kind: str) -> dict[str, dict[str, Any]]:
    """Entries by name, as `pedrank/{kind}/catalogue.yaml` describes them; kind is datasets or checkpoints."""
    return yaml.safe_load((PACKAGE / kind / "catalogue.yaml").read_text())
