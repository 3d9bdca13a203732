"""A ranking without ground truth: halves of the images, agreement of metrics, and what is recommended."""

import csv
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import weightedtau

from pedrank import ReferenceStatistics, refine, score
from pedrank.ranking import ranking
from pedrank.ranking.halves import halves, score_halves
from pedrank.report.sentences.ranking_sentences import how_sure, worth
from pedrank.store.artefacts import read_csv
from pedrank.utils.errors import InputError
from pedrank.utils.paths import ROOT

LABELS = np.repeat([0, 1, 2, 3], [41, 20, 2, 1])


def test_a_half_has_half_of_each_class_and_no_image_twice():
    for rows in halves(LABELS):
        assert np.array_equal(rows, np.unique(rows))
        assert np.bincount(LABELS[rows]).tolist() == [21, 10, 2, 1]


def test_halves_are_the_same_for_every_checkpoint_and_differ_among_themselves():
    first, second = halves(LABELS), halves(LABELS.copy())
    assert all(map(np.array_equal, first, second))
    assert len({rows.tobytes() for rows in first}) == len(first) == 20


def test_every_image_is_drawn_equally_often():
    counts = np.bincount(np.concatenate(halves(np.repeat([0, 1], 10), number=2000)), minlength=20)
    assert np.abs(counts / 2000 - 0.5).max() < 5 * 0.5 / np.sqrt(2000)


def test_a_half_of_many_images_is_cut():
    labels = np.arange(1000) % 4
    assert {len(rows) for rows in halves(labels, largest=100)} == {100}


def test_scores_on_halves_are_those_of_the_rows(monkeypatch):
    random = np.random.default_rng(0)
    labels = np.arange(80) % 4
    features = (random.normal(size=(4, 6))[labels] + random.normal(size=(80, 6))).astype(np.float32)
    reference = ReferenceStatistics.from_features(features)
    rows = halves(labels)[3]
    assert score_halves("gbc", features, labels, {"variant": "spherical"})[3] == pytest.approx(
        -np.log(-score("gbc", features[rows], labels[rows], variant="spherical"))
    )
    moved = refine(features[rows], labels[rows], reference, lam=0.5)
    expected = score("logme", features[rows], labels[rows], refinement=moved)
    assert score_halves("logme", features, labels, {}, {"lam": 0.5}, reference)[3] == expected


def _long(**columns: list[float]) -> pd.DataFrame:
    """Scores of checkpoints a, b, c, … by metric, on the raw features."""
    rows = [
        {"checkpoint": chr(97 + place), "metric": metric, "refinement": "none", "score": value, "rank_score": value}
        for metric, values in columns.items()
        for place, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def _halves(*scores: list[float]) -> pd.DataFrame:
    """One list per half, of the scores of a, b, c, …"""
    rows = [
        {"checkpoint": chr(97 + place), "half": half, "rank_score": value}
        for half, values in enumerate(scores)
        for place, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def _rank(scores: pd.DataFrame, on_halves: pd.DataFrame, metric: str = "logme") -> pd.DataFrame:
    seconds = scores.drop(columns=["score", "rank_score"]).assign(seconds=2.0, d=8)
    return ranking.rank(scores, seconds, on_halves, metric, "none")


def test_the_table_by_hand():
    scores = _long(logme=[0.1, 0.3, 0.2], sfda=[0.9, 0.9, 0.1])
    table = _rank(scores, _halves([1, 3, 2], [1, 2, 3], [1, 2, 2], [0, 5, 1])).set_index("checkpoint")
    assert table.index.tolist() == ["b", "c", "a"]
    assert table["rank"].tolist() == [1, 2, 3]
    assert table["rank_sfda"].tolist() == [1, 3, 1]  # a and b tie
    assert table["first"].tolist() == [(1 + 0 + 0.5 + 1) / 4, (0 + 1 + 0.5 + 0) / 4, 0]
    assert table.loc["b", ["rank_low", "rank_high"]].tolist() == [1, 2]
    assert table.loc["a", "mean_rank"] == 2
    assert table["seconds"].tolist() == [4, 4, 4]


def test_moving_the_classes_costs_what_it_costs():
    scores = _long(logme=[0.1, 0.3])
    moved = scores.assign(refinement="ped-0.6")
    both = pd.concat([scores, moved])
    seconds = both.drop(columns=["score", "rank_score"]).assign(seconds=2.0, d=8)
    seconds["refinement_seconds"] = [np.nan, np.nan, 3.0, 3.0]
    table = ranking.rank(both, seconds, _halves([1, 2]), "logme", "ped-0.6")
    assert table["seconds"].tolist() == [7, 7]


def test_scores_that_all_tie_rank_nothing():
    with pytest.raises(InputError, match="logme gives all 3 checkpoints the same score; rank them with another"):
        _rank(_long(logme=[0.5, 0.5, 0.5]), _halves([1, 2, 3]))


def test_agreement_is_scipys_weighted_tau_of_the_scores():
    random = np.random.default_rng(0)
    one, other = random.normal(size=(2, 9))
    scores = _long(logme=list(one), sfda=list(other), gbc=[1.0] * 9)
    table = _rank(scores, _halves(list(one)))
    found = ranking.agreement(table, scores, "logme")
    assert found["sfda"] == pytest.approx(weightedtau(one, other).statistic)
    assert found["gbc"] is None  # constant scores have no order


STABLE, SPLIT, LOST = [[3, 2, 1]] * 20, [[3, 2, 1]] * 15 + [[2, 3, 1]] * 5, [[2, 3, 1]] * 15 + [[3, 2, 1]] * 5


@pytest.mark.parametrize(
    "logme, other, on_halves, sure",
    [
        ([3, 2, 1], [3, 2, 1], STABLE, "sure"),
        ([3, 2, 1], [1, 2, 3], STABLE, "likely"),  # firm, but the other metric picks another
        ([3, 2, 1], [3, 2, 1], SPLIT, "likely"),
        ([3, 2, 1], [3, 2, 1], LOST, "open"),
        ([3, 3, 1], [3, 2, 1], STABLE, "open"),  # the first two tie
    ],
)
def test_how_sure_a_recommendation_is(logme, other, on_halves, sure):
    scores = _long(logme=logme, sfda=other)
    table = _rank(scores, _halves(*on_halves))
    found = ranking.recommendation(table, ranking.agreement(table, scores, "logme"))
    assert found["sure"] == sure
    assert found["picks"] == (["a", "b"] if logme[0] == logme[1] else ["a"])
    assert found["agree"] == (["sfda"] if other[0] == 3 else [])
    made = {"metric": "logme", "refinement": "none", "halves": 20, "recommendation": found}
    said = how_sure(made | {"images": 100, "checkpoints": [{"features": 8}, {"features": 50}]})
    assert f"on {round(20 * found['first'])} of 20 random halves" in said and "fewer images" not in said
    said = how_sure(made | {"images": 99, "checkpoints": [{"features": 8}, {"features": 50}]})
    assert "A half has fewer images than the widest checkpoint has features (50)" in said


@pytest.mark.parametrize(
    "agree, disagree, said",
    [
        (
            ["sfda"],
            ["gbc", "knn"],
            "1 of 3 other metrics ranks it first (SFDA). LogME's mean \N{GREEK SMALL LETTER TAU}_w with their rankings",
        ),
        (["sfda", "gbc"], ["knn"], "2 of 3 other metrics rank it first (SFDA, GBC)."),
        ([], ["gbc", "knn"], "No other metric ranks it first."),
        (["knn"], [], "The other metric, k-NN, ranks it first too. LogME's τ_w with its ranking is 0.65."),
        ([], ["knn"], "The other metric does not rank it first."),
    ],
)
def test_how_many_metrics_agree(agree, disagree, said):
    advice = {
        "first": 0.75,
        "sure": "likely",
        "agree": agree,
        "disagree": disagree,
        "mean_tau_w": 0.65,
        "runner_up": "b",
    }
    found = {"metric": "logme", "refinement": "none", "halves": 20, "images": 100, "checkpoints": [{"features": 8}]}
    assert said in how_sure(found | {"recommendation": advice})


def test_three_checkpoints_that_all_tie_but_one_have_a_next():
    table = _rank(_long(logme=[1, 1, 0]), _halves([1, 1, 0]))
    assert ranking.recommendation(table, {})["runner_up"] == "c"
    table = _rank(_long(logme=[1, 0, 0]), _halves([1, 0, 0]))
    assert ranking.recommendation(table, {})["runner_up"] == "b"


def test_what_chance_reaches():
    taus = [weightedtau(order, [0, 1, 2, 3, 4]).statistic for order in permutations(range(5))]
    assert ranking.chance(5) == pytest.approx(np.quantile(taus, 0.95))
    assert ranking.chance(12) == pytest.approx(0.45, abs=0.02)


def test_published_taus_are_those_of_the_papers_table():
    with open(ROOT / "pedrank/published/table1.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "logme" and row["refinement"] == "ped"]
    taus = [float(row["tau_w"]) for row in rows]
    table = read_csv(ROOT / "pedrank/published/table1.csv")
    assert ranking.published(table, "logme", "ped-0.6") == pytest.approx((sum(taus) / 10, min(taus), max(taus)))
    assert ranking.published(table, "knn", "none") is None


def test_what_it_is_worth_says_what_is_not_known():
    found = {"metric": "knn", "refinement": "none", "checkpoints": [{}] * 12, "published": None, "chance": 0.45}
    assert "The paper does not report how well k-NN ranks" in worth(found)
    assert "With 12 checkpoints, 5 % of random rankings reach a τ_w of 0.45." in worth(found)
