"""A user's own image as 8-bit RGB, as a person sees it: turned upright, and over white where it is transparent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

LONGEST = 16  # times the shorter side; longer images are cropped to their middle, since enlarging them fills the memory


def upright_rgb(image: Image.Image) -> Image.Image:
    """Convert any image that Pillow opens to RGB; of an animation the first frame is taken.

    EXIF's orientation is applied. 16 bits per channel are scaled to 8. CMYK is converted. Transparent pixels, including
    those of a palette, are blended with white. An image longer than `LONGEST` times its shorter side is cropped.

    Raises:
        InputError: The pixels are floating-point numbers, whose range is unknown.

    >>> from PIL import Image
    >>> upright_rgb(Image.new("RGBA", (1, 1), (0, 0, 0, 0))).getpixel((0, 0))
    (255, 255, 255)
    """
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    width, height = image.size
    longest = LONGEST * min(width, height)
    if max(width, height) > longest:
        left, top = max(0, (width - longest) // 2), max(0, (height - longest) // 2)
        image = image.crop((left, top, left + min(width, longest), top + min(height, longest)))
    if image.mode == "F":
        raise InputError("floating-point pixels; save the image with 8 bits per channel")
    if image.mode.startswith("I"):
        image = Image.fromarray(np.clip(np.asarray(image, np.int64) // 257, 0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        colours = image.convert("RGBA")
        white = Image.new("RGBA", colours.size, "white")
        image = Image.alpha_composite(white, colours)
    return image.convert("RGB")
