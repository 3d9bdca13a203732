"""LDA: likelihood of the labels under linear discriminant analysis."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import Score, block_outputs, metric
from pedrank.metrics._fisher import adaptive_shrinkage, discriminant, log_miss, log_sum_exp, shrink
from pedrank.observation.observation import Observation


@metric(
    title="LDA",
    paper="Gholami et al. 2023, ETran, ICCV",
    memory=lambda n, d, c: 8 * (4 * d * d + 2**23 + 4 * block_outputs(n, d, c) + 2 * n),
)
def lda(observation: Observation) -> Score:
    """Mean probability of the true class under linear discriminant analysis with adaptively shrunk covariance.

    The classification part of ETran: Gholami et al. 2023, "ETran: energy-based transferability estimation"; SFDA
    without its mixing of samples.

        p = softmax(W^T z + b),    W = (shrunk within-class covariance)^-1 M,    b = ln(prior) - diag(M^T W) / 2

    Score in (0, 1], higher = better; rank_score is -ln(mean(1 - p_y)), which does not saturate. Needs features, read
    once more; O(N D^2 + D^3) time, O(D^2) memory. Weak where N < D. Its exponential shrinkage depends on the scale of
    the features.

    >>> from pedrank.observation.observation import observe
    >>> lda(observe(np.array([[0.0], [1.0], [9.0], [10.0]]), np.array([0, 0, 1, 1]))).score > 0.999
    True
    """
    covariance = observation.within_scatter() / observation.n
    log_priors = np.log(observation.counts / observation.n)
    shrunk = shrink(covariance, adaptive_shrinkage(covariance))
    if observation.device == "cpu":
        weights, intercepts = discriminant(shrunk, observation.means, log_priors)
        misses = np.empty(observation.n)
        for rows, block in observation.blocks():
            misses[rows] = log_miss(block @ weights + intercepts, observation.labels[rows])
    else:
        from pedrank.accelerator.fisher_misses import lda_misses

        misses = lda_misses(observation.on_device(), shrunk, observation.means, log_priors)
    log_mean_miss = log_sum_exp(misses) - np.log(observation.n)
    return Score(float(-np.expm1(log_mean_miss)), float(-log_mean_miss))
