"""What a metric sees: features and labels of one pair of dataset and checkpoint, as extracted or refined.

A refinement moves whole classes, so a refined observation shares everything that does not change with the one it came
from: the features, the variances and the within-class scatter, which are computed once for all metrics and
refinements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any

import numpy as np

from pedrank.observation.refinement import Refinement
from pedrank.observation.spectrum import Spectrum, spectrum
from pedrank.observation.statistics import ClassStatistics, within_scatter
from pedrank.utils.errors import InputError

_BLOCK = 2**21  # numbers of a block of features: 16 MiB, which the next block finds again instead of asking for pages


@dataclass(frozen=True)
class Observation:
    """Features (N, D) as stored, labels (N,) in 0..C-1, and the displacement (C, D) of each class, if any moved."""

    features: np.ndarray
    labels: np.ndarray
    statistics: ClassStatistics  # of the features as stored
    displacement: np.ndarray | None = None
    mixing: np.ndarray | None = None  # (C, C): the moved means are `mixing` @ the stored means, where known
    device: str = "cpu"  # where the scatter and its spectrum are computed; another than "cpu" needs torch
    _shared: dict[str, Any] = field(default_factory=dict, repr=False)

    def refined(self, refinement: Refinement) -> Observation:
        """The stored features with their classes moved by `refinement`."""
        displacement = refinement.displacement
        if displacement.shape != self.statistics.means.shape:
            raise InputError(
                f"refinement: displacement {displacement.shape} does not fit {self.statistics.means.shape}"
            )
        return replace(self, displacement=displacement, mixing=refinement.mixing)

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
            if self.device == "cpu":
                scatter = within_scatter(self.features, self.labels, self.statistics.means)
            else:
                from pedrank.observation import accelerator

                scatter = accelerator.within_scatter(self.features, self.labels, self.statistics.means, self.device)
            scatter.flags.writeable = False
            self._shared["within_scatter"] = scatter
        return self._shared["within_scatter"]

    def total_scatter(self) -> np.ndarray:
        """Scatter of all refined samples around their mean (D, D): within classes plus that of the class means."""
        spread = self.means - self.mean
        return self.within_scatter() + (spread.T * self.counts) @ spread

    def within_spectrum(self) -> Spectrum:
        """Spectrum of the within-class scatter, shared."""
        if "spectrum" not in self._shared:
            if self.device == "cpu":
                self._shared["spectrum"] = spectrum(self.within_scatter())
            else:
                from pedrank.observation import accelerator

                self._shared["spectrum"] = accelerator.spectrum(self.within_scatter(), self.device)
        return self._shared["spectrum"]

    def expect_many(self) -> None:
        """Keep what the scores of many refinements share: O(C^2) memory for each t that `grams` is asked for."""
        self._shared["grams"] = {}

    def grams(self) -> Callable[[float], tuple[np.ndarray, np.ndarray]]:
        """G^T (W + t)^-1 G and G^T (W + t)^-2 G (C, C) as functions of t.

        W (D, D) is the within-class scatter; column k of G (D, C) is class mean k times the root of its count. Moved
        means are combinations of the stored ones, so that after `expect_many` no refinement costs more for a larger D.
        """
        roots = np.sqrt(self.counts)
        if self.mixing is None or "grams" not in self._shared:
            return self._grams_of(self.means * roots[:, None])
        kept = self._shared["grams"]
        if not kept:
            kept["stored"] = cache(self._grams_of(self.statistics.means * roots[:, None]))
        mixing = self.mixing * roots[:, None] / roots

        def mixed(t: float) -> tuple[np.ndarray, np.ndarray]:
            first, second = kept["stored"](t)
            return mixing @ first @ mixing.T, mixing @ second @ mixing.T

        return mixed

    def _grams_of(self, rows: np.ndarray) -> Callable[[float], tuple[np.ndarray, np.ndarray]]:
        within = self.within_spectrum()
        columns = within.rotate(rows.T)

        def products(t: float) -> tuple[np.ndarray, np.ndarray]:
            solved = within.solve(columns, t)
            return columns.T @ solved, solved.T @ solved

        return products

    def blocks(self, rows: np.ndarray | None = None) -> Iterator[tuple[slice, np.ndarray]]:
        """Refined features in float64, a block at a time, so that the whole is never copied: of `rows`, or of all.

        Each block comes with its place, a slice of `rows` or of all rows.
        """
        step = max(256, _BLOCK // self.d)
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


def observe(
    features: np.ndarray, labels: np.ndarray, refinement: Refinement | None = None, device: str = "cpu"
) -> Observation:
    """Check features and labels (InputError), read the class statistics once, and apply `refinement` where given.

    `device` is where the within-class scatter and its spectrum are computed: "cpu", or torch's name of another.
    """
    features, labels = np.asarray(features), np.asarray(labels)
    observation = Observation(features, labels, ClassStatistics.from_features(features, labels), device=device)
    return observation if refinement is None else observation.refined(refinement)
