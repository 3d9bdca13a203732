"""A warning where some checkpoints, but not all, have the published accuracies of a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pedrank.report import text

_SHOWN = 5  # names


def absent_rows(unknown: Mapping[str, Sequence[str]], checkpoints: int) -> list[str]:
    """Say which rows are missing because they are unknown for a part of the checkpoints.

    Args:
        unknown: Checkpoints without a number, by row.
        checkpoints: Number of the study's checkpoints. If no checkpoint has a number, there is nothing to say.

    Returns:
        One sentence per row.

    >>> absent_rows({"imagenet-accuracy": ["mine"], "prior": []}, 12)
    ['Table 1 has no row "ImageNet accuracy", because no such number is published for mine.']
    """
    return [
        f'Table 1 has no row "{text.metric(row)}", because no such number is published for {", ".join(names[:_SHOWN])}'
        f"{f' and {len(names) - _SHOWN} more' * (len(names) > _SHOWN)}."
        for row, names in unknown.items()
        if 0 < len(names) < checkpoints
    ]
