"""Values of options on the command line, checked as argparse reads them."""

from __future__ import annotations

import argparse


def positive(word: str) -> float:
    """A finite number above 0.

    Args:
        word: The word on the command line.

    Raises:
        ArgumentTypeError: It is not above 0, or infinite.
        ValueError: It is no number.

    >>> positive("0.6")
    0.6
    """
    value = float(word)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{word} is not above 0")
    return value


def count(word: str) -> int:
    """A whole number above 0.

    Args:
        word: The word on the command line.

    Raises:
        ArgumentTypeError: It is not above 0.
        ValueError: It is no whole number.

    >>> count("20")
    20
    """
    value = int(word)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{word} is not above 0")
    return value
