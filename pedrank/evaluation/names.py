"""Reserved names in tables, beside those of metrics, refinements and datasets."""

BASE = "none"  # refinement of the raw features
PED = "ped-"  # prefix of PED with a lambda
ORACLE = "ped-oracle"  # lambda chosen with the accuracies known
CONSENSUS = "ped-consensus"  # lambda chosen from the scores alone

STATIC_RANKER = "static-ranker"
RANDOM = "random"

MEAN = "mean"  # mean over datasets
