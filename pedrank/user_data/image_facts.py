"""Facts about a user's own images that their prepared form does not show, and sentences about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pedrank.formats.photo import LONGEST, Traits, levels, number


def facts(found: Sequence[Traits], given: tuple[float, float] | None) -> dict[str, Any]:
    """Collect what the traits of all images of a dataset amount to.

    Args:
        found: Traits of each image, in any order.
        given: Black and white of images with more than 8 bits per channel, if the user gave them.

    Returns:
        Only what there is: `black_white`, `span` (least and largest value), `deep`, `several` and `cropped` (numbers
        of images). Empty for ordinary images.

    Raises:
        InputError: Black and white are unknown (`pedrank.formats.photo.levels`).

    >>> facts([Traits(), Traits((0.0, 900.0))], None)
    {'deep': 1, 'span': [0.0, 900.0], 'black_white': [0.0, 1023.0]}
    """
    spans = [each.span for each in found if each.span is not None]
    collected: dict[str, Any] = {}
    if spans:
        span = [min(low for low, _ in spans), max(high for _, high in spans)]
        collected = {"deep": len(spans), "span": span, "black_white": list(levels(found, given))}
    for name in ("several", "cropped"):
        count = sum(getattr(each, name) for each in found)
        collected |= {name: count} if count else {}
    return collected


def remarks(name: str, total: int, known: Mapping[str, Any]) -> list[str]:
    """Write sentences about the facts of a dataset.

    Args:
        name: The dataset.
        total: Number of its images, with the broken ones.
        known: Result of `facts`, and `skipped`, the number of broken images that are left out.

    >>> remarks("cells", 9, {"several": 2})
    ['2 of 9 images have several pictures or pages; only the first of each is used']
    """
    sentences = []
    if "skipped" in known:
        sentences.append(
            f"{known['skipped']} of {total} images cannot be decoded and are left out; "
            f"results/data/{name}/prepare-*.log lists them"
        )
    if "deep" in known:
        (low, high), (black, white) = known["span"], known["black_white"]
        sentences.append(
            f"{known['deep']} of {total} images have more than 8 bits per channel, with values from {number(low)} to "
            f"{number(high)}; {number(black)} is read as black and {number(white)} as white; to change that, add "
            "--pixel-range LOW HIGH (`pixel_range: [LOW, HIGH]` in the dataset's card)"
        )
    if "several" in known:
        sentences.append(
            f"{known['several']} of {total} images have several pictures or pages; only the first of each is used"
        )
    if "cropped" in known:
        sentences.append(
            f"{known['cropped']} of {total} images are more than {LONGEST} times as long as wide; only their middle "
            "is used"
        )
    return sentences
