"""Encoded images as RGB pixels, by Pillow."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import nullcontext
from threading import Semaphore
from typing import TYPE_CHECKING

import numpy as np

from pedrank.utils.errors import InputError, reason

if TYPE_CHECKING:
    from PIL import Image

# Pillow reads many more, one of which starts another program (EPS).
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000")
_LARGE, _LARGE_ONES = 20_000_000, Semaphore()  # pixels; images of more are decoded one after the other, to spare memory


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
