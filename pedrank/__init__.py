"""Which pre-trained checkpoint should I fine-tune? PED, transferability metrics, and rank correlations.

>>> from pedrank import ReferenceStatistics, refine, score
>>> refinement = refine(Z, y, ReferenceStatistics.from_features(R), lam=0.6)
>>> score("logme", Z, y, refinement=refinement)
"""

from pedrank.correlation import kendall_tau, weighted_tau
from pedrank.dynamics import refine
from pedrank.metrics import metric_names, score
from pedrank.statistics import ReferenceStatistics

__all__ = ["ReferenceStatistics", "kendall_tau", "metric_names", "refine", "score", "weighted_tau"]
