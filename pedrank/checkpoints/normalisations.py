"""Mean and standard deviation of the channels that images are normalised by, by name."""

from __future__ import annotations

NORMALISATIONS = {
    "imagenet": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
    "swav": {
        "mean": [0.485, 0.456, 0.406],
        "std": [0.228, 0.224, 0.225],
    },  # of its own code, and DeepCluster's and SeLa's
    "none": {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]},
}
