"""The result of a refinement: the displacement of each class, and the path of the simulation."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pedrank.utils.checks import check_features
from pedrank.utils.errors import InputError
from pedrank.utils.parallel import each

_ROWS = 512  # rows that `apply` moves at a time: few enough for the cache, enough to keep threads apart


@dataclass(frozen=True)
class Refinement:
    """The displacement of each class by a refinement such as PED, and the path that led to it.

    Entry s of the arrays (S,) describes the state before move s. S is the number of moves tried: `steps`, or steps + 1
    where the last move was not applied.

    Attributes:
        displacement: (C, D) float64, in feature space.
        steps: Number of moves applied.
        force_ratios: (S,), size of move s divided by that of move 0; Alg. 1, line 10 compares it with epsilon.
        moves: (S,), size of move s: its L1 norm, summed over classes, in standardised space (Alg. 1, line 9).
        forces: (S,), L2 norm of the joint force (Eq. 5), summed over classes.
        energy: (S,), potential energy (Eq. 7).
        final_energy: Potential energy after the last applied move.
        options: Options of the refinement.
        mixing: (C, C), with moved class means = `mixing` @ class means; None where unknown.

    >>> still = np.zeros(1)
    >>> shift = Refinement(np.array([[0.0, 0.0], [1.0, 0.0]]), 1, np.ones(1), np.ones(1), still, still, 0.0)
    >>> shift.apply(np.zeros((3, 2)), np.array([0, 1, 1]))
    array([[0., 0.],
           [1., 0.],
           [1., 0.]], dtype=float32)
    """

    displacement: np.ndarray
    steps: int
    force_ratios: np.ndarray
    moves: np.ndarray
    forces: np.ndarray
    energy: np.ndarray
    final_energy: float
    options: dict[str, object] = field(default_factory=dict)
    mixing: np.ndarray | None = None

    def apply(self, features: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Refined features: each row plus the displacement of its class.

        Args:
            features: (N, D) real numbers; not changed.
            labels: (N,) integers in 0..C-1.

        Returns:
            (N, D) float32.

        Raises:
            InputError: Features or labels do not fit the displacement.
        """
        check_features(features, len(labels))
        classes, dims = self.displacement.shape
        if features.shape[1] != dims or labels.min() < 0 or labels.max() >= classes:
            raise InputError(
                f"refinement: displacement {self.displacement.shape} does not fit these features and labels; "
                "use those that it was made from"
            )
        displacement = self.displacement.astype(np.float32)
        refined = np.empty(features.shape, dtype=np.float32)

        def move(start: int) -> None:
            rows = slice(start, start + _ROWS)
            np.take(displacement, labels[rows], axis=0, out=refined[rows], mode="clip")  # "raise" would copy again
            np.add(features[rows], refined[rows], out=refined[rows], casting="same_kind")

        each(move, range(0, len(labels), _ROWS))
        return refined
