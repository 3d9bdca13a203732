"""Names that the workflow can use in paths, made of the names that people give."""

from __future__ import annotations

import re

from pedrank.utils.errors import InputError


def slug(text: str) -> str:
    """Convert a text to lower-case letters, digits, dots and hyphens.

    Raises:
        InputError: Nothing is left.

    >>> slug("vit_S16")
    'vit-s16'
    """
    name = re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")
    if not name:
        raise InputError(f"'{text}': has no letter or digit, so it cannot be a name; rename it")
    return name
