"""The published algorithms with the steps of their released code, written without regard to cost.

`pedrank` is timed against them. They are written from the papers and from known facts about the released code. Tests
check that both give the same numbers. How long the released code itself takes is written beside each: as a multiple of
the time here, measured in one session (docs/benchmarks-released.md).
"""

from __future__ import annotations

import numpy as np
import scipy.linalg
import scipy.stats
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler


def ped(x, y, mean, std, lam=0.6, dt=0.1, k=1.0, max_steps=6, exit_ratio=0.5):
    """Refined features (N, D). Every step rescales them, computes means and variances, moves them and scales back.

    Each pair of classes has one push. It acts on one class and, reversed, on the other. The last move is dropped.
    Released: 1.3 times as long.
    """
    classes = y.max() + 1
    one, other = np.triu_indices(classes, 1)
    mean, std = mean.astype(x.dtype), std.astype(x.dtype)  # there, those of float32 features
    sizes = []
    while len(sizes) < max_steps:
        z = (x - mean) / std
        centres, variances = _means(z, y), np.array([z[y == label].var(axis=0) for label in range(classes)])
        radii = lam * np.sqrt(variances.sum(axis=1))
        lines = centres[one] - centres[other]
        overlap = np.maximum(radii[one] + radii[other] - np.sqrt((lines**2).sum(axis=1)), 0)[:, None]
        directions = lines / np.sqrt((lines**2).sum(axis=1)).reshape(-1, 1)
        pushes = np.zeros((classes, classes, x.shape[1]))
        pushes[one, other] = directions * np.minimum(0.5 * dt**2 * k * overlap, overlap)
        moves = (pushes - np.transpose(pushes, (1, 0, 2))).sum(axis=1)
        z = z + moves[y]
        moved = z * std + mean
        sizes.append(np.abs(moves).sum())
        if sizes[-1] <= exit_ratio * sizes[0]:
            break
        x = moved
    return x.astype(np.float32)


def logme(x, y):
    """LogME: singular value decomposition of X^T X, then all left singular vectors times each label.

    Released: 1.05 times as long.
    """
    x = x.astype(np.float64)
    n, d = x.shape
    if n > d:
        _, s, vh = np.linalg.svd(x.T @ x)
        s = np.sqrt(s)
        rank = (s > 1e-10).sum()
        s = s[:rank]
        u = x @ vh[:rank].T / s
    else:
        u, s, _ = np.linalg.svd(x, full_matrices=False)
    sigma = s**2
    evidences = []
    for label in range(y.max() + 1):
        target = (y == label).astype(np.float64)
        weights = (u.T @ target) ** 2
        rest, t = (target**2).sum() - weights.sum(), 1.0
        for _ in range(11):
            gamma = (sigma / (sigma + t)).sum()
            m2 = (sigma * weights / (t + sigma) ** 2).sum()
            r2 = (weights / (1 + sigma / t) ** 2).sum() + rest
            alpha, beta = gamma / (m2 + 1e-5), (n - gamma) / (r2 + 1e-5)
            before, t = t, alpha / beta
            if abs(t - before) / before <= 1e-3:
                break
        evidence = d / 2 * np.log(alpha) + n / 2 * np.log(beta) - 0.5 * np.log(alpha + beta * sigma).sum()
        evidences.append((evidence - beta / 2 * r2 - alpha / 2 * m2 - n / 2 * np.log(2 * np.pi)) / n)
    return np.mean(evidences)


def sfda(x, y):
    """SFDA: two discriminant analyses by all generalised eigenvectors, the second on a mixed copy of the features.

    Released: 1.1 times as long.
    """
    x = x.copy()
    priors = np.bincount(y) / len(y)
    p, shrinkage = _discriminant(x, y, priors, None)
    p = np.exp(p) / np.exp(p).sum(axis=1, keepdims=True)
    means = _means(x, y)
    for label in range(len(priors)):
        rows = np.flatnonzero(y == label)
        other = np.delete(means, label, axis=0).mean(axis=0)
        q = p[rows, label][:, None]
        x[rows] = q * x[rows] + (1 - q) * other
    p, _ = _discriminant(x, y, priors, shrinkage)
    return p[np.arange(len(y)), y].mean()


def _discriminant(x, y, priors, shrinkage):
    means = _means(x, y)
    within = sum(prior * np.cov(x[y == label].T, bias=True) for label, prior in enumerate(priors))
    if shrinkage is None:
        vector = within.sum(axis=1)
        for _ in range(3):
            half = within @ vector
            half /= np.linalg.norm(half)
            vector = within @ half
            vector /= np.linalg.norm(vector)
        shrinkage = max(np.exp(-5 * (vector @ within @ half)), 1e-10)
    within, total = (
        (1 - shrinkage) * matrix + shrinkage * np.trace(matrix) / len(matrix) * np.eye(len(matrix))
        for matrix in (within, np.cov(x.T, bias=True))
    )
    values, vectors = scipy.linalg.eigh(total - within, within)
    vectors = vectors[:, np.argsort(values)[::-1]]
    weights = means @ vectors @ vectors.T
    logits = x @ weights.T - 0.5 * np.diag(means @ weights.T) + np.log(priors)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True), shrinkage


def gbc(x, y):
    """GBC: a loop over all ordered pairs of classes. Nothing was released with the paper."""
    classes = [x[y == label].astype(np.float64) for label in range(y.max() + 1)]
    means, variances = [rows.mean(axis=0) for rows in classes], [np.maximum(rows.var(axis=0), 1e-4) for rows in classes]
    total = 0.0
    for i in range(len(classes)):
        for j in range(len(classes)):
            if i != j:
                between = (variances[i] + variances[j]) / 2
                distance = ((means[i] - means[j]) ** 2 / between).sum() / 8
                determinants = np.log(variances[i]).sum() + np.log(variances[j]).sum()
                total += np.exp(-distance - 0.5 * (np.log(between).sum() - 0.5 * determinants))
    return -total


def parc(x, y):
    """PARC: two N x N correlation matrices and a ranking of all pairs; beyond 15,000 rows on a random sample.

    Released: 0.94 times as long.
    """
    if len(y) > 15_000:
        rows = np.random.default_rng(0).choice(len(y), 15_000, replace=False)
        x, y = x[rows], y[rows]
    x = PCA(min(32, *x.shape), svd_solver="randomized", iterated_power=1, random_state=1919).fit_transform(x)
    features = 1 - np.corrcoef(StandardScaler().fit_transform(x))
    labels = 1 - np.corrcoef(np.eye(y.max() + 1)[y])
    pairs = np.tril_indices(len(y), -1)
    return 100 * scipy.stats.spearmanr(features[pairs], labels[pairs]).statistic


def nleep(x, y):
    """NLEEP: a full singular value decomposition and scikit-learn's mixture, as released. That code was not timed."""
    x = PCA(0.8, svd_solver="full").fit_transform(x.astype(np.float64))  # in float32 the covariance becomes singular
    p = GaussianMixture(5 * (y.max() + 1), random_state=0).fit(x).predict_proba(x)
    joint = np.array([p[y == label].sum(axis=0) / len(y) for label in range(y.max() + 1)])
    return (p @ (joint / joint.sum(axis=0)).T)[np.arange(len(y)), y].mean()


def knn(x, y):
    """Accuracy of the nearest other row, by scikit-learn's search of all rows."""
    nearest = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(x).kneighbors(return_distance=False)[:, 0]
    return (y[nearest] == y).mean()


def _means(x, y):
    means = np.zeros((y.max() + 1, x.shape[1]))
    np.add.at(means, y, x)
    return means / np.bincount(y)[:, None]
