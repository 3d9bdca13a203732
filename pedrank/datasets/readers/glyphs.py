"""Capital letters of 100 fonts, in the way of notMNIST (Bulatov 2011): white on black, one image per font and letter.

The fonts come with the Python package trdg. They are split in the order of their names, so that hardly any family is in
two splits: 49 fonts (Aller to Pacifico) for training, 18 (Raleway) for validation, 33 (Roboto to Walkway) for the test.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path

from pedrank.datasets.listing import TEST, TRAIN, VALIDATION, Listing
from pedrank.formats.archive import members
from pedrank.formats.font import glyph

_FOLDER = "trdg/fonts/latin/"
_FONTS = {TRAIN: 49, VALIDATION: 18, TEST: 33}


def listing(paths: Mapping[str, Path]) -> Listing:
    """List the letters as pixels, drawn here; all are in memory."""
    import numpy as np

    (archive,) = paths.values()
    fonts = {name: read() for name, read in members(archive) if name.startswith(_FOLDER)}
    letters = string.ascii_uppercase
    names = sorted(fonts, key=str.lower)
    images = [glyph(fonts[name], letter, f"{archive}: {name}") for name in names for letter in letters]
    ids = [f"{name.removeprefix(_FOLDER)}/{letter}" for name in names for letter in letters]
    split = np.repeat(np.array(list(_FONTS), np.uint8), [count * len(letters) for count in _FONTS.values()])
    labels = np.tile(np.arange(len(letters)), len(names))
    return Listing(ids, labels, split, list(letters), lambda: enumerate(images))
