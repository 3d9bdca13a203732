"""A user's own image as 8-bit RGB, as a person sees it: turned upright, and over white where it is transparent.

A file with 16 bits per channel often holds 10, 12 or 14 bits, and nothing in the file says so. So black and white are
chosen once for all images of a dataset (`levels`), from the values that `examine` finds in them.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

LONGEST = 16  # times the shorter side; longer images are cropped to their middle, since enlarging them fills the memory
SIXTEEN_BITS = (0.0, 65535.0)
_SEQUENCES = ("GIF", "PNG", "WEBP", "TIFF")  # a JPEG's further pictures are previews and depth maps
_BITS, _PHOTOMETRIC, _PLANES, _SAMPLE_FORMAT = 258, 262, 284, 339  # tags of TIFF
_WHITE_IS_ZERO, _SEPARATE, _SIGNED = 0, 2, 2  # values of these tags
_CODESTREAM, _DEPTH = b"\xff\x4f\xff\x51", 42  # start of JPEG 2000's own data, and the place of the bits per channel


@dataclass(frozen=True)
class Traits:
    """Properties of an image that `upright_rgb` cannot keep."""

    span: tuple[float, float] | None = None  # least and largest value, with more than 8 bits per channel
    colour: bool = False  # these bits are a colour's, of which Pillow keeps the upper eight
    fraction: bool = False  # the values are floating-point numbers
    several: bool = False  # an animation, or several pages
    cropped: bool = False  # longer than `LONGEST` times its shorter side


def examine(image: Image.Image, black_white: tuple[float, float] = SIXTEEN_BITS) -> tuple[Image.Image, Traits]:
    """Convert an opened image as `upright_rgb` does, and find the properties that its RGB form lacks.

    Args:
        image: The image as `PIL.Image.open` returns it, before its pixels are loaded.
        black_white: As for `upright_rgb`.

    Returns:
        The RGB image and the traits of the original.

    Raises:
        InputError: Some pixels are NaN or infinite, or of a kind that Pillow reads wrongly.

    >>> from PIL import Image
    >>> rgb, traits = examine(Image.new("I", (1, 1), 4095), (0, 4095))
    >>> rgb.getpixel((0, 0)), traits.span
    ((255, 255, 255), (4095.0, 4095.0))
    """
    _refuse_misread(image)
    colour = _has_deep_colour(image)  # loading the pixels deletes what tells it
    span = None
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image)
        if not np.isfinite(values).all():
            raise InputError("some pixels are NaN or infinite")
        span = float(values.min()), float(values.max())
    elif colour:
        upper = np.asarray(image if image.mode == "CMYK" else image.convert("RGB"))  # without transparency
        span = 0.0, float(upper.max()) * 256 + 255
    rgb = upright_rgb(image, black_white)
    several = False
    if image.format in _SEQUENCES:
        with suppress(Exception):  # of what follows the first picture nothing is used, and it may be broken
            several = bool(getattr(image, "is_animated", False))
    cropped = max(image.size) > LONGEST * min(image.size)
    return rgb, Traits(span, colour, image.mode == "F", several, cropped)


def levels(found: Collection[Traits], given: tuple[float, float] | None = None) -> tuple[float, float]:
    """Choose black and white for all images of a dataset with more than 8 bits per channel.

    Black is 0. White is 1 for floating-point numbers up to 1, else the largest number of the fewest bits, 8 or more,
    that all values fit into. So one dark image among others stays dark, and the order of the images does not count.

    Args:
        found: Traits of the images, at least one with a span.
        given: Black and white, if the user knows them.

    Raises:
        InputError: Values are negative, colours do not use their 16 bits, or the given white is not above black.

    >>> levels([Traits((12.0, 1800.0)), Traits((3.0, 3900.0))])
    (0.0, 4095.0)
    """
    spans = [each.span for each in found if each.span is not None]
    low, high = min(span[0] for span in spans), max(span[1] for span in spans)
    colour = any(each.colour for each in found)
    remedy = "--pixel-range LOW HIGH (`pixel_range: [LOW, HIGH]` in the dataset's card)"
    if given is None and low < 0:
        raise InputError(f"pixel values go from {number(low)} to {number(high)}; give black and white by {remedy}")
    if given is not None and not given[0] < given[1]:
        raise InputError(f"pixel range {number(given[0])} to {number(given[1])}: white must be above black")
    bits = max(8, math.ceil(high).bit_length())
    unit = high <= 1 and all(each.fraction for each in found if each.span)
    chosen = given or (0.0, 1.0 if unit else 2.0**bits - 1)
    if colour and chosen != SIXTEEN_BITS:
        raise InputError(
            f"colour images of 16 bits per channel have values up to {number(high)} only, and only their upper 8 bits "
            "can be read; save them with 8 bits per channel, or, if 65,535 is white, add --pixel-range 0 65535 "
            "(`pixel_range: [0, 65535]` in the dataset's card)"
        )
    return chosen


def upright_rgb(image: Image.Image, black_white: tuple[float, float] = SIXTEEN_BITS) -> Image.Image:
    """Convert any image that Pillow opens to RGB; of an animation or several pages the first is taken.

    EXIF's orientation is applied. Grey values of more than 8 bits are scaled to 8. CMYK is converted. Transparent
    pixels, including those of a palette, are blended with white. An image longer than `LONGEST` times its shorter side
    is cropped.

    Args:
        image: The image.
        black_white: Values that become 0 and 255, in an image whose grey values have more than 8 bits. Values beyond
            them are clipped.

    >>> from PIL import Image
    >>> upright_rgb(Image.new("RGBA", (1, 1), (0, 0, 0, 0))).getpixel((0, 0))
    (255, 255, 255)
    >>> upright_rgb(Image.new("I", (1, 1), 1023), (0, 4095)).getpixel((0, 0))
    (63, 63, 63)
    """
    from PIL import Image, ImageOps

    white_is_zero = _WHITE_IS_ZERO in _values(image, _PHOTOMETRIC)  # Pillow knows this of 8 bits alone
    image = ImageOps.exif_transpose(image)
    width, height = image.size
    longest = LONGEST * min(width, height)
    if max(width, height) > longest:
        left, top = max(0, (width - longest) // 2), max(0, (height - longest) // 2)
        image = image.crop((left, top, left + min(width, longest), top + min(height, longest)))
    if image.mode.startswith(("I", "F")):
        grey = _grey(image, black_white)
        image = Image.fromarray(255 - grey if white_is_zero else grey)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        colours = image.convert("RGBA")
        white = Image.new("RGBA", colours.size, "white")
        image = Image.alpha_composite(white, colours)
    return image.convert("RGB")


def number(value: float) -> str:
    """Print a pixel value.

    >>> number(65535.0), number(0.5)
    ('65,535', '0.5')
    """
    return f"{value:,.10g}"


def _grey(image: Image.Image, black_white: tuple[float, float]) -> np.ndarray:
    """Pixels (H, W) uint8 of a grey image of more than 8 bits; its transparent value becomes white."""
    values, (black, white) = np.asarray(image, np.float64), black_white
    scaled = (values - black) * 255 / (white - black)
    # Integers are rounded down, as 65,535 / 255 = 257 values become one; a float such as 37 / 255 is not exact.
    grey = np.clip(np.rint(scaled) if image.mode == "F" else np.floor(scaled), 0, 255).astype(np.uint8)
    return np.where(values == image.info["transparency"], np.uint8(255), grey) if _has_key(image) else grey


def _has_key(image: Image.Image) -> bool:
    return isinstance(image.info.get("transparency"), int)


def _refuse_misread(image: Image.Image) -> None:
    """Raise InputError for pixels that Pillow (13.0) decodes without an error, and wrongly."""
    remedy = "save it with 8 bits per channel, as PNG or JPEG"
    if image.mode == "L" and _SIGNED in _values(image, _SAMPLE_FORMAT):
        raise InputError(f"signed 8-bit pixels; {remedy}")
    if image.mode.startswith(("I", "F")):
        return
    if _SEPARATE in _values(image, _PLANES) and max(_values(image, _BITS)) > 8:
        raise InputError(f"colours of 16 bits per channel in separate planes; {remedy}")
    if image.format == "JPEG2000" and _jpeg2000_bits(image) > 8:
        raise InputError(f"colours of more than 8 bits per channel in JPEG 2000; {remedy}")  # white becomes black


def _has_deep_colour(image: Image.Image) -> bool:
    """Whether Pillow drops the lower bits of an opened colour image."""
    tiles = getattr(image, "tile", None)
    if image.mode.startswith(("I", "F")) or not tiles:
        return False
    arguments = tiles[0][3]
    if image.format == "PPM" and isinstance(arguments, tuple):
        return isinstance(arguments[-1], int) and arguments[-1] > 255
    return ";16" in str(arguments)


def _jpeg2000_bits(image: Image.Image) -> int:
    file = image.fp  # type: ignore[attr-defined]
    position = file.tell()
    file.seek(0)
    head = file.read().partition(_CODESTREAM)[2]
    file.seek(position)
    return (head[_DEPTH - len(_CODESTREAM)] & 127) + 1


def _values(image: Image.Image, tag: int) -> tuple[int, ...]:
    """Values of a tag of TIFF; none if it is missing, or for other formats."""
    value = getattr(image, "tag_v2", {}).get(tag, ())
    return value if isinstance(value, tuple) else (value,)
