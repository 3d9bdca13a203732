"""What a refinement returns: where each class moves, and how it got there."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pedrank.utils.checks import check_features
from pedrank.utils.errors import InputError
from pedrank.utils.parallel import each

_ROWS = 512  # rows that `apply` moves at a time: few enough for the cache, so many that threads rarely meet


@dataclass(frozen=True)
class Refinement:
    """Where PED moves each class, and how it got there.

    Step s of the per-step arrays (S,) describes the state before move s; when the last move was refused, S = steps + 1.
    """

    displacement: np.ndarray  # (C, D) float64, in feature space
    steps: int  # moves applied
    force_ratios: np.ndarray  # (S,) size of move s over that of move 0: the terminal condition of Alg. 1, line 10
    moves: np.ndarray  # (S,) size of move s: sum over classes of its L1 norm, in standardised space (Alg. 1, line 9)
    forces: np.ndarray  # (S,) sum over classes of the L2 norm of the joint force (Eq. 5)
    energy: np.ndarray  # (S,) potential energy (Eq. 7)
    final_energy: float  # potential energy after the last move applied
    options: dict[str, object] = field(default_factory=dict)
    mixing: np.ndarray | None = None  # (C, C): the moved class means are `mixing` @ the class means, where known

    def apply(self, features: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Refined features (N, D) float32: each row plus the displacement of its class; `features` stays untouched."""
        check_features(features, len(labels))
        classes, dims = self.displacement.shape
        if features.shape[1] != dims or labels.min() < 0 or labels.max() >= classes:
            raise InputError(
                f"refinement: displacement {self.displacement.shape} does not fit these features and labels"
            )
        displacement = self.displacement.astype(np.float32)
        refined = np.empty(features.shape, dtype=np.float32)

        def move(start: int) -> None:
            rows = slice(start, start + _ROWS)
            np.take(displacement, labels[rows], axis=0, out=refined[rows], mode="clip")  # "raise" would copy once more
            np.add(features[rows], refined[rows], out=refined[rows], casting="same_kind")

        each(move, range(0, len(labels), _ROWS))
        return refined
