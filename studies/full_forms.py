"""Further forms of pedrank's metrics under names of their own, for studies/full.yaml.

A study gives a metric one set of options. Each function here calls a metric with other options, so both forms have a
row in the same table. Memory is that of the forms at the sizes of full.yaml.
"""

from pedrank.metrics import metric
from pedrank.metrics.h_score import h_score
from pedrank.metrics.itm import itm
from pedrank.metrics.knn import knn
from pedrank.metrics.lead import lead
from pedrank.metrics.sfda import sfda


def _memory(n, d, c):
    return 8 * 5 * (n + d) * d


@metric(title="SFDA, leave-one-out", paper="Shao et al. 2022, SFDA, ECCV", memory=_memory)
def sfda_left_out(observation):
    """SFDA, with each sample left out of its class mean and of the scatter."""
    return sfda(observation, leave_out="sample")


@metric(title="H-score, debiased", paper="Bao et al. 2019, H-score, ICIP", memory=_memory)
def h_score_debiased(observation):
    """H-score minus the expected spread of class means by chance."""
    return h_score(observation, debiased=True)


@metric(title="5-NN, cosine", paper="Bolya et al. 2021, PARC (a baseline of it), NeurIPS", memory=_memory)
def knn_5_cosine(observation):
    """Leave-one-out accuracy of the 5 nearest neighbours by cosine distance."""
    return knn(observation, k=5, distance="cosine")


@metric(title="20-NN, cosine", paper="Bolya et al. 2021, PARC (a baseline of it), NeurIPS", memory=_memory)
def knn_20_cosine(observation):
    """Leave-one-out accuracy of the 20 nearest neighbours by cosine distance."""
    return knn(observation, k=20, distance="cosine")


@metric(title="LEAD, as described", paper="Hu et al. 2024, LEAD, CVPR", memory=_memory)
def lead_as_described(observation):
    """LEAD, whose classifier is scored on the samples that it was trained on."""
    return lead(observation, mode="as_described")


@metric(title="ITM, as described", paper="Zheng et al. 2025, ITM, NeurIPS", memory=_memory)
def itm_as_described(observation):
    """ITM, whose validation outputs contain the validation labels."""
    return itm(observation, mode="as_described")
