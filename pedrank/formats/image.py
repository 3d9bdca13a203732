"""Encoded images as RGB pixels, decoded by Pillow."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from threading import Semaphore
from typing import TYPE_CHECKING

import numpy as np

from pedrank.formats.image_kinds import FORMATS, formats_of
from pedrank.utils.errors import InputError, reason

if TYPE_CHECKING:
    from PIL import Image

_LARGE, _LARGE_ONES = 20_000_000, Semaphore()  # pixels; to save memory, larger images are decoded one at a time


def decode(
    content: bytes | np.ndarray | Path, identifier: str, upright: Callable[[Image.Image], Image.Image] | None = None
) -> Image.Image:
    """Decode an image to RGB.

    Without `upright` an image is decoded as in the published pipelines: EXIF's orientation is not applied, and
    transparency is dropped. Pixels of 16 or 32 bits are then refused, because Pillow would clip them to white. No
    dataset of the catalogue has them.

    Args:
        content: The encoded file, its path, or pixels (H, W, 3) uint8.
        identifier: The image's name in messages.
        upright: Converts an opened image to RGB; used for a user's own images (`pedrank.formats.photo.upright_rgb`).

    Raises:
        InputError: The image cannot be read or decoded, or it has more pixels than Pillow's limit.

    >>> decode(np.zeros((2, 3, 3), np.uint8), "black").size
    (3, 2)
    """
    from PIL import Image, UnidentifiedImageError

    try:
        if isinstance(content, np.ndarray):
            return Image.fromarray(content).convert("RGB")
        content = content.read_bytes() if isinstance(content, Path) else content
        if not content:
            raise ValueError("empty")
        formats = FORMATS if upright is None else formats_of(identifier)
        with Image.open(io.BytesIO(content), formats=formats) as image:
            if min(image.size) == 0:
                raise ValueError("no pixels")
            if upright is None and image.mode.startswith(("I", "F")):
                raise ValueError(f"pixels of mode {image.mode}; save it with 8 bits per channel")
            with _LARGE_ONES if image.width * image.height > _LARGE else nullcontext():
                return image.convert("RGB") if upright is None else upright(image)
    except Exception as error:  # a broken image can raise anything
        remedy = "download its archive again" if upright is None else "replace it"
        known = not isinstance(error, UnidentifiedImageError)
        why = (getattr(error, "strerror", None) or reason(error)) if known else "no known format"
        raise InputError(f"{identifier}: this image cannot be decoded ({why}); {remedy}") from None
