"""Paths of the package and its checkout."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parent  # the checkout: Snakefile, rules, scripts, schemas, profiles
PUBLISHED = PACKAGE / "published"  # numbers that others printed; its README gives their sources
