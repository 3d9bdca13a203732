"""Reserved names in tables, beside those of metrics, refinements and datasets."""

BASE = "none"  # refinement of the raw features
PED = "ped-"  # prefix of PED with a lambda
ORACLE = "ped-oracle"  # lambda chosen with the accuracies known
CONSENSUS = "ped-consensus"  # lambda chosen from the scores alone

STATIC_RANKER = "static-ranker"
IMAGENET = "imagenet-accuracy"
PRIOR = "prior"
RANDOM = "random"
WITHOUT_FEATURES = (STATIC_RANKER, IMAGENET, PRIOR, RANDOM)  # rankers that read no features

MEAN = "mean"  # mean over datasets
