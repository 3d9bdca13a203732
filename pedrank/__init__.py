"""Which pre-trained checkpoint should I fine-tune? PED, transferability metrics, and rank correlations.

>>> import numpy as np
>>> from pedrank import ReferenceStatistics, refine, score
>>> random = np.random.default_rng(0)
>>> y = np.repeat([0, 1, 2], 20)  # labels (N,)
>>> Z = random.normal(size=(60, 5)) + y[:, None]  # features (N, D)
>>> R = random.normal(size=(200, 5))  # features of reference images (R, D)
>>> refinement = refine(Z, y, ReferenceStatistics.from_features(R), lam=0.6)
>>> score("logme", Z, y) < score("logme", Z, y, refinement=refinement)
True
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if sys.version_info < (3, 11):  # noqa: UP036 (a checkout is run without pip, which would say so)
    sys.exit(
        f"error: Python 3.11 or newer is needed, this is {sys.version.split()[0]}; run make PYTHON=python3.11 .venv"
    )

if TYPE_CHECKING:
    from pedrank.evaluation.correlation import kendall_tau, weighted_tau
    from pedrank.interactive.extract_features import extract, read_images
    from pedrank.interactive.rank_call import rank
    from pedrank.metrics import metric_names, score
    from pedrank.observation.statistics import ReferenceStatistics
    from pedrank.ranking.combine import combine
    from pedrank.refinements.ped import refine

__all__ = [
    "ReferenceStatistics",
    "combine",
    "extract",
    "kendall_tau",
    "metric_names",
    "rank",
    "read_images",
    "refine",
    "score",
    "weighted_tau",
]

# Imported when a name is first used: a script that needs none of them imports none of them.
_MODULES = {
    "ReferenceStatistics": "pedrank.observation.statistics",
    "combine": "pedrank.ranking.combine",
    "extract": "pedrank.interactive.extract_features",
    "kendall_tau": "pedrank.evaluation.correlation",
    "metric_names": "pedrank.metrics",
    "rank": "pedrank.interactive.rank_call",
    "read_images": "pedrank.interactive.extract_features",
    "refine": "pedrank.refinements.ped",
    "score": "pedrank.metrics",
    "weighted_tau": "pedrank.evaluation.correlation",
}


def __getattr__(name: str) -> Any:
    """The public name, from the module that defines it (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module 'pedrank' has no attribute '{name}'")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
