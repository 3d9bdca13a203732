"""Convert one checkpoint of any format to backbone weights in safetensors."""

import argparse
from pathlib import Path

from pedrank.checkpoints.convert import convert
from pedrank.runtime.command import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", required=True, help="its name in the catalogue")
    parser.add_argument("--downloads", required=True, type=Path, help="folder of the fetched files")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    convert(arguments.checkpoint, arguments.downloads, arguments.out)


run(main)
