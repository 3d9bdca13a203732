"""SFDA: self-challenging Fisher discriminant analysis."""

from __future__ import annotations

import numpy as np

from pedrank.metrics import Score, block_outputs, check_memory, metric
from pedrank.metrics._fisher import adaptive_shrinkage, discriminant, log_miss, log_sum_exp, shrink, softmax
from pedrank.metrics._left_out import LEFT_OUT, left_out_logits
from pedrank.observation.observation import Observation
from pedrank.utils.errors import InputError

_NEGLIGIBLE = 1e-10  # share of q; ignoring it changes the covariance by at most this share in every direction


@metric(
    title="SFDA",
    paper="Shao et al. 2022, SFDA, ECCV",
    memory=lambda n, d, c: 8 * (4 * d * d + 2**23 + 2**22 + 5 * block_outputs(n, d, c) + 3 * n),
)
def sfda(observation: Observation, leave_out: str = "nothing") -> Score:
    """Mean probability of the true class under a regularised Fisher discriminant, on samples mixed to be harder.

    Shao et al. 2022, "Not all models are equal: predicting model transferability in a self-challenging Fisher space",
    as released:
    1. Linear discriminant analysis, p = softmax(W^T z + b), its within-class covariance shrunk towards its mean
       variance by max(exp(-5 lambda_max), 1e-10), where lambda_max comes from three rounds of power iteration.
    2. ConfMix: with q = softmax(p)_y a sample z of class y becomes q z + (1 - q) o_y, where o_y is the unweighted
       mean of the other classes' means.
    3. The same discriminant with the same shrinkage on the mixed samples. The score is the mean of p_y; the paper takes
       its logarithm, which the released code leaves out "in case of instability".

    The released code solves a generalised eigenproblem for all eigenvectors V and multiplies them back together. V V^T
    is the inverse of the shrunk covariance, so one linear solve gives the same W.

    All samples that the first discriminant is sure of (p_y = 1 to ten digits) share the same q, so their scatter
    follows from the first scatter matrix. Only the other samples are added up again.

    Score in (0, 1], higher = better. rank_score is -ln(mean(1 - p_y)), because the score saturates at 1 when N is about
    D or less. Needs features, read twice; O(N D^2 + D^3) time, O(D^2) memory. Weak where N < D. Its exponential
    shrinkage depends on the scale of the features.

    With N < D, the discriminant separates any labels, because it has seen every sample that it judges.
    leave_out="mean" leaves each sample out of its own class mean in both discriminants [V: read in another program's
    code, not in a paper]. The scatter still contains the sample, so noise with N < D still scores about 1.
    leave_out="sample" leaves it out of the scatter too. Both need O(N D) memory and two eigenvalue problems, O(D^3).

    Args:
        observation: Features and labels.
        leave_out: "nothing" (as released), "mean" or "sample".

    Raises:
        InputError: leave_out is unknown, or memory is short.

    >>> from pedrank.observation.observation import observe
    >>> near, far = (observe(np.array([[0.0], [1], [d], [d + 1]]), np.array([0, 0, 1, 1])) for d in (1, 9))
    >>> sfda(near).rank_score < sfda(far).rank_score
    True
    """
    if leave_out not in LEFT_OUT:
        raise InputError(f"sfda: unknown leave_out '{leave_out}'; choose from {', '.join(LEFT_OUT)}")
    if leave_out != "nothing":
        check_memory("sfda", observation, 8 * 5 * (observation.n + observation.d) * observation.d)
        return _score(_left_out_misses(observation, leave_out))
    labels, counts, c = observation.labels, observation.counts, observation.c
    log_priors = np.log(counts / observation.n)
    covariance = observation.within_scatter() / observation.n
    shrinkage = adaptive_shrinkage(covariance)
    if observation.device != "cpu":
        from pedrank.accelerator.fisher_misses import sfda_misses

        within = observation.within_scatter()
        return _score(sfda_misses(observation.on_device(), within, observation.means, counts, shrinkage, _NEGLIGIBLE))
    weights, intercepts = discriminant(shrink(covariance, shrinkage), observation.means, log_priors)
    others = (observation.means.sum(axis=0) - observation.means) / (c - 1)

    # Mixed samples are o_y + q (z - o_y). Assume first that all have the q of a sure sample, then correct the others.
    sure = np.e / (np.e + c - 1)  # q where p_y = 1
    apart = sure * (observation.means - others)
    sums = counts[:, None] * apart
    scatter = observation.within_scatter() * sure**2
    confidence = np.empty(observation.n)
    for rows, block in observation.blocks():
        own = labels[rows]
        q = confidence[rows] = softmax(softmax(block @ weights + intercepts))[np.arange(len(own)), own]
        unsure = np.flatnonzero(q < sure * (1 - _NEGLIGIBLE))
        if unsure.size:
            varying, own, q = block[unsure] - others[own[unsure]], own[unsure], q[unsure, None]
            sums -= (np.eye(c)[own] * (sure - q)).T @ varying
            varying *= np.sqrt(sure**2 - q**2)
            scatter -= varying.T @ varying
    shifts = sums / counts[:, None]
    # Scatter around the mean of each mixed class: add the first term and subtract the second, in one product.
    scatter += np.vstack([apart, -shifts]).T @ np.vstack([counts[:, None] * apart, sums])

    scatter /= observation.n
    weights, intercepts = discriminant(shrink(scatter, shrinkage), others + shifts, log_priors)
    other_logits = others @ weights
    misses = np.empty(observation.n)
    for rows, block in observation.blocks():
        own, q = labels[rows], confidence[rows, None]
        misses[rows] = log_miss(q * (block @ weights) + (1 - q) * other_logits[own] + intercepts, own)
    return _score(misses)


def _left_out_misses(observation: Observation, leave_out: str) -> np.ndarray:
    """ln(1 - p_y) (N,) of both discriminants in turn, each without the sample that it judges."""
    labels, rows = observation.labels, np.concatenate([block for _, block in observation.blocks()])
    others = (observation.means.sum(axis=0) - observation.means) / (observation.c - 1)
    confidence = softmax(softmax(left_out_logits(rows, labels, leave_out)))[np.arange(len(labels)), labels]
    mixed = others[labels] + confidence[:, None] * (rows - others[labels])
    return log_miss(left_out_logits(mixed, labels, leave_out), labels)


def _score(misses: np.ndarray) -> Score:
    """Mean of p_y, and its form that does not saturate, from ln(1 - p_y) (N,)."""
    log_mean_miss = log_sum_exp(misses) - np.log(len(misses))
    return Score(float(-np.expm1(log_mean_miss)), float(-log_mean_miss))
