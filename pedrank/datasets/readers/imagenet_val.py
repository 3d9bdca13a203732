"""ImageNet's validation images (Russakovsky et al. 2015), or Imagenette's: reference images, without labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pedrank.datasets.listing import VALIDATION, Listing, Rows
from pedrank.formats.archive import members, tail


def listing(paths: Mapping[str, Path]) -> Listing:
    """List all validation images, by name, in one class."""
    (archive,) = paths.values()
    nested = archive.name.startswith("imagenette")  # imagenette2-320/{train,val}/CLASS/IMAGE
    rows = Rows()
    names = [name for name, _ in members(archive) if name.upper().endswith(".JPEG") and (not nested or "/val/" in name)]
    for name in sorted(names):
        rows.add(VALIDATION, tail(1)(name), 0)
    return rows.listing(["unlabelled"], [archive], tail(1))
