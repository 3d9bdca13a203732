"""The golden numbers of tests/reference, and features to try extremes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "reference"
NAMES = sorted(path.stem for path in FOLDER.glob("*.npz"))


def golden(name: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays, read-only, and numbers of one set."""
    with np.load(FOLDER / f"{name}.npz") as file:
        arrays = dict(file)
    for array in arrays.values():
        array.flags.writeable = False
    return arrays, json.loads((FOLDER / f"{name}.json").read_text())


def clusters(n: int, d: int, c: int, seed: int = 0, apart: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian classes: features (n, d) float32 and labels (n,), every class at least twice; read-only."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.concatenate([np.arange(c), np.arange(c), rng.integers(0, c, n - 2 * c)]))
    features = rng.normal(size=(n, d)) + apart * rng.normal(size=(c, d))[labels]
    features = features.astype(np.float32)
    features.flags.writeable = labels.flags.writeable = False
    return features, labels
