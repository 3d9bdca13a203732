"""Any dataset of the catalogue as one file of square images, each decoded once for all checkpoints.

The images are what the released code's evaluation transform sees: the shorter side brought to the view's pixels by
Pillow's filter, the centre cut out, in RGB (Resize, CenterCrop). They are written as they are decoded, so that no more
than a few are in memory.
"""

from __future__ import annotations

import importlib
import io
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from threading import Semaphore
from typing import TYPE_CHECKING, Any

import numpy as np

from pedrank.artefacts import VERSION, atomic, map_arrays
from pedrank.catalogue import catalogue, files, reader
from pedrank.datasets import SPLITS, Dataset, check, describe, load_embedded, save_images
from pedrank.datasets.listing import Listing, take_validation
from pedrank.digest import code_digest
from pedrank.download import recorded_sha256
from pedrank.errors import InputError, about, reason
from pedrank.integrity import seal_arrays
from pedrank.view import View, parse

if TYPE_CHECKING:
    from PIL import Image

# Pillow reads many more, one of which starts another program (EPS).
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000")
_LARGE, _LARGE_ONES = 20_000_000, Semaphore()  # pixels; images of more are decoded one after the other, to spare memory
_LARGEST = 2**26  # pixels of an image whose shorter side has the wanted size


def prepare(name: str, size: int | str, downloads: Path, out: Path, threads: int = 1) -> None:
    """Write the dataset `name` to `out`; its files are looked for in `downloads`.

    `size` is the side of its square images in pixels, or the name of a view (`pedrank.view`). Images that a package
    carries are square already, and are brought to their size by the bilinear filter whatever the view says.

    Raises InputError for an unknown name, a file that is missing or broken, images that are missing or cannot be
    decoded, and numbers of images or classes that differ from the card's.
    """
    cards = catalogue("datasets")
    if name not in cards:
        raise InputError(f"no dataset '{name}'; there are {', '.join(cards)}")
    card, seen = cards[name], parse(str(size))
    if "images" in card:
        _prepare_own(name, card, seen, out, threads)
        return
    if not files(card):
        save_images(_embedded(name, seen), out)
        return
    paths = {file: downloads / file for file in files(card)}
    inputs = {file: recorded_sha256(path) for file, path in paths.items()}
    module = f"pedrank.datasets.{reader(name)}"
    listing = checked(name, card, _listed(module, paths))
    code = code_digest("pedrank/datasets/prepare.py", f"{module.replace('.', '/')}.py")
    made_by = {"pedrank": VERSION, "options": _options(name, seen), "inputs": inputs, "code": code}
    write(name, card, listing, seen, made_by, out, threads)


def _prepare_own(name: str, card: Mapping[str, Any], seen: View, out: Path, threads: int) -> None:
    """A user's own images: what is odd about their classes is said on standard error."""
    own = importlib.import_module("pedrank.datasets.own")  # edits there are no reason to prepare other datasets again
    photo = importlib.import_module("pedrank.datasets.photo")
    source, unlabelled = Path(card["images"]), card["metric"] == "none"
    inputs = {"images": own.fingerprint(source, unlabelled)}
    listing = own.listing(source, unlabelled)
    for note in [] if unlabelled else own.notes(listing):
        print(f"note: {name}: {note}", file=sys.stderr)
    made_by = {
        "pedrank": VERSION,
        "options": _options(name, seen),
        "inputs": inputs,
        "code": code_digest("pedrank/datasets/prepare.py", "pedrank/datasets/own.py", "pedrank/datasets/photo.py"),
    }
    write(name, card, listing, seen, made_by, out, threads, photo.upright)


def _options(name: str, seen: View) -> dict[str, Any]:
    changed = {"resize": seen.resize, "interpolation": seen.interpolation}
    return {"dataset": name, "size": seen.size} | (
        changed if changed != {"resize": seen.size, "interpolation": "bicubic"} else {}
    )


def _embedded(name: str, seen: View) -> Dataset:
    dataset = load_embedded(name, seen.resize)
    first = round((seen.resize - seen.size) / 2)
    return replace(dataset, images=dataset.images[:, first : first + seen.size, first : first + seen.size])


def _listed(module: str, paths: Mapping[str, Path]) -> Listing:
    """What a reader finds; InputError that names the files where they are not built as the originals are."""
    try:
        return importlib.import_module(module).listing(paths)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        names = ", ".join(str(path) for path in paths.values())
        said = f"{type(error).__name__}: {error}"[:200]
        raise InputError(f"{names}: not built as the originals are ({said}); delete and fetch again") from error


def checked(name: str, card: Mapping[str, Any], listing: Listing) -> Listing:
    """The listing with its validation rows; InputError unless classes and counts are the card's."""
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
    name: str,
    card: Mapping[str, Any],
    listing: Listing,
    seen: View,
    made_by: Mapping[str, Any],
    out: Path,
    threads: int,
    upright: Callable[[Image.Image], Image.Image] | None = None,
) -> None:
    """Decode every image of the listing into the file `out`; the threads share the decoding.

    `upright` makes RGB images of others; without it that is Pillow's plain conversion. Raises InputError with the
    number of images that cannot be decoded, and the first of them.
    """
    from tqdm import tqdm

    small = {
        "labels": listing.labels,
        "split": listing.split,
        "ids": np.frombuffer("\n".join(listing.ids).encode(), np.uint8),
        "targets": listing.targets,
        "released": listing.released,
    }
    small = {key: array for key, array in small.items() if array is not None}
    shape = (len(listing.ids), seen.size, seen.size, 3)
    dataset = Dataset(
        name=name,
        images=np.empty((0, *shape[1:]), np.uint8),
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
        maps = map_arrays(temporary, layout | {"images": (np.dtype(np.uint8), shape)}, describe(dataset))
        for key, array in small.items():
            maps[key][:] = array

        broken: dict[int, str] = {}

        def place(row: int, content: bytes | np.ndarray) -> None:
            try:
                image = decode(content, listing.ids[row], upright)
                with about(listing.ids[row]):
                    maps["images"][row] = crop(image, *seen)
            except InputError as error:
                broken[row] = str(error)

        with ThreadPoolExecutor(threads) as pool:
            contents = tqdm(listing.images(), desc=name, total=shape[0], unit="image", file=sys.stderr, mininterval=1)
            _all(pool, place, contents, ahead=4 * threads)
        if broken:
            more = f" ({len(broken)} of {shape[0]} images cannot be decoded)" if len(broken) > 1 else ""
            raise InputError(f"{card.get('images', name)}: {broken[min(broken)]}{more}")
        check(Dataset(**{**vars(dataset), **maps}))
        for array in maps.values():
            if isinstance(array, np.memmap):
                array.flush()
        seal_arrays(temporary)


def _all(pool: ThreadPoolExecutor, place: Any, contents: Iterator[tuple[int, Any]], ahead: int) -> None:
    """Call `place` on everything, with no more than `ahead` waiting in memory; its exceptions are raised here."""
    waiting: deque[Future[None]] = deque()
    for row, content in contents:
        if len(waiting) >= ahead:
            waiting.popleft().result()
        waiting.append(pool.submit(place, row, content))
    for future in waiting:
        future.result()


def decode(
    content: bytes | np.ndarray, identifier: str, upright: Callable[[Image.Image], Image.Image] | None = None
) -> Image.Image:
    """An RGB image; InputError that names it if it cannot be decoded, or is larger than any honest one.

    `upright` makes an RGB image of a user's own. Without it everything is as in the published pipelines: EXIF's
    orientation is not applied, and transparency is left out. Pixels of 16 or 32 bits, which Pillow would clip to white,
    are then refused: no dataset of the catalogue has them.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        if isinstance(content, np.ndarray):
            return Image.fromarray(content).convert("RGB")
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if min(image.size) == 0:
                raise ValueError("no pixels")
            if upright is None and image.mode.startswith(("I", "F")):
                raise ValueError(f"pixels of mode {image.mode}; save it with 8 bits per channel")
            with _LARGE_ONES if image.width * image.height > _LARGE else nullcontext():
                return image.convert("RGB") if upright is None else upright(image)
    except Exception as error:  # a broken image can raise anything
        remedy = "fetch its archive again" if upright is None else "replace it or take it away"
        why = "no known format" if isinstance(error, UnidentifiedImageError) else reason(error)
        raise InputError(f"{identifier}: this image cannot be decoded ({why}); {remedy}") from None


def crop(image: Image.Image, size: int, resize: int | None = None, interpolation: str = "bicubic") -> np.ndarray:
    """torchvision's Resize(resize, interpolation) and CenterCrop(size) of an RGB image: (size, size, 3) uint8."""
    from PIL import Image

    (width, height), side = image.size, resize or size
    if width <= height:
        width, height = side, int(side * height / width)
    else:
        width, height = int(side * width / height), side
    if width * height > _LARGEST:
        raise InputError(f"an image of {image.width} x {image.height} pixels is too long and narrow; leave it out")
    image = image.resize((width, height), Image.Resampling[interpolation.upper()])
    left, top = round((width - size) / 2), round((height - size) / 2)
    return np.asarray(image.crop((left, top, left + size, top + size)))
