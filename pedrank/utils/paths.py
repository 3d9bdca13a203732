"""Where the package and its checkout lie."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parent  # of the checkout: Snakefile, rules, scripts, schemas, profiles
PUBLISHED = PACKAGE / "published"  # numbers that others have printed, with provenance in its README
