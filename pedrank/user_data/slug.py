"""Names that the workflow can use in paths, made of the names that people give."""

from __future__ import annotations

import hashlib
import re
from unicodedata import category, normalize

_LONGEST = 80  # characters; a file system allows 255 bytes for a name, and suffixes are added


def slug(text: str) -> str:
    """Convert a text to lower-case letters, digits, dots and hyphens.

    Accents are dropped. If other letters, digits or symbols would be lost, or the text is very long, the name ends with
    eight digits of the text's hash, so that different texts keep different names. Composed and decomposed letters
    (Unicode's NFC and NFD) give the same name.

    >>> slug("vit_S16"), slug("Café (2)")
    ('vit-s16', 'cafe-2')
    >>> slug("照片")
    'name-7b50017a'
    """
    letters = re.sub(r"[^a-z0-9.]+", "-", _accentless(text)).strip("-.")
    if not is_hashed(text):
        return letters
    digest = hashlib.sha256(normalize("NFC", text).encode(errors="surrogatepass")).hexdigest()
    return f"{letters[: _LONGEST - 9].rstrip('-.') or 'name'}-{digest[:8]}"


def is_hashed(text: str) -> bool:
    """Whether `slug` loses a part of a text, so that the name ends with a hash.

    >>> is_hashed("Café"), is_hashed("照片")
    (False, True)
    """
    plain = _accentless(text)
    lost = any(category(letter)[0] in "LNS" or category(letter) == "Cs" for letter in plain if not letter.isascii())
    return lost or len(plain) > _LONGEST or not re.search("[a-z0-9]", plain)


def _accentless(text: str) -> str:
    """The text in lower case, without the accents of its letters."""
    return "".join(letter for letter in normalize("NFKD", text.casefold()) if category(letter) != "Mn")
