"""Names that the workflow can use in paths, from what people call their things."""

from __future__ import annotations

import re

from pedrank.utils.errors import InputError


def slug(text: str) -> str:
    """Lower-case letters, digits, dots and hyphens: vit_S16 becomes vit-s16. InputError where nothing is left."""
    name = re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")
    if not name:
        raise InputError(f"'{text}': no letter or digit to make a name of; rename it")
    return name
