"""Names that stand in the tables beside those of metrics, refinements and datasets."""

BASE = "none"  # the refinement of the raw features
PED = "ped-"
ORACLE = "ped-oracle"  # lambda chosen by looking at the answer
CONSENSUS = "ped-consensus"  # lambda chosen by the scores alone

STATIC_RANKER = "static-ranker"
RANDOM = "random"

MEAN = "mean"  # over datasets
