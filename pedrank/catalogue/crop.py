"""The square of an image that a network sees: its side, and how the image is resized before the square is cut out.

By default the shorter side is resized to the side of the square by Pillow's bicubic filter, as in the released code.
A checkpoint can state otherwise (`image_size`, `resize`, `interpolation` in its catalogue entry). A crop's name, such
as 224, 224-of-256 or 224-of-256-bilinear, is part of the name of the file of prepared images.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from pedrank.utils.errors import InputError

PATTERN = r"\d+(?:-of-\d+)?(?:-[a-z]+)?"
FILTERS = ("bicubic", "bilinear", "lanczos", "box", "nearest")


class Crop(NamedTuple):
    """A square of `size` pixels from the centre of an image whose shorter side is resized to `resize` pixels."""

    size: int
    resize: int
    interpolation: str = "bicubic"


def crop_name(entry: Mapping[str, Any], size: int) -> str:
    """Return the name of a checkpoint's crop.

    Args:
        entry: The checkpoint's catalogue entry.
        size: The study's image size, for entries that state none.

    >>> crop_name({"resize": 256, "interpolation": "bilinear"}, 224)
    '224-of-256-bilinear'
    """
    size = entry.get("image_size", size)
    resize, interpolation = entry.get("resize", size), entry.get("interpolation", "bicubic")
    cut = f"-of-{resize}" if resize != size else ""
    return f"{size}{cut}" + (f"-{interpolation}" if interpolation != "bicubic" else "")


def parse_crop(name: str) -> Crop:
    """Return the crop of a name.

    Raises:
        InputError: The name is not a crop's, its filter is unknown, or the square is larger than the resized image.

    >>> parse_crop("224-of-256-bilinear")
    Crop(size=224, resize=256, interpolation='bilinear')
    """
    if not re.fullmatch(PATTERN, name):
        raise InputError(f"'{name}': not a crop; give a size such as 224, or 224-of-256-bilinear")
    size, _, rest = name.partition("-of-")
    resize, _, interpolation = (rest or size).partition("-")
    found = Crop(int(size.partition("-")[0]), int(resize), interpolation or "bicubic")
    if found.interpolation not in FILTERS:
        raise InputError(f"'{name}': unknown filter '{found.interpolation}'; choose from {', '.join(FILTERS)}")
    if not 0 < found.size <= found.resize:
        raise InputError(
            f"'{name}': {found.size} pixels cannot be cut from an image of {found.resize}; make `resize` larger"
        )
    return found
