"""Any dataset of the catalogue as one file of square images, each decoded once for all checkpoints.

The images are those that the released code's evaluation transform yields: RGB, the shorter side resized to the crop's
`resize` pixels by Pillow's filter, then the centre cut out (torchvision's Resize and CenterCrop). Images are written as
they are decoded, so that only a few are in memory at a time.
"""

from __future__ import annotations

import importlib
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pedrank.catalogue.catalogue import catalogue, files, reader
from pedrank.catalogue.crop import Crop, parse_crop
from pedrank.datasets.dataset import SPLITS, Dataset, check_dataset, describe, save_images
from pedrank.datasets.embedded.loader import load_embedded
from pedrank.datasets.listing import Listing, take_validation
from pedrank.fetch.download import recorded_sha256
from pedrank.formats.image import decode
from pedrank.store.artefacts import atomic, map_arrays
from pedrank.store.digest import code_digest
from pedrank.store.integrity import seal_arrays
from pedrank.utils.errors import InputError, about
from pedrank.utils.version import VERSION

if TYPE_CHECKING:
    from PIL import Image

_LARGEST = 2**26  # pixels of a resized image, before it is cropped


def prepare_dataset(name: str, size: int | str, downloads: Path, out: Path, threads: int = 1) -> None:
    """Prepare a dataset of the catalogue.

    Args:
        name: The dataset.
        size: Side of the square images in pixels, or the name of a crop (`pedrank.catalogue.crop`). Datasets that come
            with a package are square already, and are always resized by the bilinear filter.
        downloads: Folder of the dataset's downloaded files.
        out: The file to write.
        threads: Threads that decode images.

    Raises:
        InputError: The name is unknown, a file is missing or broken, an image is missing or cannot be decoded, or the
            numbers of images or classes differ from the card's.
    """
    cards = catalogue("datasets")
    if name not in cards:
        raise InputError(f"unknown dataset '{name}'; choose from {', '.join(cards)}")
    card, seen = cards[name], parse_crop(str(size))
    if "images" in card:
        prepare_own(name, card, seen, out, threads)
        return
    if not files(card):
        save_images(_embedded(name, seen), out)
        return
    paths = {file: downloads / file for file in files(card)}
    inputs = {file: recorded_sha256(path) for file, path in paths.items()}
    module = reader(name)
    listing = checked(name, card, _listed(module, paths))
    code = code_digest("pedrank/datasets/prepare.py", f"{module.replace('.', '/')}.py")
    made_by = {"pedrank": VERSION, "options": _options(name, seen), "inputs": inputs, "code": code}
    write(name, card, listing, seen, made_by, out, threads)


def prepare_own(name: str, card: Mapping[str, Any], seen: Crop, out: Path, threads: int) -> None:
    """Prepare a user's own images; notes about them are printed to stderr.

    The header of the file tells what the images do not show: broken images that are left out, and how pixels were
    changed. It is known only when all images are decoded, and then they are decoded again.

    Args:
        name: Name of the dataset.
        card: Its entry, from `pedrank.user_data.image_cards`.
        seen: The crop of each image.
        out: The file to write.
        threads: Threads that decode images.

    Raises:
        InputError: As `prepare_dataset`.
    """
    # By name: an edit there must not prepare other datasets again.
    own = importlib.import_module("pedrank.user_data.images")
    source, unlabelled = Path(card["images"]), card["metric"] == "none"
    inputs = {"images": own.fingerprint(source, unlabelled)}
    listing = own.listing(source, unlabelled)
    made_by = {
        "pedrank": VERSION,
        "options": _options(name, seen),
        "inputs": inputs,
        "code": code_digest("pedrank/datasets/prepare.py", "pedrank/user_data/images.py"),
    }
    given = tuple(card["pixel_range"]) if "pixel_range" in card else None
    with atomic(out) as temporary:

        def fill(listing: Listing, made_by: Mapping[str, Any], facts: Mapping[str, Any]) -> tuple[list[Any], Any]:
            """Decode into the file; return the traits of the images, and the broken ones."""
            traits: list[Any] = []

            def rgb(image: Image.Image) -> Image.Image:
                converted, found = own.examine(image, *([facts["black_white"]] if "black_white" in facts else []))
                traits.append(found)
                return converted

            return traits, _fill(temporary, name, card, listing, seen, made_by, threads, rgb)

        traits, broken = fill(listing, made_by, {})
        if broken:
            _report(source, listing, broken, own.LEAVE_OUT, refuse=not card.get("skip_broken"))
        with about(source):
            facts = own.facts(traits, given) | ({"skipped": len(broken)} if broken else {})
            whole = own.without(listing, broken)
        if facts:
            facts["notes"] = own.remarks(name, len(listing.ids), facts)
            listing = whole
            _, broken = fill(listing, made_by | {"pixels": facts}, facts)
            if broken:  # they were whole a minute ago
                _report(source, listing, broken, own.LEAVE_OUT)
        for note in [*facts.get("notes", []), *(listing.notes if unlabelled else own.notes(listing))]:
            print(f"note: {name}: {note}", file=sys.stderr)
        seal_arrays(temporary)


def _options(name: str, seen: Crop) -> dict[str, Any]:
    changed = {"resize": seen.resize, "interpolation": seen.interpolation}
    return {"dataset": name, "size": seen.size} | (
        changed if changed != {"resize": seen.size, "interpolation": "bicubic"} else {}
    )


def _embedded(name: str, seen: Crop) -> Dataset:
    dataset = load_embedded(name, seen.resize)
    first = round((seen.resize - seen.size) / 2)
    return replace(dataset, images=dataset.images[:, first : first + seen.size, first : first + seen.size])


def _listed(module: str, paths: Mapping[str, Path]) -> Listing:
    """The reader's listing; an exception of the reader becomes an InputError that names the files."""
    try:
        return importlib.import_module(module).listing(paths)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        names = ", ".join(str(path) for path in paths.values())
        detail = f"{type(error).__name__}: {error}"[:200]
        raise InputError(f"{names}: unlike the original files ({detail}); delete them and run again") from error


def checked(name: str, card: Mapping[str, Any], listing: Listing) -> Listing:
    """Check a listing against its card, and draw validation rows if the card says `validation: seeded`.

    Args:
        name: The dataset, for messages.
        card: Its catalogue entry.
        listing: Its images as the reader lists them.

    Returns:
        The listing with its validation rows.

    Raises:
        InputError: Counts, classes, or the length of the training list differ from the card's.
    """
    counts, classes = dict(card["counts"]), card["classes"]
    if counts["validation"] == "seeded":
        counts["validation"] = counts["train"] // 5
        counts["train"] -= counts["validation"]
        listing = replace(listing, split=take_validation(listing.split))
    found = {split: int(np.sum(listing.split == index)) for index, split in enumerate(SPLITS)}
    if found != counts:
        raise InputError(f"{name}: counts {found} differ from the card's {counts}; delete its downloads and run again")
    expected = classes if isinstance(classes, int) else len(classes)
    labels = np.unique(listing.labels)
    if len(listing.class_names) != expected or not np.array_equal(labels, np.arange(expected)):
        raise InputError(
            f"{name}: {len(listing.class_names)} class names and {len(labels)} labels, but the card has {expected} "
            "classes; delete its downloads and run again"
        )
    if "drawn" in card:
        trained = listing.split != SPLITS.index("test")
        drawn = 0 if listing.released is None else int(listing.released[trained].sum())
        once = card["counts"]["train"]
        if drawn not in (card["drawn"], once):
            raise InputError(
                f"{name}: the training list has {drawn} lines, not the card's {card['drawn']}, or {once} without "
                "repeats; download it again"
            )
    return listing


def _report(
    source: str | Path, listing: Listing, broken: Mapping[int, str], remedy: str = "", refuse: bool = True
) -> None:
    """Print the broken images of a listing to stderr, and raise InputError unless they are to be left out."""
    for row in sorted(broken):
        print(f"broken: {broken[row]}", file=sys.stderr)
    if not refuse:
        return
    more = ""
    if len(broken) > 1:
        more = f" ({len(broken)} of {len(listing.ids)} images cannot be decoded; the log of this job lists them all)"
    raise InputError(f"{source}: {broken[min(broken)]}{remedy}{more}")


def write(
    name: str,
    card: Mapping[str, Any],
    listing: Listing,
    seen: Crop,
    made_by: Mapping[str, Any],
    out: Path,
    threads: int,
) -> None:
    """Decode every image of a listing into one file, by Pillow's plain conversion to RGB.

    Args:
        name: The dataset.
        card: Its catalogue entry.
        listing: Its images.
        seen: The crop of each image.
        made_by: Provenance for the file's header.
        out: The file.
        threads: Threads that decode images.

    Raises:
        InputError: Images cannot be decoded; the message gives their number and names the first, and all are printed
            to stderr.
    """
    with atomic(out) as temporary:
        broken = _fill(temporary, name, card, listing, seen, made_by, threads)
        if broken:
            _report(name, listing, broken)
        seal_arrays(temporary)


def _fill(
    temporary: Path,
    name: str,
    card: Mapping[str, Any],
    listing: Listing,
    seen: Crop,
    made_by: Mapping[str, Any],
    threads: int,
    upright: Callable[[Image.Image], Image.Image] | None = None,
) -> dict[int, str]:
    """Decode every image of a listing into an unsealed file; return the message of each row that is broken."""
    from tqdm import tqdm

    given = {
        "labels": listing.labels,
        "split": listing.split,
        "ids": np.frombuffer("\n".join(listing.ids).encode(), np.uint8),
        "targets": listing.targets,
        "released": listing.released,
    }
    small = {key: array for key, array in given.items() if array is not None}
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
    temporary.unlink(missing_ok=True)
    layout = {key: (array.dtype, array.shape) for key, array in small.items()}
    maps = map_arrays(temporary, layout | {"images": (np.dtype(np.uint8), shape)}, describe(dataset))
    for key, array in small.items():
        maps[key][:] = array

    broken: dict[int, str] = {}

    def place(row: int, content: bytes | np.ndarray | Path) -> None:
        try:
            image = decode(content, listing.ids[row], upright)
            with about(listing.ids[row]):
                maps["images"][row] = crop(image, *seen)
        except InputError as error:
            broken[row] = str(error)

    with ThreadPoolExecutor(threads) as pool:
        contents = tqdm(listing.images(), desc=name, total=shape[0], unit="image", file=sys.stderr, mininterval=1)
        _all(pool, place, contents, ahead=4 * threads)
    check_dataset(Dataset(**{**vars(dataset), **maps}))
    for array in maps.values():
        if isinstance(array, np.memmap):
            array.flush()
    return broken


def _all(pool: ThreadPoolExecutor, place: Any, contents: Iterable[tuple[int, Any]], ahead: int) -> None:
    """Call `place` on all contents, with at most `ahead` of them waiting in memory; its exceptions are raised here."""
    waiting: deque[Future[None]] = deque()
    for row, content in contents:
        if len(waiting) >= ahead:
            waiting.popleft().result()
        waiting.append(pool.submit(place, row, content))
    for future in waiting:
        future.result()


def crop(image: Image.Image, size: int, resize: int | None = None, interpolation: str = "bicubic") -> np.ndarray:
    """Resize and crop an image as torchvision's Resize(resize, interpolation) and CenterCrop(size) do.

    Args:
        image: An RGB image.
        size: Side of the square in pixels.
        resize: Length in pixels to which the shorter side is resized; `size` if left out.
        interpolation: Pillow's filter.

    Returns:
        (size, size, 3) uint8.

    Raises:
        InputError: The image is so long and narrow that it would have over 2**26 pixels once resized.

    >>> from PIL import Image
    >>> crop(Image.new("RGB", (640, 480)), 224, 256).shape
    (224, 224, 3)
    """
    from PIL import Image

    (width, height), side = image.size, resize or size
    if width <= height:
        width, height = side, int(side * height / width)
    else:
        width, height = int(side * width / height), side
    if width * height > _LARGEST:
        raise InputError(f"an image of {image.width} x {image.height} pixels is too long and narrow; remove it")
    image = image.resize((width, height), Image.Resampling[interpolation.upper()])
    left, top = round((width - size) / 2), round((height - size) / 2)
    return np.asarray(image.crop((left, top, left + size, top + size)))
