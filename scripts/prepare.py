"""Decode one dataset into one file that can be memory-mapped: uint8 images, labels, split and row ids."""

import argparse
from pathlib import Path

from pedrank.datasets.prepare import prepare_dataset
from pedrank.runtime.command import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--size", required=True, help="side of the images in pixels, or a crop such as 224-of-256")
    parser.add_argument("--downloads", required=True, type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    prepare_dataset(arguments.dataset, arguments.size, arguments.downloads, arguments.out, arguments.threads)


run(main)
