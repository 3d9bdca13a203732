"""Kinds of image files that are read: by the ending of the name, and by the first bytes where a name has no ending.

Pillow's own list of endings decides. Formats that start another program (EPS), that hold no pixels (HDF5), films and
formats that the installed Pillow lacks are left out.
"""

from __future__ import annotations

import re
import warnings
from functools import cache

# Formats of the paper's datasets and of users' images. Pillow reads more; one of them (EPS) starts another program.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000")

# Read as a user's own images only: the datasets of the paper have none of these.
_MORE = ("AVIF", "DDS", "DIB", "ICO", "PCX", "PSD", "QOI", "SGI", "SUN")
_UNMARKED = "TGA"  # no first bytes mark it, so the ending must say it
_JPEG = "MPO"  # several JPEGs in one file; Pillow opens it as JPEG

# A dot and letters or digits, not digits alone: `IMG.0001`, `Dr. Smith` and `1.jpg?large` have no ending.
_ENDING = re.compile(r"\.(?=[a-z0-9]*[a-z])[a-z0-9]{1,11}\Z")


def ending(name: str) -> str:
    """Return the ending of a file's name in lower case, or "" where the name has none.

    >>> ending("IMG_1.JPG"), ending("picture"), ending("scan.0001")
    ('.jpg', '', '')
    """
    found = _ENDING.search(name.lower(), 1)
    return found[0] if found else ""


@cache
def endings() -> frozenset[str]:
    """Endings of the image files that the installed Pillow reads, in lower case and with the dot.

    >>> {".jpg", ".tga"} <= endings(), ".eps" in endings()
    (True, False)
    """
    from PIL import Image

    formats = {*FORMATS, *_MORE, _UNMARKED, _JPEG}
    return frozenset(suffix for suffix, kind in Image.registered_extensions().items() if kind in formats)


@cache
def _known(*formats: str) -> tuple[str, ...]:
    """The formats that the installed Pillow knows; an unknown one would be a KeyError."""
    from PIL import Image

    Image.init()
    return tuple(kind for kind in formats if kind in Image.OPEN)


def formats_of(name: str) -> tuple[str, ...]:
    """Formats to try for one of a user's own images, by Pillow's names.

    Args:
        name: The image's name; TGA is tried only if the name ends with .tga, .icb, .vda or .vst.
    """
    from PIL import Image

    unmarked = Image.registered_extensions().get(ending(name)) == _UNMARKED
    return _known(*FORMATS, *_MORE, *([_UNMARKED] if unmarked else []))


def starts_like_an_image(path: str) -> bool:
    """Whether a file's first bytes are those of an image that is read.

    Args:
        path: A regular file.

    Raises:
        OSError: The file cannot be read.
    """
    from PIL import Image

    with open(path, "rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            Image.open(file, formats=formats_of("")).close()
        except Image.DecompressionBombError:
            return True  # refused by its name when it is decoded
        except OSError as error:
            if error.errno is not None:  # of the disk, not of the content
                raise
            return False
        except Exception:  # a broken image can raise anything
            return False
    return True
