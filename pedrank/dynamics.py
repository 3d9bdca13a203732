"""Potential Energy Decline (PED): section 3.3 and Algorithm 1 of the paper, on class statistics alone.

Each class is a ball of unit mass: its centre is the class mean, its radius lambda * ||sigma||_2, both in the space
where features are standardised by the reference images. Overlapping balls repel each other (Hooke's law). All samples
of a class move with its centre, so variances and radii never change, and the result is one displacement per class.
Forces act along the lines between centres, so that a moved centre is a combination of the centres at the start, with
coefficients that sum to one: the simulation runs on those, a C x C matrix, and on the products of the first centres.

Where the paper's text and the released code differ, one named option stands for the difference and a mode sets its
default:

    option              paper  as_released  what it decides
    keep_terminal_step  True   False        Alg. 1 applies a move (line 8), then tests it (line 10); the code drops it
    clamp               False  True         the code moves no pair by more than its overlap; it binds once k dt^2 > 2
    signed_overlap      False  False        Alg. 1, line 7 lacks the max(., 0) of Eq. 4; True attracts separated balls
    summed_force_norm   False  False        Alg. 1, line 9 takes the norm of the sum of all moves, which Newton's third
                                            law makes zero: True stops at the first step. False sums the norms (code)

Both agree that six moves are tried (`step <= M` with M = 5 counts from 0; the code has `< 6`). The floor of the
reference's standard deviation is in `ReferenceStatistics`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from pedrank.checks import check_features, check_not_negative
from pedrank.errors import InputError
from pedrank.parallel import each, one_blas_thread
from pedrank.statistics import ClassStatistics, ReferenceStatistics

MODES = {
    "paper": {"keep_terminal_step": True, "clamp": False, "signed_overlap": False, "summed_force_norm": False},
    "as_released": {"keep_terminal_step": False, "clamp": True, "signed_overlap": False, "summed_force_norm": False},
}

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


def refine(
    features: np.ndarray,
    labels: np.ndarray,
    reference: ReferenceStatistics,
    lam: float = 0.6,
    dt: float = 0.1,
    k: float = 1.0,
    max_steps: int = 6,
    exit_ratio: float = 0.5,
    mode: str = "as_released",
    **differences: bool,
) -> Refinement:
    """PED of features (N, D) with labels (N,): O(N D) to read them once, then `simulate`.

    Raises InputError for bad features, labels, reference or options.
    """
    statistics = ClassStatistics.from_features(features, labels)
    with one_blas_thread():  # `apply` comes next
        return simulate(statistics, reference, lam, dt, k, max_steps, exit_ratio, mode, **differences)


def simulate(
    statistics: ClassStatistics,
    reference: ReferenceStatistics,
    lam: float = 0.6,
    dt: float = 0.1,
    k: float = 1.0,
    max_steps: int = 6,
    exit_ratio: float = 0.5,
    mode: str = "as_released",
    **differences: bool,
) -> Refinement:
    """PED on class statistics: O(steps C^2 D) time, O(C^2 + C D) memory.

    `lam` is the radius coefficient lambda, `dt` the time step, `k` the elasticity (Eq. 4), `max_steps` the number of
    moves tried, `exit_ratio` the epsilon of Alg. 1; `differences` override what `mode` sets (see the module).
    """
    _check_options(statistics, reference, lam, dt, k, max_steps, exit_ratio)
    rules = _differences(mode, differences)

    # Eq. 6 for one pair: half of acceleration times dt^2, along the line of centres.
    pair_factor = 0.5 * dt**2 * k
    if rules["clamp"]:
        pair_factor = min(pair_factor, 1.0)

    # Only differences between centres matter: their own mean stands in for the reference's, and keeps more digits.
    balls = Balls.of(
        (statistics.means - statistics.means.mean(axis=0)) / reference.std,
        lam * np.sqrt(statistics.variances @ reference.std**-2.0),  # Alg. 1, line 5
    )
    mixing = np.eye(len(balls.radii))
    directions, displacement = np.empty_like(balls.centres), np.zeros_like(balls.centres)
    overlap, push = repel(balls, mixing, rules["signed_overlap"])
    moves: list[float] = []
    forces: list[float] = []
    energy: list[float] = []
    steps = 0
    while len(moves) < max_steps:
        np.matmul(push, balls.centres, out=directions)
        moves.append(pair_factor * _size(directions, rules["summed_force_norm"]))
        forces.append(k * np.sqrt(np.einsum("cd,cd->c", directions, directions)).sum())
        energy.append(_energy(overlap, k))
        terminal = moves[-1] <= exit_ratio * moves[0]
        if terminal and not rules["keep_terminal_step"]:
            break
        mixing = mixing + pair_factor * push
        displacement += np.multiply(directions, pair_factor, out=directions)
        steps += 1
        overlap, push = repel(balls, mixing, rules["signed_overlap"])
        if terminal:
            break
    displacement *= reference.std
    given = {"lam": lam, "dt": dt, "k": k, "max_steps": max_steps, "exit_ratio": exit_ratio, "mode": mode}
    return Refinement(
        displacement=displacement,
        steps=steps,
        force_ratios=np.array(moves) / (moves[0] or 1.0),
        moves=np.array(moves),
        forces=np.array(forces),
        energy=np.array(energy),
        final_energy=_energy(overlap, k),
        options={**given, **rules},
        mixing=mixing,
    )


class Balls(NamedTuple):
    """The classes as they start."""

    centres: np.ndarray  # (C, D), their mean zero, so that their products keep their digits
    radii: np.ndarray  # (C,)
    products: np.ndarray  # (C, C) inner products of the centres

    @classmethod
    def of(cls, centres: np.ndarray, radii: np.ndarray) -> Balls:
        """Balls with these centres (C, D) and radii (C,)."""
        return cls(centres, radii, centres @ centres.T)


def repel(balls: Balls, mixing: np.ndarray, signed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Overlaps (C, C) of balls whose centres are now `mixing` @ centres (Eq. 4), and the push on each.

    The push on ball i, which times k is the joint force (Eq. 5), is the sum over j of w_ij (c_i - c_j) with w_ij the
    overlap over the distance: row i of L mixing @ centres, where L has -w_ij beside its diagonal and the sum of row i's
    w_ij on it. It is returned as L mixing (C, C), so that neither C x C x D nor C x D arrays are needed.
    """
    distance = _distances(balls, mixing)
    overlap = balls.radii[:, None] + balls.radii - distance
    if not signed:
        np.maximum(overlap, 0.0, out=overlap)
    np.fill_diagonal(overlap, 0.0)
    # Coinciding centres have no line between them: their force has no direction, and is left out.
    weights = np.divide(overlap, distance, out=np.zeros_like(overlap), where=distance > 0)
    return overlap, (np.diag(weights.sum(axis=1)) - weights) @ mixing


def _distances(balls: Balls, mixing: np.ndarray) -> np.ndarray:
    """Distances (C, C) between centres; those so small that the squared form loses digits, from the differences.

    Centres nearer than 1e-13 of the largest coincide: what is left between them is the round-off of the moves they made
    together, whose direction depends on the processor.
    """
    products = mixing @ balls.products @ mixing.T
    scale = np.diag(products)[:, None] + np.diag(products)
    largest = scale.max()
    squared = scale - 2 * products
    np.fill_diagonal(squared, 0.0)
    inexact = (squared < 1e-6 * scale) | (scale < 1e-6 * largest)
    for i, j in np.argwhere(np.triu(inexact, 1)):
        difference = (mixing[i] - mixing[j]) @ balls.centres
        length = difference @ difference
        squared[i, j] = squared[j, i] = length if length > 1e-26 * largest else 0.0
    return np.sqrt(squared)


def _energy(overlap: np.ndarray, k: float) -> float:
    """Potential energy (Eq. 7): over ordered pairs, half k times the squared overlap."""
    return float(0.5 * k * (overlap**2).sum())


def _size(push: np.ndarray, of_sum: bool) -> float:
    """Sum over classes of the L1 norm of a push (C, D); with `of_sum` the L1 norm of their sum, zero up to rounding."""
    total = float(sum(np.abs(row).sum() for row in push))  # by rows, without another array (C, D)
    if not of_sum:
        return total
    summed = float(np.abs(push.sum(axis=0)).sum())
    return summed if summed > 1e-9 * total else 0.0


def _differences(mode: str, given: dict[str, bool]) -> dict[str, bool]:
    if mode not in MODES:
        raise InputError(f"PED: unknown mode '{mode}'; it is one of {', '.join(MODES)}")
    unknown = sorted(set(given) - set(MODES[mode]))
    if unknown:
        raise InputError(f"PED: unknown option '{unknown[0]}'; the differences are {', '.join(MODES[mode])}")
    return MODES[mode] | given


def _check_options(
    statistics: ClassStatistics,
    reference: ReferenceStatistics,
    lam: float,
    dt: float,
    k: float,
    max_steps: int,
    exit_ratio: float,
) -> None:
    dims = statistics.means.shape[1]
    if reference.mean.shape != (dims,):
        raise InputError(f"PED: the reference statistics have {reference.mean.size} features, the features {dims}")
    if isinstance(max_steps, bool) or not isinstance(max_steps, int | np.integer) or max_steps < 1:
        raise InputError(f"PED: max_steps must be an integer of at least 1, not {max_steps}")
    check_not_negative("PED", lam=lam, dt=dt, k=k, exit_ratio=exit_ratio)
