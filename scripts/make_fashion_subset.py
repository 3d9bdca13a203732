"""Make the embedded subset of Fashion-MNIST from the full dataset. It was run once; its result is in the package.

The argument is a folder with the four IDX files, gzipped or not, such as the one that Debian's package
dataset-fashion-mnist installs.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from pedrank.datasets.embedded.fashion_mnist import CLASSES, SHEET, tile
from pedrank.runtime.command import run
from pedrank.store.artefacts import atomic
from pedrank.utils.errors import InputError

SEED = 0
PER_CLASS = {"train": 100, "t10k": 100}  # those of the training set serve for training and validation
MD5 = {  # of the unpacked files
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    random = np.random.RandomState(SEED)
    chosen: list[list[np.ndarray]] = [[] for _ in range(CLASSES)]
    for part, count in PER_CLASS.items():
        images = np.frombuffer(unpack(folder, f"{part}-images-idx3-ubyte"), np.uint8, offset=16).reshape(-1, 28, 28)
        labels = np.frombuffer(unpack(folder, f"{part}-labels-idx1-ubyte"), np.uint8, offset=8)
        for label in range(CLASSES):
            rows = random.choice(np.flatnonzero(labels == label), count, replace=False)
            chosen[label].append(images[np.sort(rows)])
    sheet = tile(np.concatenate([part for parts in chosen for part in parts]))
    with atomic(SHEET) as temporary:
        Image.fromarray(sheet).save(temporary, "WEBP", lossless=True, quality=100, method=6)


def unpack(folder: Path, name: str) -> bytes:
    """The content of an IDX file; InputError if its checksum is wrong."""
    packed = folder / f"{name}.gz"
    content = gzip.decompress(packed.read_bytes()) if packed.exists() else (folder / name).read_bytes()
    if hashlib.md5(content).hexdigest() != MD5[name]:
        raise InputError(f"{folder / name}: not the published file (its MD5 differs); download it again")
    return content


if __name__ == "__main__":
    run(main)
