"""LogME: log maximum evidence."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache

import numpy as np

from pedrank.metrics import metric
from pedrank.observation.observation import Observation
from pedrank.utils.errors import InputError

MAX_STEPS = 11  # of the fixed point, which converges in about four
TOLERANCE = 1e-3
GUARD = 1e-5  # keeps alpha and beta finite

_WIDTH = 3.0  # width of a panel, in ln t
_NODES = 14  # per panel; the terms are analytic within pi of the real axis, so the error is about 1e-9


@metric(
    title="LogME",
    paper="You et al. 2021, LogME, ICML",
    needs="statistics",
    # 2^21 for scipy's libraries, which are loaded on the way.
    memory=lambda n, d, c: 8 * (4 * d * d + 2**23 + 2**21 + 8 * d * c + 60 * c + 10 * c * c),
)
def logme(observation: Observation, mode: str = "as_released") -> float:
    """Mean over classes of the maximised log evidence, per sample, of a Bayesian linear model of the one-hot label.

    Read `pedrank/metrics/_logme_plain.py` first: it gives the same score in a few lines of D x D algebra.

    You et al. 2021, "LogME: practical assessment of pre-trained models for transfer learning", with the fixed point of
    You et al. 2022 (JMLR), as released. With S = X^T X, b = X^T y and t = alpha / beta, repeat

        gamma = tr(S (S + t)^-1)    m2 = |(S + t)^-1 b|^2    r2 = |y - X (S + t)^-1 b|^2
        alpha = gamma / (m2 + 1e-5)    beta = (N - gamma) / (r2 + 1e-5)

    until t changes by less than 1e-3 of itself; the evidence is

        D/2 ln alpha + N/2 ln beta - 1/2 ln det(alpha + beta S) - beta/2 r2 - alpha/2 m2 - N/2 ln(2 pi).

    The two modes differ where N < D or features are dead, that is, zero in all samples. "paper": the determinant has
    all D directions, so one without variance adds ln alpha, which cancels its part of D/2 ln alpha. "as_released": the
    determinant leaves these directions out, as the released code does. Then each of them adds 1/2 ln alpha to the
    evidence: pure noise in 2,048 dimensions scores higher than informative features in 128.

    Needs statistics only: S = (within-class scatter) + G G^T, where column k of G is g_k = sqrt(n_k) m_k, n_k is the
    size of class k and m_k its mean; b_k = sqrt(n_k) g_k. With few classes, the scatter is made tridiagonal once for
    all refinements, O(N D^2 + D^3). A refinement changes only G, which has rank C, so each value of t costs O(D C^2)
    more; a few dozen values serve all classes. With more than D / 4 classes, S itself is made tridiagonal for each
    refinement, and each step of the fixed point costs O(D C). O(D^2 + D C) memory.

    Higher = better, unbounded. Weak because the score depends on the scale of the features, and in mode "as_released"
    because it is too high where N < D.

    Args:
        observation: Features and labels, or their statistics.
        mode: "as_released" or "paper".

    Raises:
        InputError: The mode is unknown.

    >>> from pedrank.observation.observation import observe
    >>> near, far = (observe(np.array([[0.0], [1], [d], [d + 1]]), np.array([0, 0, 1, 1])) for d in (1, 9))
    >>> logme(near) < logme(far)
    True
    """
    if mode not in ("as_released", "paper"):
        raise InputError(f"logme: unknown mode '{mode}'; choose as_released or paper")
    n, d, c = observation.n, observation.d, observation.c
    if c > d / 4:
        terms = separate_terms(observation)
    else:
        values, grams = observation.within_spectrum().values, observation.grams()
        terms = interpolate(lambda t: evidence_terms(values, *grams(t), observation.counts, t))
    rank = d
    if mode == "as_released":
        dead = ((observation.means == 0) & (observation.variances == 0)).all(axis=0).sum()
        rank = min(n, d - dead)
        if rank < d:
            warnings.warn(
                f"logme: {n} samples and {d - dead} features that are not zero give {rank} of {d} directions; the "
                "released formula is then too high, so use mode=paper",
                stacklevel=2,
            )
    return float(maximum_evidence(terms, c, n, d, rank).mean() / n)


def separate_terms(observation: Observation) -> Callable[[np.ndarray], np.ndarray]:
    """The terms of `evidence_terms` for one t per class, from the spectrum of S: less work where classes are many.

    Args:
        observation: Class statistics and within-class scatter, with the refinement applied.

    Returns:
        A function that maps t (C,) to (4, C): column k holds ln det(S + t_k), gamma, m2 and r2 of class k.

    >>> from pedrank.observation.observation import observe
    >>> found = separate_terms(observe(np.array([[1.0], [2.0]]), np.array([0, 1])))(np.array([1.0, 1.0]))
    >>> found[0].round(4)  # ln(1^2 + 2^2 + 1)
    array([1.7918, 1.7918])
    """
    counts = observation.counts
    whole = observation.second_moment_spectrum()
    projections = whole.rotate((observation.means * counts[:, None]).T)  # b of every class, (D, C)

    def at(t: np.ndarray) -> np.ndarray:
        shifted = whole.values[:, None] + t
        weights = whole.solve(projections, t)
        m2 = np.einsum("dc,dc->c", weights, weights)
        r2 = np.maximum(counts - np.einsum("dc,dc->c", projections, weights) - t * m2, 0.0)
        return np.array([np.log(shifted).sum(axis=0), (whole.values[:, None] / shifted).sum(axis=0), m2, r2])

    return at


def evidence_terms(
    values: np.ndarray, first: np.ndarray, second: np.ndarray, counts: np.ndarray, t: float
) -> np.ndarray:
    """ln det(S + t), gamma, m2 and r2 of all classes, for S = W + G G^T.

    With K = I + first (Woodbury): G^T (S + t)^-1 G = I - K^-1 and G^T (S + t)^-2 G = K^-1 second K^-1.

    Args:
        values: (D,) eigenvalues of the within-class scatter W.
        first: (C, C), G^T (W + t)^-1 G.
        second: (C, C), G^T (W + t)^-2 G.
        counts: (C,) class sizes.
        t: alpha / beta, positive.

    Returns:
        (4, C); the first two rows are the same for all classes.
    """
    capacity = np.eye(len(counts)) + first
    inverse = np.linalg.inv(capacity)
    inverse_squared = inverse @ second
    shifted = values + t
    log_det = np.log(shifted).sum() + np.linalg.slogdet(capacity)[1]
    gamma = (values / shifted).sum() + t * np.trace(inverse_squared)
    m2 = counts * np.einsum("ij,ji->i", inverse_squared, inverse)
    r2 = np.maximum(counts * np.diag(inverse) - t * m2, 0.0)
    return np.array([np.full_like(m2, log_det), np.full_like(m2, gamma), m2, r2])


def maximum_evidence(terms: Callable[[np.ndarray], np.ndarray], c: int, n: int, d: int, rank: int) -> np.ndarray:
    """Log evidence at the fixed point of alpha and beta, which starts from t = 1.

    Args:
        terms: Maps t (C,), one value per class, to `evidence_terms` (4, C).
        c: Number of classes.
        n: Number of samples.
        d: Number of features.
        rank: Number of directions that enter the determinant.

    Returns:
        (C,), of all samples together.
    """
    t = np.ones(c)
    alpha, beta, m2, r2 = (np.empty(c) for _ in range(4))
    moving = np.arange(c)
    for _ in range(MAX_STEPS):
        _, gamma, m2[moving], r2[moving] = terms(t)[:, moving]
        alpha[moving] = gamma / (m2[moving] + GUARD)
        beta[moving] = (n - gamma) / (r2[moving] + GUARD)
        before = t[moving]
        t[moving] = alpha[moving] / beta[moving]
        moving = moving[np.abs(t[moving] - before) > TOLERANCE * before]
        if not moving.size:
            break
    log_det = rank * np.log(beta) + terms(t)[0] - (d - rank) * np.log(t)
    return (
        d / 2 * np.log(alpha)
        + n / 2 * np.log(beta)
        - log_det / 2
        - beta / 2 * r2
        - alpha / 2 * m2
        - n / 2 * np.log(2 * np.pi)
    )


def interpolate(function: Callable[[float], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """Turn a function of one t for all classes into a function of one t per class.

    It interpolates by polynomials in ln t through Chebyshev points, panel by panel. The panels lie on a fixed grid, so
    all refinements of one feature set use the same values of t. A panel is computed when some t first falls in it.

    Args:
        function: Maps t > 0 to (4, C).

    Returns:
        A function that maps t (C,) to (4, C): column k is column k of `function(t[k])`. It is exact where all t are
        equal, and has a relative error of about 1e-9, at most 1e-7, elsewhere.

    >>> at = interpolate(lambda t: np.full((4, 2), np.log(1 + t)))
    >>> np.allclose(at(np.array([0.5, 2.0]))[0], np.log([1.5, 3.0]), rtol=1e-8)
    True
    """
    angles = (np.arange(_NODES) + 0.5) * np.pi / _NODES
    nodes, weights = np.cos(angles) * _WIDTH / 2, np.sin(angles) * (-1.0) ** np.arange(_NODES)

    @cache
    def panel(number: int) -> np.ndarray:
        return np.array([function(t) for t in np.exp(number * _WIDTH + nodes)])

    def at(t: np.ndarray) -> np.ndarray:
        if (t == t[0]).all():
            return function(t[0])
        logs = np.log(t)
        numbers = np.rint(logs / _WIDTH).astype(int)
        result = np.empty((4, len(t)))
        for number in np.unique(numbers):
            here = numbers == number
            distance = logs[here, None] - number * _WIDTH - nodes
            distance[distance == 0] = 1e-300  # at a node, its own weight outweighs all others
            shares = weights / distance
            shares /= shares.sum(axis=1, keepdims=True)
            result[:, here] = np.einsum("kn,nik->ik", shares, panel(number)[:, :, here])
        return result

    return at
