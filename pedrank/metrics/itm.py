"""ITM: accuracy of a small network trained on the features under an implicit dynamics."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pedrank.metrics import metric
from pedrank.metrics._fisher import softmax
from pedrank.metrics._folds import canonical_order, stratified_folds
from pedrank.observation.observation import Observation
from pedrank.utils.errors import InputError

MODES = ("clean", "as_described")
CHECKS = 5  # validation accuracies during training
BATCH = 256
RATE, DECAY, HORIZON = 0.005, 0.01, 10_000  # of AdamW; the rate falls linearly to zero at step HORIZON
STEP_SIZE = 0.5  # eta of the dynamics
_SHARE = 5  # one of so many parts validates


@metric(
    title="ITM",
    paper="Zheng et al. 2025, ITM, NeurIPS",
    memory=lambda n, d, c: 4 * (2 * n * d + 10 * d * c + 6 * n * c) + 8 * (6 * n + 2**23),
)
def itm(observation: Observation, mode: str = "clean", steps: int = 500, seed: int = 0) -> float:
    """Validation accuracy of two linear maps on the features, trained with one step of the features' own dynamics.

    Zheng et al. 2025, "Implicit modeling for transferability estimation of vision foundation models" (arXiv
    2510.23145). The paper was not read; the formulas are those of another program [V: read in its code]. The paper
    claims a weighted tau of 0.61 on a hub of its own, where LogME has 0.45 and PED 0.21 [N]. With features x
    standardised per dimension and B = 256 samples in a batch:

        Theta = rows of W x (W: D -> C) divided by their lengths;    M = eta / B Theta Theta^T, eta = 0.5, held constant
        E = (I - M) (Theta - Y) + Y,    Y the one-hot labels;        logits = E V^T (V: C -> C)

    W and V minimise the cross-entropy of the logits by AdamW (rate 0.005, weight decay 0.01), in 500 steps. A fifth of
    the samples validate. The starting values, the order of the batches, and a decay that is linear were not described;
    they are ours: uniform in +-1 / sqrt(inputs), seeded permutations, and power 1.

    mode="as_described" repeats two errors. It evaluates with the same E, which contains M Y: **each validation sample's
    logits contain its own label**, with weight eta / B; a last batch of one sample contains half of it. And the score
    is the largest of five validation accuracies during the training. mode="clean" evaluates without validation labels:
    the dynamics of a validation sample comes from the training samples,

        E = Theta - eta / N' Theta Theta'^T (Theta' - Y'),    N', Theta' and Y' of the training samples,

    and the score is the accuracy after the last step.

    Score in [0, 1], higher = better. Needs all features at once, as float32; O(steps B D C) time, O(N D) memory. Weak
    because a fifth of a small dataset is a coarse measure, and because its result depends on the seed.

    Args:
        observation: Features and labels.
        mode: "clean" or "as_described".
        steps: Number of steps of AdamW, at least 5.
        seed: Seed of the split, the starting values and the batches.

    Raises:
        InputError: mode is unknown, steps is less than 5, or there are too few samples for two parts.

    >>> from pedrank.observation.observation import observe
    >>> y = np.repeat([0, 1], 20)
    >>> Z = np.random.default_rng(0).normal(size=(40, 3)) + 5 * np.eye(2, 3)[y]
    >>> itm(observe(Z, y)) > 0.8
    True
    """
    if mode not in MODES:
        raise InputError(f"itm: unknown mode '{mode}'; choose from {', '.join(MODES)}")
    if steps < CHECKS:
        raise InputError(f"itm: steps is {steps}; choose at least {CHECKS}")
    train, one_hot, test, truth = _parts(observation, seed)
    c = observation.c
    random = np.random.default_rng(seed)
    weights = [_uniform(random, c, train.shape[1]), _uniform(random, c, c)]
    averages = [(np.zeros_like(each), np.zeros_like(each)) for each in weights]
    batches = _batches(random, len(train))
    accuracies = []
    for step in range(1, steps + 1):
        chosen = next(batches)
        gradients = _gradients(weights, train[chosen], one_hot[chosen])
        rate = RATE * (1 - (step - 1) / HORIZON)
        for weight, average, gradient in zip(weights, averages, gradients, strict=True):
            _adamw(weight, average, gradient, rate, step)
        if mode == "as_described" and step * CHECKS % steps < CHECKS:
            accuracies.append(_accuracy_with_labels(weights, test, truth, c))
    return max(accuracies) if mode == "as_described" else _accuracy(weights, train, one_hot, test, truth)


def _parts(observation: Observation, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training features and one-hot labels, validation features and labels.

    Samples are in canonical order, and classes are numbered by it, so the score does not depend on how they are stored.
    """
    rows, classes = canonical_order(observation, seed)
    number = np.argsort(classes)
    validates = stratified_folds(observation, min(_SHARE, observation.n), seed)[rows] == 0
    spread = np.sqrt(
        observation.counts @ (observation.variances + (observation.means - observation.mean) ** 2) / observation.n
    )
    features = np.empty((observation.n, observation.d), dtype=np.float32)
    for part, block in observation.blocks(rows):
        features[part] = (block - observation.mean) / np.where(spread > 0, spread, 1)
    labels = number[observation.labels[rows]]
    one_hot = np.eye(observation.c, dtype=np.float32)[labels[~validates]]
    return features[~validates], one_hot, features[validates], labels[validates]


def _uniform(random: np.random.Generator, outputs: int, inputs: int) -> np.ndarray:
    return random.uniform(-1, 1, size=(outputs, inputs)).astype(np.float32) / np.float32(np.sqrt(inputs))


def _batches(random: np.random.Generator, n: int) -> Iterator[np.ndarray]:
    """Row numbers of one batch after the other, in a new order each time that all have been seen."""
    while True:
        order = random.permutation(n)
        yield from np.split(order, range(BATCH, n, BATCH))


def _latent(weight: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Theta (n, C), rows of length 1, and the rows' lengths (n, 1) before."""
    rows = features @ weight.T
    lengths = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))
    return rows / lengths, lengths


def _gradients(weights: list[np.ndarray], features: np.ndarray, one_hot: np.ndarray) -> list[np.ndarray]:
    """Gradients of the mean cross-entropy of one batch with respect to W and V."""
    theta, lengths = _latent(weights[0], features)
    shrink = np.float32(STEP_SIZE / len(theta))
    residual = theta - one_hot
    moved = residual - shrink * theta @ (theta.T @ residual) + one_hot
    error = (softmax(moved @ weights[1].T) - one_hot) / np.float32(len(theta))
    back = error @ weights[1]
    back -= shrink * theta @ (theta.T @ back)  # M is symmetric and held constant
    back = (back - theta * (theta * back).sum(axis=1, keepdims=True)) / lengths
    return [back.T @ features, error.T @ moved]


def _adamw(
    weight: np.ndarray, average: tuple[np.ndarray, np.ndarray], gradient: np.ndarray, rate: float, step: int
) -> None:
    """One step of AdamW in place (Loshchilov & Hutter 2019), with beta 0.9 and 0.999."""
    first, second = average
    first += np.float32(0.1) * (gradient - first)
    second += np.float32(0.001) * (gradient * gradient - second)
    weight *= np.float32(1 - rate * DECAY)
    corrected = np.sqrt(second) * np.float32(1 / np.sqrt(1 - 0.999**step)) + np.float32(1e-8)
    weight -= np.float32(rate / (1 - 0.9**step)) * first / corrected


def _accuracy_with_labels(weights: list[np.ndarray], features: np.ndarray, labels: np.ndarray, c: int) -> float:
    """Validation accuracy as described: the logits of each batch contain the labels of the batch."""
    right = 0
    for start in range(0, len(labels), BATCH):
        theta, _ = _latent(weights[0], features[start : start + BATCH])
        own = labels[start : start + BATCH]
        one_hot = np.eye(c, dtype=np.float32)[own]
        residual = theta - one_hot
        moved = residual - np.float32(STEP_SIZE / len(own)) * theta @ (theta.T @ residual) + one_hot
        right += int(((moved @ weights[1].T).argmax(axis=1) == own).sum())
    return right / len(labels)


def _accuracy(
    weights: list[np.ndarray], train: np.ndarray, one_hot: np.ndarray, features: np.ndarray, labels: np.ndarray
) -> float:
    """Validation accuracy with the dynamics of the training samples: no label of a validation sample is used."""
    known, _ = _latent(weights[0], train)
    theta, _ = _latent(weights[0], features)
    moved = theta - np.float32(STEP_SIZE / len(known)) * theta @ (known.T @ (known - one_hot))
    return float(((moved @ weights[1].T).argmax(axis=1) == labels).mean())
