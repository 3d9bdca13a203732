"""Any dataset of the catalogue as one file of square images, each decoded once for all checkpoints.

The images are what the released code's evaluation transform sees: the shorter side brought to `size` pixels by Pillow's
bicubic filter, the centre cut out, in RGB (Resize, CenterCrop). They are written as they are decoded, so that no more
than a few are in memory.
"""

from __future__ import annotations

import importlib
import io
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pedrank.artefacts import VERSION, atomic, map_arrays
from pedrank.catalogue import catalogue, files, reader
from pedrank.datasets import SPLITS, Dataset, check, describe, load_embedded, save_images
from pedrank.datasets.listing import Listing, take_validation
from pedrank.digest import code_digest
from pedrank.download import recorded_sha256
from pedrank.errors import InputError

if TYPE_CHECKING:
    from PIL import Image


def prepare(name: str, size: int, downloads: Path, out: Path, threads: int = 1) -> None:
    """Write the dataset `name` at `size` x `size` pixels to `out`; its files are looked for in `downloads`.

    Raises InputError for an unknown name, a file that is missing or broken, images that are missing or cannot be
    decoded, and numbers of images or classes that differ from the card's.
    """
    cards = catalogue("datasets")
    if name not in cards:
        raise InputError(f"no dataset '{name}'; there are {', '.join(cards)}")
    card = cards[name]
    if not files(card):
        save_images(load_embedded(name, size), out)
        return
    paths = {file: downloads / file for file in files(card)}
    inputs = {file: recorded_sha256(path) for file, path in paths.items()}
    module = f"pedrank.datasets.{reader(name)}"
    listing = checked(name, card, importlib.import_module(module).listing(paths))
    code = code_digest("pedrank/datasets/prepare.py", f"{module.replace('.', '/')}.py")
    made_by = {"pedrank": VERSION, "options": {"dataset": name, "size": size}, "inputs": inputs, "code": code}
    write(name, card, listing, size, made_by, out, threads)


def checked(name: str, card: Mapping[str, Any], listing: Listing) -> Listing:
    """The listing with its validation rows; InputError unless classes and counts are the card's."""
    from dataclasses import replace

    counts, classes = dict(card["counts"]), card["classes"]
    if counts["validation"] == "seeded":
        counts["validation"] = counts["train"] // 5
        counts["train"] -= counts["validation"]
        listing = replace(listing, split=take_validation(listing.split))
    found = {split: int(np.sum(listing.split == index)) for index, split in enumerate(SPLITS)}
    if found != counts:
        raise InputError(f"{name}: counts {found} differ from the card's {counts}; delete its files and run again")
    expected = classes if isinstance(classes, int) else len(classes)
    labels = np.unique(listing.labels)
    if len(listing.class_names) != expected or not np.array_equal(labels, np.arange(expected)):
        raise InputError(
            f"{name}: {len(listing.class_names)} class names and {len(labels)} labels, not the card's {expected}; "
            "delete its files and run again"
        )
    if "drawn" in card:
        drawn = int(listing.released[listing.split != SPLITS.index("test")].sum())
        if drawn != card["drawn"]:
            raise InputError(
                f"{name}: {drawn} lines of the training list, not the card's {card['drawn']}; fetch it again"
            )
    return listing


def write(
    name: str, card: Mapping[str, Any], listing: Listing, size: int, made_by: Mapping[str, Any], out: Path, threads: int
) -> None:
    """Decode every image of the listing into the file `out`; the threads share the decoding."""
    from tqdm import tqdm

    small = {
        "labels": listing.labels,
        "split": listing.split,
        "ids": np.frombuffer("\n".join(listing.ids).encode(), np.uint8),
        "targets": listing.targets,
        "released": listing.released,
    }
    small = {key: array for key, array in small.items() if array is not None}
    shape = (len(listing.ids), size, size, 3)
    dataset = Dataset(
        name=name,
        images=np.empty((0, size, size, 3), np.uint8),
        labels=listing.labels,
        split=listing.split,
        class_names=tuple(listing.class_names),
        source=card["source"],
        licence=card["licence"],
        made_by=made_by,
    )
    with atomic(out) as temporary:
        temporary.unlink(missing_ok=True)
        layout = {key: (array.dtype, array.shape) for key, array in small.items()}
        maps, _ = map_arrays(temporary, layout | {"images": (np.dtype(np.uint8), shape)}, describe(dataset))
        for key, array in small.items():
            maps[key][:] = array

        def place(row: int, content: bytes | np.ndarray) -> None:
            maps["images"][row] = crop(decode(content, listing.ids[row]), size)

        with ThreadPoolExecutor(threads) as pool:
            contents = tqdm(listing.images(), desc=name, total=shape[0], unit="image", file=sys.stderr, mininterval=1)
            _all(pool, place, contents, ahead=4 * threads)
        check(Dataset(**{**vars(dataset), **maps}))
        for array in maps.values():
            if isinstance(array, np.memmap):
                array.flush()


def _all(pool: ThreadPoolExecutor, place: Any, contents: Iterator[tuple[int, Any]], ahead: int) -> None:
    """Call `place` on everything, with no more than `ahead` waiting in memory; its exceptions are raised here."""
    waiting: deque[Future[None]] = deque()
    for row, content in contents:
        if len(waiting) >= ahead:
            waiting.popleft().result()
        waiting.append(pool.submit(place, row, content))
    for future in waiting:
        future.result()


def decode(content: bytes | np.ndarray, identifier: str) -> Image.Image:
    """An RGB image; InputError that names it if it cannot be decoded, or is larger than any honest one."""
    from PIL import Image

    try:
        image = Image.fromarray(content) if isinstance(content, np.ndarray) else Image.open(io.BytesIO(content))
        return image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
        raise InputError(f"{identifier}: this image cannot be decoded ({reason}); fetch its archive again") from None


def crop(image: Image.Image, size: int) -> np.ndarray:
    """torchvision's Resize(size, bicubic) and CenterCrop(size) of an RGB image: (size, size, 3) uint8."""
    from PIL import Image

    width, height = image.size
    if width <= height:
        width, height = size, int(size * height / width)
    else:
        width, height = int(size * width / height), size
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = round((width - size) / 2), round((height - size) / 2)
    return np.asarray(image.crop((left, top, left + size, top + size)))
