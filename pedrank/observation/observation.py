"""The input of a metric: features and labels of one dataset by one checkpoint, as extracted or refined.

A refinement moves whole classes. Features as stored, variances and within-class scatter do not change, so a refined
observation shares them with the raw one: they are computed once for all refinements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pedrank.observation.refinement import Refinement
from pedrank.observation.spectrum import Spectrum, spectrum, thin_spectrum
from pedrank.observation.statistics import ClassStatistics, class_sums, within_scatter
from pedrank.utils.arrays import as_numpy
from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    from pedrank.accelerator.device_rows import DeviceRows

_BLOCK = 2**21  # numbers in a block of features: 16 MiB, which the allocator reuses for the next block


@dataclass(frozen=True)
class Observation:
    """Features, labels and class statistics, with the displacement of each class. Make one by `observe`.

    Attributes:
        features: (N, D) as stored; the displacement is not added.
        labels: (N,) integers in 0..C-1.
        statistics: Class statistics of the stored features.
        displacement: (C, D), added to the features of each class; None for raw features.
        mixing: (C, C), with moved class means = `mixing` @ stored class means; None where unknown.
        device: Device that computes what is costly; any device except "cpu" needs torch.
    """

    features: np.ndarray
    labels: np.ndarray
    statistics: ClassStatistics
    displacement: np.ndarray | None = None
    mixing: np.ndarray | None = None
    device: str = "cpu"
    _shared: dict[str, Any] = field(default_factory=dict, repr=False)

    def refined(self, refinement: Refinement) -> Observation:
        """The same features with their classes moved; InputError where the displacement has another shape."""
        displacement = refinement.displacement
        if displacement.shape != self.statistics.means.shape:
            raise InputError(
                f"refinement: the displacement has shape {displacement.shape}, but the class means have shape "
                f"{self.statistics.means.shape}; give one row per class"
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
        """Within-class scatter (D, D), read-only, shared by all refinements; O(N D^2) at the first call."""
        if "within_scatter" not in self._shared:
            if self.device == "cpu":
                scatter = within_scatter(self.features, self.labels, self.statistics.means)
            else:
                from pedrank.accelerator.class_sums import scatter_within

                scatter = scatter_within(self._shared["device_rows"], self.statistics.means)
            scatter.flags.writeable = False
            self._shared["within_scatter"] = scatter
        return self._shared["within_scatter"]

    def total_scatter(self) -> np.ndarray:
        """Scatter (D, D) of all refined samples around their mean: within classes plus between class means."""
        spread = self.means - self.mean
        return self.within_scatter() + (spread.T * self.counts) @ spread

    def within_spectrum(self) -> Spectrum:
        """Spectrum of the within-class scatter, shared by all refinements; O(D^3) at the first call, or O(N^2 D)."""
        if "spectrum" not in self._shared:
            if self._few_rows:
                rows = self.features.astype(np.float64) - self.statistics.means[self.labels]
                self._shared["spectrum"] = thin_spectrum(rows)
            else:
                self._shared["spectrum"] = self._spectrum(self.within_scatter())
        return self._shared["spectrum"]

    def second_moment_spectrum(self) -> Spectrum:
        """Spectrum of X^T X, where X (N, D) are the refined features; O(D^3) at every call, or O(N^2 D)."""
        if self._few_rows:
            return thin_spectrum(np.concatenate([block for _, block in self.blocks()]))
        return self._spectrum(self.within_scatter() + (self.means.T * self.counts) @ self.means)

    @property
    def _few_rows(self) -> bool:
        """Whether work on N rows is less than half of that on a D x D matrix."""
        return 2 * self.n <= self.d

    def _spectrum(self, matrix: np.ndarray) -> Spectrum:
        if self.device == "cpu":
            return spectrum(matrix)
        from pedrank.accelerator.eigen import diagonal_form

        return Spectrum(*diagonal_form(matrix, self.device))

    def expect_many(self) -> None:
        """Cache the products that the scores of many refinements share: O(C^2) memory for each t given to `grams`."""
        self._shared["grams"] = {}

    def grams(self) -> Callable[[float], tuple[np.ndarray, np.ndarray]]:
        """A function of t that returns G^T (W + t)^-1 G and G^T (W + t)^-2 G, both (C, C).

        W (D, D) is the within-class scatter. Column k of G (D, C) is class mean k times the square root of its count.
        Moved means are linear combinations of the stored ones, so after `expect_many` the cost of a further refinement
        does not depend on D.
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
        """Iterate over the refined features in float64, block by block, so that they are never copied whole.

        Args:
            rows: (M,) row numbers; None for all rows.

        Yields:
            A slice of `rows` (of all rows where `rows` is None), and its features (b, D).
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

    def on_device(self) -> DeviceRows:
        """The refined features on the device, for metrics that compute there; all refinements share one copy."""
        return self._shared["device_rows"].moved(self.displacement)


def observe(
    features: np.ndarray, labels: np.ndarray, refinement: Refinement | None = None, device: str = "cpu"
) -> Observation:
    """Check features and labels, compute the class statistics, and apply a refinement where one is given.

    Args:
        features: (N, D) real numbers; not changed.
        labels: (N,) integers that use every value of 0..C-1; not changed.
        refinement: Displaces each class.
        device: Device that computes what is costly (see `score`): "cpu", or torch's name of another. The features are
            copied there once.

    Returns:
        The input of a metric.

    Raises:
        InputError: Features or labels are unusable, the refinement has another shape, or the device is missing.

    >>> observation = observe(np.array([[0.0, 1.0], [2.0, 1.0], [5.0, 5.0], [5.0, 7.0]]), np.array([0, 0, 1, 1]))
    >>> observation.means
    array([[1., 1.],
           [5., 6.]])
    >>> observation.within_scatter()
    array([[2., 0.],
           [0., 2.]])
    """
    features, labels = as_numpy(features), as_numpy(labels)
    shared: dict[str, Any] = {}

    def sums_on_device(features: np.ndarray, labels: np.ndarray, origins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from pedrank.accelerator.class_sums import sums_and_squares
        from pedrank.accelerator.device_rows import upload

        if not shared:
            shared["device_rows"] = upload(features, labels, device)
        return sums_and_squares(shared["device_rows"], origins)

    summed = class_sums if device == "cpu" else sums_on_device
    statistics = ClassStatistics.from_features(features, labels, summed)
    observation = Observation(features, labels, statistics, device=device, _shared=shared)
    return observation if refinement is None else observation.refined(refinement)
