"""The contract that `pedrank.testing` exports: our own metrics keep it, and each way of breaking it is found."""

import numpy as np
import pytest

from pedrank import metric_names
from pedrank.metrics import Score, get_metric
from pedrank.refinements import get_refinement
from pedrank.testing import check_metric, check_refinement

HEADS = {"leep", "nce"}  # need the checkpoint's own head
CLAIMS = {"nleep": {"order": False, "seeds": 1}}


@pytest.mark.parametrize("name", sorted(set(metric_names()) - HEADS))
def test_our_metrics_keep_the_contract(name):
    check_metric(get_metric(name).function, **CLAIMS.get(name, {}))


def test_parc_as_released_depends_on_the_order_of_the_images():
    with pytest.raises(AssertionError, match="rows in another order"):
        check_metric(get_metric("parc").function, label_distance="as_released")


@pytest.mark.parametrize("name", ["ped", "ped_overlap", "sa"])
def test_our_refinements_keep_the_contract(name):
    check_refinement(get_refinement(name))


def _writes(observation):
    observation.labels.flags.writeable = True
    observation.labels[0] = observation.labels[-1]
    return 1.0


def _fails_on_few(observation):
    if observation.counts.min() < 2:
        raise ZeroDivisionError
    return float(observation.means.var())


BROKEN = {
    "a constant is no number": (lambda o: "high", "returned str"),
    "an array is no number": (lambda o: o.means, "returned ndarray"),
    "nan": (lambda o: float("nan"), "not finite"),
    "unseeded": (lambda o: float(np.random.default_rng().random()), "not deterministic"),
    "first row": (lambda o: float(o.features[0, 0]), "rows in another order"),
    "class numbers": (
        lambda o: float(o.labels @ np.arange(1.0, 0, -1 / o.n)[np.argsort(o.labels)]),
        "another order|num",
    ),
    "first class": (lambda o: float(o.means[0].sum()), "classes numbered differently"),
    "stored features": (lambda o: float(np.sum(np.asarray(o.features, np.float64) ** 2)), "instead of the refined"),
    "changes labels": (_writes, "changed the labels"),
    "divides by zero": (_fails_on_few, "one sample: fails with ZeroDivisionError"),
    "not finite on dead features": (lambda o: float((o.means / o.variances).var()), "constant feature: the score is"),
}


@pytest.mark.parametrize("function, message", BROKEN.values(), ids=BROKEN)
def test_a_broken_metric_is_told_what_is_wrong(function, message):
    with np.errstate(all="ignore"), pytest.raises(AssertionError, match=message) as error:
        check_metric(function)
    assert "\n" not in str(error.value).split("\nassert")[0]


def test_claims_can_be_left_out():
    check_metric(lambda o: float(o.means[0].sum()), relabelling=False)
    check_metric(lambda o: Score(0.5, float(np.sum(np.asarray(o.features, np.float64) ** 2))), refined=False)


@pytest.mark.parametrize(
    "function, message",
    [
        (lambda s, r: s.means[:1], "one row per class"),
        (lambda s, r: np.full(s.means.shape, np.inf), "not finite"),
        (lambda s, r: np.random.default_rng().normal(size=s.means.shape), "not deterministic"),
        (
            lambda s, r: np.arange(len(s.means))[:, None] * np.ones(s.means.shape),
            "depends on how the classes are numbered",
        ),
        (lambda s, r: np.subtract(s.means, 1.0, out=s.means), "changed the class statistics"),
    ],
)
def test_a_broken_refinement_is_told_what_is_wrong(function, message):
    with pytest.raises(AssertionError, match=message):
        check_refinement(function)
