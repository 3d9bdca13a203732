"""Letters of a TrueType or OpenType font as pixels, drawn by Pillow's FreeType."""

from __future__ import annotations

import io

import numpy as np

from pedrank.utils.errors import InputError, reason

_SIDE, _MARGIN = 32, 3  # pixels
_DRAWN = 128  # pixels of a letter before it is made smaller, so that its edges are smooth


def glyph(font: bytes, letter: str, name: str) -> np.ndarray:
    """Draw a letter, white on black, as large as fits into the image without its margin, and centred.

    Args:
        font: The font's file.
        letter: A character.
        name: The font's name in messages.

    Returns:
        (32, 32, 3) uint8.

    Raises:
        InputError: The file is no font, or the letter is blank.

    >>> import matplotlib, pathlib
    >>> font = pathlib.Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf").read_bytes()
    >>> glyph(font, "I", "DejaVu").max(axis=(0, 2)).nonzero()[0].tolist()
    [14, 15, 16, 17]
    """
    from PIL import Image, ImageDraw, ImageFont

    try:
        image = Image.new("L", (4 * _DRAWN, 4 * _DRAWN))
        drawn = ImageFont.truetype(io.BytesIO(font), _DRAWN)
        ImageDraw.Draw(image).text((2 * _DRAWN, 2 * _DRAWN), letter, fill=255, font=drawn, anchor="mm")
        ink = image.getbbox()  # a font's own getbbox adds the space beside a letter
        if ink is None:
            raise ValueError("the font leaves it blank")
        image = image.crop(ink)
    except (OSError, ValueError, SystemError) as error:
        raise InputError(f"{name}: '{letter}' cannot be drawn ({reason(error)}); download its archive again") from None
    scale = (_SIDE - 2 * _MARGIN) / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    square = Image.new("L", (_SIDE, _SIDE))
    square.paste(image.resize(size, Image.Resampling.BOX), ((_SIDE - size[0]) // 2, (_SIDE - size[1]) // 2))
    return np.repeat(np.asarray(square)[..., None], 3, axis=2)
