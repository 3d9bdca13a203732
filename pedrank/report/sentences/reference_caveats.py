"""What PED's reference statistics are of, where they are not what the paper has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PAPER_REFERENCE = "imagenet-val"


def reference_caveats(config: Mapping[str, Any]) -> list[str]:
    """One sentence, if a study's reference images are other ones than the paper's; `config` is the study's."""
    source = config["reference"]["source"]
    if source in (PAPER_REFERENCE, "shipped", "folder"):
        return []
    if source == "self":
        return [
            "PED rescales by the statistics of each dataset's own features, for want of reference images. The paper "
            "takes those of ImageNet's validation images: these rows are not its method to the letter."
        ]
    return [f"PED rescales by statistics of the images of {source}, in the place of ImageNet's validation images."]
