"""Named normalisations of images: mean and standard deviation of the three channels, for images in [0, 1]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NORMALISATIONS = {
    "imagenet": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
    # In the code of SwAV, DeepCluster-v2 and SeLa-v2
    "swav": {"mean": [0.485, 0.456, 0.406], "std": [0.228, 0.224, 0.225]},
    "none": {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]},
}


def normalisation(entry: Mapping[str, Any]) -> dict[str, list[float]]:
    """Mean and standard deviation of the channels that a catalogue entry states, in numbers or by name.

    >>> normalisation({"normalisation": "none"})
    {'mean': [0.0, 0.0, 0.0], 'std': [1.0, 1.0, 1.0]}
    """
    given = entry["normalisation"]
    return NORMALISATIONS[given] if isinstance(given, str) else {key: list(given[key]) for key in ("mean", "std")}
