"""Fetch one file that a catalogue lists."""

import argparse
from pathlib import Path

from pedrank.fetch.download import download
from pedrank.runtime.command import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", required=True, help="its name in a catalogue")
    parser.add_argument(
        "--folder",
        required=True,
        type=Path,
        help="folder of fetched files; a file put there by hand is checked and used",
    )
    arguments = parser.parse_args()
    download(arguments.file, arguments.folder)


run(main)
