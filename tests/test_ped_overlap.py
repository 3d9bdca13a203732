"""PED with lambda by overlap: the share of overlapping pairs, the contract, and studies that list it."""

import numpy as np
import pytest
from golden import clusters

from pedrank import ReferenceStatistics
from pedrank.observation.statistics import ClassStatistics
from pedrank.refinements import move, refinement_names
from pedrank.refinements.ped_overlap import ped_by_overlap
from pedrank.study.config import check_all_options
from pedrank.study.names import refinements
from pedrank.testing import check_refinement
from pedrank.utils.errors import InputError


def _sets(c=8, scale=1.0):
    features, labels = clusters(240, 10, c, apart=0.7)
    features = scale * features.astype(np.float64)
    return ClassStatistics.from_features(features, labels), ReferenceStatistics.from_features(features)


def test_the_contract():
    check_refinement(ped_by_overlap)
    check_refinement(ped_by_overlap, share=0.9, mode="paper")


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_the_share_of_pairs_overlaps(share):
    statistics, reference = _sets()
    lam = move(statistics, reference, "ped_overlap", share=share).options["lam"]
    centres = statistics.means / reference.std
    radii = lam * np.linalg.norm(np.sqrt(statistics.variances) / reference.std, axis=1)
    pairs = [(i, j) for i in range(8) for j in range(i)]
    overlap = [np.linalg.norm(centres[i] - centres[j]) < radii[i] + radii[j] for i, j in pairs]
    assert np.mean(overlap) == pytest.approx(share, abs=1 / len(pairs))


@pytest.mark.parametrize("mode", ["paper", "as_released"])
def test_it_is_ped_with_that_lambda(mode):
    statistics, reference = _sets()
    found = move(statistics, reference, "ped_overlap", share=0.7, mode=mode, dt=0.3)
    expected = move(statistics, reference, "ped", lam=found.options["lam"], mode=mode, dt=0.3)
    np.testing.assert_array_equal(found.displacement, expected.displacement)
    assert np.abs(found.displacement).max() > 0


def test_scale_and_numbering_do_not_matter():
    (statistics, reference), (larger, its_reference) = _sets(), _sets(scale=50.0)
    lam = move(statistics, reference, "ped_overlap").options["lam"]
    assert move(larger, its_reference, "ped_overlap").options["lam"] == pytest.approx(lam, rel=1e-9)
    turned = ClassStatistics(statistics.counts[::-1], statistics.means[::-1], statistics.variances[::-1])
    assert move(turned, reference, "ped_overlap").options["lam"] == pytest.approx(lam, rel=1e-12)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan"), "half", None, True])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(InputError, match="PED: share must be a number from 0 to 1"):
        move(*_sets(), "ped_overlap", share=share)


def test_classes_without_spread_and_another_reference():
    statistics, reference = _sets()
    rigid = ClassStatistics(statistics.counts, statistics.means, np.zeros_like(statistics.variances))
    with pytest.raises(InputError, match="no feature varies within a class"):
        move(rigid, reference, "ped_overlap")
    with pytest.raises(InputError, match="reference statistics have 3 dimensions"):
        move(statistics, ReferenceStatistics(np.zeros(3), np.ones(3)), "ped_overlap")


def test_a_study_lists_it_and_the_papers_rules_by_name():
    listed = {
        "paper-0.6": {"by": "ped", "mode": "paper", "lam": 0.6},
        "paper-signed": {"by": "ped", "mode": "paper", "lam": 0.6, "signed_overlap": True},
        "overlap": {"by": "ped_overlap", "share": 0.5},
        "overlap-paper": {"by": "ped_overlap", "share": 0.5, "mode": "paper"},
    }
    assert {"ped", "ped_overlap", "sa"} <= set(refinement_names())
    check_all_options({"metric_options": {}, "refinements": listed})
    assert list(refinements({"ped": {"lambdas": [0.3]}, "refinements": listed})) == ["none", "ped-0.3", *listed]
    for name, options in listed.items():
        assert move(*_sets(), **options).options["mode"] == ("paper" if "paper" in name else "as_released")
    with pytest.raises(InputError, match="refinements.overlap: unknown option 'shar'; did you mean 'share'"):
        check_all_options({"metric_options": {}, "refinements": {"overlap": {"by": "ped_overlap", "shar": 1}}})
