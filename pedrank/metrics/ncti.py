"""NCTI: distance of the features from neural collapse."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import block_outputs, check_memory, metric
from pedrank.metrics._fisher import SHRINKAGE_FLOOR, discriminant, shrink, softmax
from pedrank.observation.observation import Observation
from pedrank.utils.errors import InputError

DIMS = 64  # principal components kept
_SHRINKAGE_DIMS = 32  # components whose variance decides the shrinkage


@metric(
    title="NCTI",
    paper="Wang et al. 2023, NCTI, ICCV",
    memory=lambda n, d, c: 8 * (7 * d * d + 2**23),
)
def ncti(observation: Observation, part: str = "seli") -> float:
    """One of the three terms of NCTI, on 64 principal components under linear discriminant analysis.

    Wang et al. 2023, "How far pre-trained models are from neural collapse on the target dataset informs their
    transferability", section 3, as released, each oriented so that higher = better:

        seli      nuclear norm of the centred discriminant features
        ncc       mean probability of the true class
        collapse  minus the logarithm of the sum over classes of the nuclear norm of their samples' probabilities

    NCTI is the sum of the three terms, each scaled to [0, 1] over the checkpoints compared: see `combine`. A
    checkpoint's NCTI therefore depends on the other checkpoints, so this function returns one term of one checkpoint.

    Needs features, read once more; O(N D^2 + D^3) time, O(D^2 + N C) memory. The projection is exact; that of the
    released code is randomised and unseeded. Weak because the two extreme checkpoints of a hub fix the scale of a term
    for all others.

    Args:
        observation: Features and labels.
        part: "seli", "ncc" or "collapse".

    Raises:
        InputError: The part is unknown, or memory is short.

    >>> from pedrank.observation.observation import observe
    >>> noise, labels = np.random.default_rng(0).normal(size=(200, 64)), np.repeat([0, 1], 100)
    >>> near, far = (observe(noise + gap * labels[:, None], labels) for gap in (0.5, 5))
    >>> ncti(near) < ncti(far)
    True
    """
    if part not in ("seli", "ncc", "collapse"):
        raise InputError(f"ncti: unknown part '{part}'; choose seli, ncc or collapse")
    values, vectors = np.linalg.eigh(observation.total_scatter())
    axes = vectors[:, ::-1][:, : min(DIMS, observation.n, observation.d)]
    shrinkage = max(float(np.exp(-values[::-1][:_SHRINKAGE_DIMS].sum() / (observation.n - 1))), SHRINKAGE_FLOOR)
    within = axes.T @ observation.within_scatter() @ axes / observation.n
    total = axes.T @ observation.total_scatter() @ axes / observation.n
    shrunk = shrink(within, shrinkage)
    if part == "seli":
        return _discriminant_norm(shrunk, total, shrink(total.copy(), shrinkage), observation)
    n, d, c = observation.n, observation.d, observation.c
    check_memory("ncti", observation, 8 * (7 * d * d + 2**23 + n * c + 4 * block_outputs(n, d, c)))
    means = (observation.means - observation.mean) @ axes
    weights, intercepts = discriminant(shrunk, means, np.log(observation.counts / observation.n))
    probabilities = np.empty((n, c))
    for rows, block in observation.blocks():
        probabilities[rows] = softmax((block - observation.mean) @ axes @ weights + intercepts)
    if part == "ncc":
        return float(probabilities[np.arange(observation.n), observation.labels].mean())
    norms = [np.linalg.norm(probabilities[observation.labels == label], "nuc") for label in range(observation.c)]
    return -float(np.log(sum(norms)))


def combine(seli: np.ndarray, ncc: np.ndarray, collapse: np.ndarray) -> np.ndarray:
    """NCTI of M checkpoints: the sum of their three terms, each scaled to [0, 1] over the checkpoints.

    Args:
        seli, ncc, collapse: (M,) each, from `ncti`. A term that is equal for all checkpoints adds nothing.

    Returns:
        (M,), each in [0, 3].

    >>> combine(np.array([1.0, 3.0]), np.array([0.5, 0.5]), np.array([-2.0, -1.0]))
    array([0., 2.])
    """
    terms = np.array([seli, ncc, collapse], dtype=np.float64)
    low, high = terms.min(axis=1, keepdims=True), terms.max(axis=1, keepdims=True)
    return ((terms - low) / np.where(high > low, high - low, 1)).sum(axis=0)


def _discriminant_norm(
    within: np.ndarray, total: np.ndarray, shrunk_total: np.ndarray, observation: Observation
) -> float:
    """Nuclear norm of the centred features on the C - 1 leading generalised eigenvectors of (between, within)."""
    inverse_root = np.linalg.inv(np.linalg.cholesky(within))
    _, rotations = np.linalg.eigh(inverse_root @ (shrunk_total - within) @ inverse_root.T)
    scalings = inverse_root.T @ rotations[:, ::-1][:, : observation.c - 1]
    squares = np.linalg.eigvalsh(scalings.T @ total @ scalings * observation.n)
    return float(np.sqrt(np.maximum(squares, 0)).sum())
