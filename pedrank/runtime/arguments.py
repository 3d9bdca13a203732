"""Command-line arguments that several scripts share."""

from __future__ import annotations

import argparse
from pathlib import Path

PATTERN = "a path; fields in braces, such as {checkpoint}, stand for the names in --study"


def add_study(parser: argparse.ArgumentParser) -> None:
    """Add --study: the study's configuration, whose names replace the fields of patterns."""
    parser.add_argument("--study", type=Path, help="the study's config.yaml, where a path is a pattern")


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add --config: the study's configurations; the option may be repeated, as `make … CONFIG="a b"` does."""
    parser.add_argument(
        "--config",
        nargs="+",
        default=[],
        type=Path,
        action="extend",
        help="the study's configurations; each overrides config.yaml and those before it",
    )


def add_made_by(parser: argparse.ArgumentParser) -> None:
    """Add --made-by: the JSON file for the provenance of the output."""
    parser.add_argument("--made-by", required=True, type=Path, help="JSON: version, options, hashes of the inputs")


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add --threads and --gpu: the resources of a job."""
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gpu", type=int, default=0, help="1 to use a GPU if one is available")


def add_extraction(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a forward pass of checkpoints over images."""
    parser.add_argument("--images", required=True, type=Path)
    parser.add_argument("--checkpoints", required=True, help=PATTERN)
    add_study(parser)
    parser.add_argument("--batch-size", required=True, type=int)
    parser.add_argument("--precision", default="float32", help="float32, tf32, bfloat16 or float16")
    add_device(parser)
