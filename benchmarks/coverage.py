"""Measure how often the 95 % bootstrap interval of tau_w covers the truth: the table in docs/evaluation.md.

    python benchmarks/coverage.py  # a minute

Models are drawn from a population in which score and accuracy have a given correlation. The truth is the mean tau_w of
n such models.
"""

from __future__ import annotations

import numpy as np

from pedrank.evaluation.intervals import interval, resamples
from pedrank.evaluation.weighted_tau import taus_of_models, weighted_taus

TRIALS = 2000
RESAMPLES = 1000
TRUTH = 20_000


def coverage(n: int, correlation: float, datasets: int = 1) -> tuple[float, float, float]:
    """True tau_w, share of trials whose interval covers it, and mean width of the intervals.

    Args:
        n: Checkpoints.
        correlation: Of score and accuracy.
        datasets: Datasets over which tau_w is averaged. With more than one, they share half of the score's variance.
    """
    random = np.random.default_rng(0)
    shared, scores, noise = random.normal(size=(3, TRUTH, datasets, n))
    if datasets > 1:
        scores = np.sqrt(0.5) * (shared[:, :1] + scores)
    accuracies = correlation * scores + np.sqrt(1 - correlation**2) * noise
    truth = float(weighted_taus(scores.reshape(-1, n), accuracies.reshape(-1, n)).mean())
    counts = resamples(n, 0)[:RESAMPLES]
    ends = np.array(
        [
            interval(np.mean([taus_of_models(*pair, counts) for pair in zip(*both, strict=True)], axis=0))
            for both in zip(scores[:TRIALS], accuracies[:TRIALS], strict=True)
        ]
    )
    covered = (ends[:, 0] <= truth) & (truth <= ends[:, 1])
    return truth, float(covered.mean()), float((ends[:, 1] - ends[:, 0]).mean())


def main() -> None:
    print("| checkpoints | datasets | true tau_w | covered | mean width |\n|---|---|---|---|---|")
    settings = [(12, each, 1) for each in (0, 0.3, 0.6, 0.8, 0.9, 0.95)] + [(12, 0.6, 3), (12, 0.6, 10)]
    for n, correlation, datasets in [*settings, (8, 0.6, 1), (5, 0.6, 1), (30, 0.6, 1)]:
        truth, covered, width = coverage(n, correlation, datasets)
        print(f"| {n} | {datasets} | {truth:.2f} | {100 * covered:.1f}% | {width:.2f} |", flush=True)


if __name__ == "__main__":
    main()
