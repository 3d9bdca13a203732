"""LEAD: likelihood of the labels after the logits have moved towards them for a while."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import metric
from pedrank.metrics._fisher import softmax
from pedrank.metrics._folds import canonical_order, stratified_folds
from pedrank.observation.observation import Observation
from pedrank.utils.errors import InputError

MODES = ("cross_fitted", "as_described")
WIDTH = 2048  # hidden units of the random head
PER_CLASS = 64  # samples of a class whose tangents are averaged
FOLDS = 5
STRENGTH = 1.0  # weight of the SVM's losses, the default of liblinear
_STEPS = 200  # of L-BFGS, at most


@metric(
    title="LEAD",
    paper="Hu et al. 2024, LEAD, CVPR",
    memory=lambda n, d, c: 8 * (2 * n * d + 7 * n * c + 35 * (d + 1) * c + WIDTH * (2 * d + 2 * c + 4 * PER_CLASS)),
)
def lead(
    observation: Observation, mode: str = "cross_fitted", eta: float = 1.0, seeds: int = 3, seed: int = 0
) -> float:
    """Mean log-likelihood of the labels after logits have followed the gradient of the loss for one unit of time.

    Hu et al. 2024, "LEAD: exploring logit space evolution for model selection". The paper was not read; the formulas
    come from notes on it and from another program's code, in which lambda cancels [V]. For a sample of class k,

        F_t = (1 - exp(-eta lambda_k t)) y + exp(-eta lambda_k t) F_0,    t = 1,    score = mean of ln F_t at the label.

    F_0 is the softmax of one-vs-rest linear SVMs on the features. The notes say only that their values are turned into
    probabilities: the softmax is ours, and so are the squared hinge loss and its weight of 1. lambda_k is the mean
    eigenvalue of the tangent kernel of a random network D -> 2048 -> C, on at most 64 samples of class k:

        Phi_uv = <g_u, g_v>,    g_u = the gradient of sum_j F_j(x_u) with respect to all weights,
        lambda_k = tr Phi / S = mean |g_u|^2,    |g_u|^2 = C |h_u|^2 + |x_u|^2 |delta_u|^2

    with h the hidden units and delta the gradient with respect to their inputs. So neither the kernel (S x S) nor g, of
    one entry per weight, is formed. lambda is averaged over `seeds` random networks.

    **The scale of lambda** is not defined in the text that could be read; this is ours. Features are centred and
    divided by one number, so that their mean squared length is 1. The hidden layer has ReLU. Weights have variance
    2 / 2048 in the first layer and 1 / 2048 in the second. Then lambda_k is about 1.5 C times the mean squared length
    of the class. It is divided by C, so eta = 1 moves a typical logit by 1 - exp(-1.5), or 78 % of the way. So the
    scale of the features does not matter.

    mode="as_described" scores the SVM on the samples that it was trained on. With N < D it separates any labels, and
    noise scores as high as informative features. mode="cross_fitted" trains it on four fifths at a time, and scores it
    on the rest. Both use the true labels in F_t.

    At most 0, higher = better. Needs all features at once; O(N D C) per step of L-BFGS, at most 200 steps (five times
    that where cross-fitted), and O(seeds C D) times 2048 x 64 for lambda; O(N D) memory. Weak because it is slow, and
    because the score is mostly F_0's: lambda differs among classes, hardly among checkpoints.

    Args:
        observation: Features and labels.
        mode: "cross_fitted" or "as_described".
        eta: Learning rate, in units of 1 / C; greater than 0.
        seeds: Number of random networks.
        seed: Seed of the first network and of the folds.

    Raises:
        InputError: The mode is unknown, or eta or seeds is out of its range.

    >>> from pedrank.observation.observation import observe
    >>> y = np.repeat([0, 1], 20)
    >>> noise = np.random.default_rng(0).normal(size=(40, 3))
    >>> lead(observe(noise, y)) < lead(observe(noise + 5 * np.eye(2, 3)[y], y)) < 0
    True
    """
    if mode not in MODES:
        raise InputError(f"lead: unknown mode '{mode}'; choose from {', '.join(MODES)}")
    if not 0 < eta < np.inf:
        raise InputError(f"lead: eta is {eta}; choose a number greater than 0")
    if seeds < 1:
        raise InputError(f"lead: seeds is {seeds}; choose at least 1")
    rows = np.empty((observation.n, observation.d))
    for part, block in observation.blocks():
        rows[part] = block - observation.mean
    largest = np.abs(rows).max()
    if not largest > 0:
        raise np.linalg.LinAlgError
    rows /= largest  # so that no square leaves the range of numbers
    rows /= np.sqrt(np.square(rows).sum() / observation.n)
    own = _own_probability(observation, rows, mode, seed)
    kept = np.exp(-eta * _rates(observation, rows, seeds, seed) / observation.c)[observation.labels]
    return float(np.log1p(-kept * (1 - own)).mean())


def _own_probability(observation: Observation, rows: np.ndarray, mode: str, seed: int) -> np.ndarray:
    """Probability (N,) of each sample's own class, by the SVMs of all samples or of the other folds."""
    labels = observation.labels
    signs = 2 * np.eye(observation.c)[labels] - 1
    if mode == "as_described":
        return softmax(_outputs(rows, signs, rows))[np.arange(len(labels)), labels]
    fold, own = stratified_folds(observation, min(FOLDS, observation.n), seed), np.empty(len(labels))
    for number in range(fold.max() + 1):
        test = fold == number
        outputs = _outputs(rows[~test], signs[~test], rows[test])
        own[test] = softmax(outputs)[np.arange(len(outputs)), labels[test]]
    return own


def _outputs(rows: np.ndarray, signs: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Decision values (M, C) of unseen rows by one SVM per class, as liblinear's with squared hinge loss.

    For each class, |w|^2 / 2 + STRENGTH sum_i max(0, 1 - s_i (w^T x_i + b))^2 is least, with b as part of w. The
    classes share the passes over the rows (N, D); `signs` (N, C) are 1 for the class and -1 for the rest.
    """
    # Imported here because the import takes longer than most scores.
    from scipy.optimize import minimize

    shape = (rows.shape[1] + 1, signs.shape[1])

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(shape)
        short = np.maximum(1 - signs * (rows @ weights[:-1] + weights[-1]), 0)
        slope = -2 * STRENGTH * signs * short
        gradient = weights + np.vstack([rows.T @ slope, slope.sum(axis=0)])
        return (weights**2).sum() / 2 + STRENGTH * (short**2).sum(), gradient.ravel()

    options = {"maxiter": _STEPS, "ftol": 1e-13, "gtol": 1e-7 * len(rows)}
    weights = minimize(loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options=options).x.reshape(shape)
    return unseen @ weights[:-1] + weights[-1]


def _rates(observation: Observation, rows: np.ndarray, seeds: int, seed: int) -> np.ndarray:
    """lambda_k (C,): mean squared length of the tangents of each class, over samples and random networks."""
    order, classes = canonical_order(observation, seed)
    ends = np.cumsum(observation.counts[classes])
    chosen = {
        label: order[np.linspace(end - count, end - 1, min(count, PER_CLASS)).round().astype(int)]
        for label, count, end in zip(classes, observation.counts[classes], ends, strict=True)
    }
    rates = np.zeros(observation.c)
    for number in range(seed, seed + seeds):
        hidden, output = _head(observation.d, observation.c, number)
        for label, samples in chosen.items():
            rates[label] += tangent_lengths(rows[samples], hidden, output).mean() / seeds
    return rates


def _head(d: int, c: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights (WIDTH, D) and (C, WIDTH) of a random network."""
    random = np.random.default_rng(seed)
    return random.normal(size=(WIDTH, d)) * np.sqrt(2 / WIDTH), random.normal(size=(c, WIDTH)) / np.sqrt(WIDTH)


def tangent_lengths(rows: np.ndarray, hidden: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Squared length of the gradient of the summed outputs with respect to both layers' weights, for each row.

    Args:
        rows: (n, D).
        hidden: (H, D) weights of the hidden layer, which has ReLU.
        output: (C, H) weights of the output layer.

    Returns:
        (n,): the diagonal of the tangent kernel.

    >>> tangent_lengths(np.array([[1.0, 2.0]]), np.array([[1.0, 1.0]]), np.array([[2.0]]))  # 3^2 + (1 + 4) 2^2
    array([29.])
    """
    units = np.maximum(rows @ hidden.T, 0)
    delta = (units > 0) @ output.sum(axis=0) ** 2
    return len(output) * np.einsum("nh,nh->n", units, units) + np.einsum("nd,nd->n", rows, rows) * delta
