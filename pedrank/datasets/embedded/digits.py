"""scikit-learn's digits: 1,797 handwritten digits of 8 x 8 pixels with values 0..16 (Alpaydin and Kaynak 1998, UCI)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pedrank.datasets.splits import stratified_split

SEED = 0


def read(counts: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read the digits.

    Args:
        counts: Images of each split, in the order of `SPLITS`.

    Returns:
        Images (N, 32, 32) uint8, labels (N,), splits (N,).
    """
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    rows, split = stratified_split(labels, counts, SEED)
    return enlarge(pixels[rows].reshape(-1, 8, 8)), labels[rows], split


def enlarge(images: np.ndarray) -> np.ndarray:
    """Enlarge images by bilinear interpolation: (N, 8, 8) with values 0..16 to (N, 32, 32) uint8.

    The centre of fine pixel i lies at (i + 1/2) / 4 - 1/2 on the coarse grid, clamped to its border. All weights are
    then eighths, so the sums are exact, and only the last step rounds.

    >>> enlarge(np.full((1, 8, 8), 16.0))[0, 0, :3]
    array([255, 255, 255], dtype=uint8)
    """
    centre = np.clip((np.arange(32) + 0.5) / 4 - 0.5, 0, 7)
    weights = np.maximum(0, 1 - np.abs(centre[:, None] - np.arange(8)))  # (32, 8)
    return np.rint(weights @ images @ weights.T * (255 / 16)).astype(np.uint8)
