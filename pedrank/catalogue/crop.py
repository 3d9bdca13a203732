"""Which square of an image a network sees: the side of the square, and how the image is shrunk before it is cut out.

By default the shorter side is brought to the size of the square by Pillow's bicubic filter, as the released code does.
A checkpoint can say otherwise (`image_size`, `resize`, `interpolation` in its catalogue entry). A view's name, such as
224, 224-of-256 or 224-of-256-bilinear, is part of the name of the file of prepared images.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from pedrank.utils.errors import InputError

PATTERN = r"\d+(?:-of-\d+)?(?:-[a-z]+)?"
FILTERS = ("bicubic", "bilinear", "lanczos", "box", "nearest")


class Crop(NamedTuple):
    """Square of `size` pixels from the centre of an image whose shorter side is brought to `resize` pixels."""

    size: int
    resize: int
    interpolation: str = "bicubic"


def crop_name(entry: Mapping[str, Any], size: int) -> str:
    """The name of the view of a checkpoint's catalogue entry; `size` is the study's, for entries that name none."""
    size = entry.get("image_size", size)
    resize, interpolation = entry.get("resize", size), entry.get("interpolation", "bicubic")
    cut = f"-of-{resize}" if resize != size else ""
    return f"{size}{cut}" + (f"-{interpolation}" if interpolation != "bicubic" else "")


def parse_crop(name: str) -> Crop:
    """The view of that name; InputError where there is none."""
    if not re.fullmatch(PATTERN, name):
        raise InputError(f"'{name}' is no view of an image; it is a size such as 224, or 224-of-256-bilinear")
    size, _, rest = name.partition("-of-")
    resize, _, interpolation = (rest or size).partition("-")
    found = Crop(int(size.partition("-")[0]), int(resize), interpolation or "bicubic")
    if found.interpolation not in FILTERS:
        raise InputError(f"'{name}': no filter '{found.interpolation}'; choose from {', '.join(FILTERS)}")
    if not 0 < found.size <= found.resize:
        raise InputError(f"'{name}': {found.size} pixels cannot be cut from {found.resize}; make `resize` larger")
    return found
