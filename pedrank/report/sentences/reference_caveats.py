"""A warning where the reference statistics of PED come from other images than the paper's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PAPER_REFERENCE = "imagenet-val"


def reference_caveats(config: Mapping[str, Any]) -> list[str]:
    """Say which images the reference statistics of PED come from, if they are not the paper's.

    Args:
        config: The study's configuration.

    Returns:
        One sentence, or none.

    >>> reference_caveats({"reference": {"source": "imagenet-val"}})
    []
    """
    source = config["reference"]["source"]
    if source in (PAPER_REFERENCE, "shipped", "folder"):
        return []
    if source == "self":
        return [
            "There are no reference images, so PED rescales features by each dataset's own feature statistics. The "
            "paper uses ImageNet's validation images, so the rows with PED are not exactly the paper's method."
        ]
    return [
        f"PED rescales features by their statistics on {source} images. The paper uses ImageNet's validation images."
    ]
