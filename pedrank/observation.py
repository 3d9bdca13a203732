"""What a metric sees: features and labels of one pair of dataset and checkpoint, as extracted or refined.

A refinement moves whole classes, so a refined observation shares everything that does not change with the one it came
from: the features, the variances and the within-class scatter, which are computed once for all metrics and
refinements.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from pedrank.dynamics import Refinement
from pedrank.errors import InputError
from pedrank.statistics import ClassStatistics, block_rows, within_scatter


@dataclass(frozen=True)
class Observation:
    """Features (N, D) as stored, labels (N,) in 0..C-1, and the displacement (C, D) of each class, if any moved."""

    features: np.ndarray
    labels: np.ndarray
    statistics: ClassStatistics  # of the features as stored
    displacement: np.ndarray | None = None
    _shared: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def refined(self, refinement: Refinement) -> Observation:
        """The stored features with their classes moved by `refinement`."""
        displacement = refinement.displacement
        if displacement.shape != self.statistics.means.shape:
            raise InputError(
                f"refinement: displacement {displacement.shape} does not fit {self.statistics.means.shape}"
            )
        return replace(self, displacement=displacement)

    @property
    def n(self) -> int:
        """Number of samples, N."""
        return len(self.labels)

    @property
    def d(self) -> int:
        """Number of features, D."""
        return self.statistics.means.shape[1]

    @property
    def c(self) -> int:
        """Number of classes, C."""
        return len(self.statistics.counts)

    @property
    def counts(self) -> np.ndarray:
        """Class sizes (C,)."""
        return self.statistics.counts

    @property
    def variances(self) -> np.ndarray:
        """Class variances (C, D), ddof = 0."""
        return self.statistics.variances

    @cached_property
    def means(self) -> np.ndarray:
        """Class means (C, D), moved by the refinement."""
        return self.statistics.means if self.displacement is None else self.statistics.means + self.displacement

    @cached_property
    def mean(self) -> np.ndarray:
        """Mean of all samples (D,)."""
        return self.counts @ self.means / self.n

    def within_scatter(self) -> np.ndarray:
        """Within-class scatter (D, D), read-only and shared; O(N D^2) the first time."""
        if "within_scatter" not in self._shared:
            scatter = within_scatter(self.features, self.labels, self.statistics.means)
            scatter.flags.writeable = False
            self._shared["within_scatter"] = scatter
        return self._shared["within_scatter"]

    def total_scatter(self) -> np.ndarray:
        """Scatter of all refined samples around their mean (D, D): within classes plus that of the class means."""
        spread = self.means - self.mean
        return self.within_scatter() + (spread.T * self.counts) @ spread

    def within_spectrum(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues (D,), ascending, and eigenvectors (D, D) of the within-class scatter; O(D^3) the first time."""
        if "eigenvalues" not in self._shared:
            values, vectors = np.linalg.eigh(self.within_scatter())
            self._shared["eigenvalues"], self._shared["eigenvectors"] = np.maximum(values, 0.0), vectors
        return self._shared["eigenvalues"], self._shared["eigenvectors"]

    def blocks(self, rows: np.ndarray | None = None) -> Iterator[tuple[slice, np.ndarray]]:
        """Refined features in float64, a block at a time, so that the whole is never copied: of `rows`, or of all.

        Each block comes with its place, a slice of `rows` or of all rows.
        """
        step = block_rows(self.d)
        total = self.n if rows is None else len(rows)
        for start in range(0, total, step):
            place = slice(start, min(start + step, total))
            chosen = place if rows is None else rows[place]
            block = self.features[chosen].astype(np.float64)
            if self.displacement is not None:
                block += self.displacement[self.labels[chosen]]
            yield place, block

    def classes(self) -> Iterator[np.ndarray]:
        """Refined features (n_c, D) of one class after the other, float64."""
        order = np.argsort(self.labels, kind="stable")
        for label, rows in enumerate(np.split(order, np.cumsum(self.counts)[:-1])):
            block = self.features[rows].astype(np.float64)
            yield block if self.displacement is None else block + self.displacement[label]


def observe(features: np.ndarray, labels: np.ndarray, refinement: Refinement | None = None) -> Observation:
    """Check features and labels (InputError), read the class statistics once, and apply `refinement` where given."""
    features, labels = np.asarray(features), np.asarray(labels)
    observation = Observation(features, labels, ClassStatistics.from_features(features, labels))
    return observation if refinement is None else observation.refined(refinement)
