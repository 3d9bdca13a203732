"""Potential Energy Decline (PED): section 3.3 and Algorithm 1 of the paper, on class statistics alone.

Each class is a ball of unit mass. Its centre is the class mean and its radius is lambda * ||sigma||_2, both in the
space where features are standardised by the reference images. Overlapping balls repel each other (Hooke's law). All
samples of a class move with its centre, so variances and radii never change, and the result is one displacement per
class. Forces act along the lines between centres. A moved centre is therefore a linear combination of the initial
centres, with coefficients that sum to one. The simulation runs on these coefficients, a C x C matrix, and on the inner
products of the initial centres.

Where the paper's text and the released code differ, a named option stands for the difference and the mode sets its
default:

    option              paper  as_released  effect
    keep_terminal_step  True   False        Alg. 1 applies a move (line 8), then tests it (line 10); the code drops it
    clamp               False  True         the code moves no pair by more than its overlap; matters only if k dt^2 > 2
    signed_overlap      False  False        Alg. 1, line 7 lacks the max(., 0) of Eq. 4; True attracts separated balls
    summed_force_norm   False  False        Alg. 1, line 9 takes the norm of the sum of all moves, which Newton's third
                                            law makes zero: True stops at the first step. False sums the norms (code)

Paper and code both try at most six moves: the paper's `step <= M` with M = 5 counts from 0, and the code has `< 6`. The
floor of the reference's standard deviation is in `ReferenceStatistics`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pedrank.observation.refinement import Refinement
from pedrank.observation.statistics import ClassStatistics, ReferenceStatistics
from pedrank.refinements import refinement
from pedrank.utils.checks import check_not_negative
from pedrank.utils.errors import InputError
from pedrank.utils.options import accepted, check_options
from pedrank.utils.parallel import one_blas_thread

MODES = {
    "paper": {"keep_terminal_step": True, "clamp": False, "signed_overlap": False, "summed_force_norm": False},
    "as_released": {"keep_terminal_step": False, "clamp": True, "signed_overlap": False, "summed_force_norm": False},
}


def refine(features: np.ndarray, labels: np.ndarray, reference: ReferenceStatistics, **options: Any) -> Refinement:
    """PED of one feature set: Algorithm 1 of the paper. O(N D) time for the class statistics, then `simulate`.

    Args:
        features: (N, D) real numbers; not changed.
        labels: (N,) integers that use every value of 0..C-1.
        reference: Statistics of the features of reference images (Alg. 1, line 2).
        options: Keyword options of `simulate`:

            - lam (0.6): radius coefficient lambda;
            - dt (0.1): time step of one move (Eq. 6);
            - k (1.0): elasticity of the balls (Eq. 4);
            - max_steps (6): largest number of moves;
            - exit_ratio (0.5): epsilon of Alg. 1, line 10;
            - mode ("as_released"): "as_released" or "paper";
            - keep_terminal_step, clamp, signed_overlap, summed_force_norm: differences between the modes, in the
              module's table.

    Returns:
        The displacement (C, D) of each class in feature space, and force and energy by step.

    Raises:
        InputError: Features, labels, reference or options are unusable.

    >>> import numpy as np
    >>> from pedrank import ReferenceStatistics, refine
    >>> random = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 50)
    >>> Z = random.normal(size=(100, 4)) + 0.5 * y[:, None]
    >>> refinement = refine(Z, y, ReferenceStatistics.from_features(random.normal(size=(200, 4))), lam=0.6)
    >>> refinement.displacement.shape, refinement.steps
    ((2, 4), 6)
    """
    check_options("PED", options, accepted(simulate, skip=2))
    statistics = ClassStatistics.from_features(features, labels)
    with one_blas_thread():  # because `apply`, which usually follows, needs all cores
        return simulate(statistics, reference, **options)


@refinement(name="ped")
def simulate(
    statistics: ClassStatistics,
    reference: ReferenceStatistics,
    lam: float = 0.6,
    dt: float = 0.1,
    k: float = 1.0,
    max_steps: int = 6,
    exit_ratio: float = 0.5,
    mode: str = "as_released",
    keep_terminal_step: bool | None = None,
    clamp: bool | None = None,
    signed_overlap: bool | None = None,
    summed_force_norm: bool | None = None,
) -> Refinement:
    """PED on class statistics (section 3.3, Alg. 1): O(steps C^2 D) time, O(C^2 + C D) memory.

    Args:
        statistics: Statistics of the features' classes.
        reference: Statistics of the features of reference images (Alg. 1, line 2).
        lam: Radius coefficient lambda: a class's radius is lambda times the norm of its standard deviations.
        dt: Time step of one move (Eq. 6).
        k: Elasticity of the balls (Eq. 4).
        max_steps: Largest number of moves.
        exit_ratio: Epsilon of Alg. 1, line 10: the simulation ends at a move of at most this share of the first move.
        mode: "as_released" (the released code) or "paper" (the paper's text); sets the default of the next four.
        keep_terminal_step: Whether the move that ends the simulation is applied.
        clamp: Whether no pair moves by more than its overlap.
        signed_overlap: Whether separated balls attract each other (Alg. 1, line 7 as printed).
        summed_force_norm: Whether the size of a move is the norm of the sum over classes (Alg. 1, line 9 as printed).

    Returns:
        The displacement (C, D) of each class in feature space, and force and energy by step.

    Raises:
        InputError: An option is out of its range, or the reference has another number of features.

    >>> statistics = ClassStatistics(np.array([9, 9]), np.array([[0.0], [1.0]]), np.ones((2, 1)))
    >>> simulate(statistics, ReferenceStatistics(np.zeros(1), np.ones(1)), max_steps=1).displacement.ravel().round(6)
    array([-0.001,  0.001])
    """
    _check_ranges(statistics, reference, lam, dt, k, max_steps, exit_ratio)
    differences = {
        "keep_terminal_step": keep_terminal_step,
        "clamp": clamp,
        "signed_overlap": signed_overlap,
        "summed_force_norm": summed_force_norm,
    }
    rules = _rules(mode, differences)

    # Eq. 6 for one pair: half of acceleration times dt^2, along the line of centres.
    pair_factor = 0.5 * dt**2 * k
    if rules["clamp"]:
        pair_factor = min(pair_factor, 1.0)

    # Only differences between centres matter. Subtracting their own mean, not the reference's, keeps more digits.
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
    """The classes at the start of the simulation."""

    centres: np.ndarray  # (C, D), with mean zero, so that their products keep their digits
    radii: np.ndarray  # (C,)
    products: np.ndarray  # (C, C) inner products of the centres

    @classmethod
    def of(cls, centres: np.ndarray, radii: np.ndarray) -> Balls:
        """Balls with the given centres (C, D), whose mean is zero, and radii (C,)."""
        return cls(centres, radii, centres @ centres.T)


def repel(balls: Balls, mixing: np.ndarray, signed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Overlaps of all pairs of balls (Eq. 4), and the push on each ball.

    The push on ball i is sum_j w_ij (c_i - c_j), where w_ij is the overlap divided by the distance; k times the push is
    the joint force (Eq. 5). In matrix form the pushes are L @ mixing @ centres, where L has -w_ij off its diagonal and
    sum_j w_ij on it. Returning L @ mixing avoids arrays of size C x C x D and C x D.

    Args:
        balls: The classes at the start.
        mixing: (C, C), with current centres = `mixing` @ `balls.centres`.
        signed: Whether overlaps may be negative, which makes separated balls attract each other.

    Returns:
        Overlaps (C, C), zero on the diagonal, and L @ mixing (C, C).
    """
    distance = pair_distances(balls, mixing)
    overlap = balls.radii[:, None] + balls.radii - distance
    if not signed:
        np.maximum(overlap, 0.0, out=overlap)
    np.fill_diagonal(overlap, 0.0)
    # The force between coinciding centres has no direction and is left out.
    weights = np.divide(overlap, distance, out=np.zeros_like(overlap), where=distance > 0)
    return overlap, (np.diag(weights.sum(axis=1)) - weights) @ mixing


def pair_distances(balls: Balls, mixing: np.ndarray) -> np.ndarray:
    """Distances (C, C) between centres, from inner products; small ones, which lose digits, from differences.

    Centres nearer than 1e-13 of the largest norm count as coinciding: their difference is rounding error, whose
    direction depends on the processor.
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
    """Potential energy (Eq. 7): half k times the squared overlap, summed over ordered pairs."""
    return float(0.5 * k * (overlap**2).sum())


def _size(push: np.ndarray, of_sum: bool) -> float:
    """Sum over classes of the L1 norm of a push (C, D); with `of_sum` the L1 norm of their sum, zero up to rounding."""
    total = float(sum(np.abs(row).sum() for row in push))  # row by row, to avoid another array (C, D)
    if not of_sum:
        return total
    summed = float(np.abs(push.sum(axis=0)).sum())
    return summed if summed > 1e-9 * total else 0.0


def _rules(mode: str, differences: dict[str, bool | None]) -> dict[str, bool]:
    """The four differences between the modes: the defaults of `mode`, replaced by the given ones."""
    if mode not in MODES:
        raise InputError(f"PED: unknown mode '{mode}'; choose from {', '.join(MODES)}")
    return MODES[mode] | {name: value for name, value in differences.items() if value is not None}


def _check_ranges(
    statistics: ClassStatistics,
    reference: ReferenceStatistics,
    lam: float,
    dt: float,
    k: float,
    max_steps: int,
    exit_ratio: float,
) -> None:
    """Raise InputError for an option out of its range, or a reference with another number of features."""
    dims = statistics.means.shape[1]
    if reference.mean.shape != (dims,):
        raise InputError(
            f"PED: the reference statistics have {reference.mean.size} dimensions, but the features have {dims}; use "
            "reference statistics of the same checkpoint"
        )
    if isinstance(max_steps, bool) or not isinstance(max_steps, int | np.integer) or max_steps < 1:
        raise InputError(f"PED: max_steps must be an integer of at least 1, not {max_steps}")
    check_not_negative("PED", lam=lam, dt=dt, k=k, exit_ratio=exit_ratio)
