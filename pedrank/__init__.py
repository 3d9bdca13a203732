"""Which pre-trained checkpoint should I fine-tune? PED, transferability metrics, and rank correlations.

>>> from pedrank import ReferenceStatistics, refine, score
>>> refinement = refine(Z, y, ReferenceStatistics.from_features(R), lam=0.6)
>>> score("logme", Z, y, refinement=refinement)
"""

# ruff: noqa: E402
import sys

if sys.version_info < (3, 11):  # noqa: UP036 (a checkout is run without pip, which would say so)
    sys.exit(
        f"error: Python 3.11 or newer is needed, this is {sys.version.split()[0]}; run make PYTHON=python3.11 .venv"
    )

from pedrank.evaluation.correlation import kendall_tau, weighted_tau
from pedrank.metrics import metric_names, score
from pedrank.observation.statistics import ReferenceStatistics
from pedrank.refinements.ped import refine

__all__ = ["ReferenceStatistics", "kendall_tau", "metric_names", "refine", "score", "weighted_tau"]
