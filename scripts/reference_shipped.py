"""Take the reference statistics that are shipped with a tiny checkpoint."""

import argparse
from pathlib import Path

from pedrank.artefacts import read_arrays, read_metadata, write_arrays
from pedrank.catalogue import PACKAGE
from pedrank.command import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    shipped = PACKAGE / "checkpoints/tiny" / f"{arguments.checkpoint}.reference.safetensors"
    write_arrays(arguments.out, read_arrays(shipped, "mean", "std"), read_metadata(shipped))


run(main)
