"""Images in folders: PATH/CLASS/IMAGE, PATH/SPLIT/CLASS/IMAGE or PATH/CLASS/SPLIT/IMAGE.

Classes are the folders in alphabetical order; images in deeper folders belong to the class. The structure decides which
folders are splits (`pedrank.user_data.split_folders`). `Listing.notes` says which folders were read as splits, and how
many files were left out.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from pedrank.datasets.dataset import SPLITS
from pedrank.datasets.listing import VALIDATION, Listing, label_of
from pedrank.datasets.splits import complete
from pedrank.user_data.image_files import Identity, ImageFile, Walked, left_out_sentences, passed_over, walk
from pedrank.user_data.split_folders import Place, arrange
from pedrank.utils.errors import InputError

_AGAIN = "further name of an image that is counted once", "further names of images that are counted once"


def listing(path: Path) -> Listing:
    """List the images below a folder.

    Raises:
        InputError: There is no image, an image lies outside the classes or in two of them, a class has no image, or the
            structure fits splits as well as classes.
    """
    walked = walk(path)
    inside = [image.path[len(os.path.join(path, "")) :].split(os.sep)[:-1] for image in walked.images]
    if [] in inside:
        raise InputError(
            f"{walked.images[inside.index([])].path}: this image is not in a class folder; make a folder for each "
            "class, or write a CSV with the columns path and label"
        )
    _check_any(path, walked)
    arrangement = arrange(path, inside)
    images, places, again = _once(walked.images, arrangement.places)
    class_names = sorted({place.label for place in places})
    _check_empty([path / name for name in arrangement.class_folders], class_names, walked)
    place_of = label_of(class_names)
    labels = np.array([place_of[place.label] for place in places])
    names = [place.split for place in places if place.split]
    split = complete(names or None, labels, path)
    notes = [*arrangement.notes, *_split_sentence(arrangement.splits, places, split)]
    left_out = Counter(walked.left_out) + Counter({_AGAIN: again})
    notes += left_out_sentences(left_out)
    return from_files(path, [image.path for image in images], labels, split, class_names, notes=notes)


def unlabelled(path: Path) -> Listing:
    """List all images below a folder as reference images: one class, and neither training nor test images.

    Raises:
        InputError: The path is not a folder with images.
    """
    if not path.is_dir():
        raise InputError(f"{path}: not a folder; give a folder with images")
    walked = walk(path)
    _check_any(path, walked)
    images, _, again = _once(walked.images, [Place("unlabelled", None)] * len(walked.images))
    zeros = np.zeros(len(images), np.int64)
    split = np.full(len(images), VALIDATION, np.uint8)
    notes = left_out_sentences(Counter(walked.left_out) + Counter({_AGAIN: again}))
    return from_files(path, [image.path for image in images], zeros, split, ["unlabelled"], notes=notes)


def from_files(
    path: Path,
    images: Sequence[str],
    labels: np.ndarray,
    split: np.ndarray,
    class_names: Sequence[str],
    targets: np.ndarray | None = None,
    notes: Sequence[str] = (),
) -> Listing:
    """Make a listing of image files on disk.

    Args:
        path: A folder; paths below it are the images' names.
        images: The N files.
        labels: (N,) integers, 0..C-1.
        split: (N,) uint8.
        class_names: The C class names.
        targets: (N, C) int8, if images have several classes.
        notes: Sentences for the user.
    """

    def read() -> Iterator[tuple[int, Path]]:
        for row, file in enumerate(images):
            yield row, Path(file)

    start = os.path.join(path, "")
    ids = [file.removeprefix(start).encode(errors="replace").decode().replace("\n", "?") for file in images]
    return Listing(ids, labels.astype(np.int64), split, class_names, read, targets, notes=notes)


def files(path: Path) -> Iterator[str]:
    """Iterate over the image files below a folder, as `walk` finds them."""
    return (image.path for image in walk(path).images)


def _once(images: Sequence[ImageFile], places: Sequence[Place | None]) -> tuple[list[ImageFile], list[Place], int]:
    """Keep one name of each image that has a place.

    A name that is no link is preferred, then one for training.

    Returns:
        The images, their places, and the number of names that were left out.

    Raises:
        InputError: An image has names in two classes.
    """
    best: dict[Identity, tuple[ImageFile, Place]] = {}
    names = 0
    for image, place in zip(images, places, strict=True):
        if place is None:
            continue
        names += 1
        other, kept = best.setdefault(image.identity, (image, place))
        if kept.label != place.label:
            raise InputError(
                f"{image.path}: this is the same file as {other.path}, so the image would have two classes; write a "
                f"CSV with the columns path and label, where '{kept.label}|{place.label}' gives an image both"
            )
        if (image.link, place.split != "train") < (other.link, kept.split != "train"):
            best[image.identity] = image, place
    chosen = sorted(best.values())
    return [image for image, _ in chosen], [place for _, place in chosen], names - len(chosen)


def _check_any(path: Path, walked: Walked) -> None:
    if not walked.images:
        found = " ".join(left_out_sentences(walked.left_out)).rstrip(".") or "Nothing was found"
        raise InputError(f"{path}: no images below this folder ({found}); save them as JPEG or PNG")


def _check_empty(folders: Sequence[Path], class_names: Sequence[str], walked: Walked) -> None:
    """Raise InputError if a class folder has no image."""
    for folder in folders:
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            if entry.is_dir() and entry.name not in class_names and not passed_over(entry.name):
                inside = [] if entry.is_symlink() else left_out_sentences(walk(Path(entry.path)).left_out)
                sentences = inside or left_out_sentences(walked.left_out)
                found = f" ({sentences[0].rstrip('.')})" if sentences else ""
                raise InputError(
                    f"{folder}: no images in the class folder '{entry.name}'{found}; add some as JPEG or PNG, or move "
                    "the folder elsewhere"
                )


def _split_sentence(splits: Mapping[str, str], places: Sequence[Place], split: np.ndarray) -> list[str]:
    """Say which folders were read as which splits."""
    if not splits:
        return []
    if set(splits.values()) == {"train"}:
        return [f"Read as the whole dataset: {', '.join(splits)}. Its images are split class by class."]
    final = {place.split: int(number) for place, number in zip(places, split, strict=True)}
    ordered = sorted(splits, key=lambda name: (final[splits[name]], name))
    return [f"Read as splits: {', '.join(f'{name} ({SPLITS[final[splits[name]]]})' for name in ordered)}."]
