"""A ranking without ground truth: halves of the images, agreement of metrics, and what is recommended."""

import csv
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import weightedtau

from pedrank import ReferenceStatistics, refine, score
from pedrank.ranking import ranking
from pedrank.ranking.confidence import Confidence
from pedrank.ranking.halves import halves, score_halves
from pedrank.report.sentences.ranking_notes import ranking_notes
from pedrank.report.sentences.ranking_sentences import how_sure, worth
from pedrank.store.artefacts import read_csv
from pedrank.utils.errors import InputError
from pedrank.utils.paths import ROOT

NAMED = {"by": "metric", "metric": "logme", "refinement": "none"}
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


SURE = Confidence("a", 0.2, 0.0, 0.8, 0.95, "sure", "prior")  # as if calibrated
UNSURE = SURE._replace(within_one=0.8, word="likely")
STABLE, SPLIT, LOST = [[3, 2, 1]] * 20, [[3, 2, 1]] * 15 + [[2, 3, 1]] * 5, [[2, 3, 1]] * 15 + [[3, 2, 1]] * 5


@pytest.mark.parametrize(
    "logme, other, on_halves, images, sure",
    [
        ([3, 2, 1], [3, 2, 1], STABLE, 8, "sure"),
        ([3, 2, 1], [3, 2, 1], STABLE, 7, "likely"),  # fewer images in a half than the 8 features
        ([3, 2, 1], [1, 2, 3], STABLE, 8, "likely"),  # firm, but the other metric picks another
        ([3, 2, 1], [3, 3, 3], STABLE, 8, "likely"),  # the other metric ties them all, which is no agreement
        ([3, 2, 1], [3, 2, 1], SPLIT, 8, "likely"),
        ([3, 2, 1], [3, 2, 1], LOST, 8, "open"),
        ([3, 3, 1], [3, 2, 1], STABLE, 8, "open"),  # the first two tie
    ],
)
def test_how_sure_a_recommendation_is(logme, other, on_halves, images, sure):
    scores = _long(logme=logme, sfda=other)
    table = _rank(scores, _halves(*on_halves))
    enough = ranking.enough_images(np.array([50, 50]), images, 8)
    found = ranking.recommendation(table, ranking.agreement(table, scores, "logme"), enough, SURE)
    assert found["sure"] == sure
    assert found["picks"] == (["a", "b"] if logme[0] == logme[1] else ["a"])
    assert found["agree"] == (["sfda"] if other == [3, 2, 1] else [])
    assert found["tie"] == (["sfda"] if other == [3, 3, 3] else [])
    said = how_sure(NAMED | {"items": "images", "halves": 20, "recommendation": found, "confidence": SURE._asdict()})
    assert f"on {round(20 * found['first'])} of 20 random halves" in said
    assert said.startswith("Sure: ") == (sure == "sure") == ("not called sure" not in said)


@pytest.mark.parametrize(
    "expected, sure, doubts",
    [
        (SURE, "sure", []),
        (UNSURE, "likely", ["chance"]),
        (SURE._replace(word="likely"), "likely", ["calibration"]),  # 95 %, but not confirmed on hubs left out
        (SURE._replace(within_one=0.3, word="open"), "open", ["chance"]),
    ],
)
def test_no_answer_is_surer_than_its_probability_and_its_calibration(expected, sure, doubts):
    scores = _long(logme=[3, 2, 1], sfda=[3, 2, 1])
    table = _rank(scores, _halves(*STABLE))
    found = ranking.recommendation(table, ranking.agreement(table, scores, "logme"), True, expected)
    assert (found["sure"], found["doubts"]) == (sure, doubts)


@pytest.mark.parametrize(
    "agree, tie, disagree, said",
    [
        (
            ["sfda"],
            [],
            ["gbc", "knn"],
            "1 of 3 other metrics ranks it first (SFDA). The mean \N{GREEK SMALL LETTER TAU}_w with their rankings",
        ),
        (["sfda", "gbc"], [], ["knn"], "2 of 3 other metrics rank it first (SFDA, GBC)."),
        (["sfda"], ["knn"], ["gbc"], "it first (SFDA). k-NN ranks it first together with others. The mean"),
        (
            [],
            ["gbc", "knn"],
            [],
            "No other metric ranks it first alone. GBC and k-NN rank it first together with others.",
        ),
        ([], [], ["gbc", "knn"], "No other metric ranks it first."),
        (["knn"], [], [], "The other metric, k-NN, ranks it first too. The τ_w with its ranking is 0.65."),
        ([], [], ["knn"], "The other metric does not rank it first."),
    ],
)
def test_how_many_metrics_agree(agree, tie, disagree, said):
    advice = {
        "first": 0.75,
        "sure": "likely",
        "doubts": [],
        "picks": ["a"],
        "agree": agree,
        "tie": tie,
        "disagree": disagree,
        "mean_tau_w": 0.65,
        "runner_up": "b",
    }
    found = NAMED | {"items": "images", "halves": 20, "confidence": UNSURE._asdict()}
    assert said in how_sure(found | {"recommendation": advice})


def test_three_checkpoints_that_all_tie_but_one_have_a_next():
    table = _rank(_long(logme=[1, 1, 0]), _halves([1, 1, 0]))
    assert ranking.recommendation(table, {}, True, SURE)["runner_up"] == "c"
    table = _rank(_long(logme=[1, 0, 0]), _halves([1, 0, 0]))
    assert ranking.recommendation(table, {}, True, SURE)["runner_up"] == "b"


def _undefined(scores: pd.DataFrame, metric: str, checkpoint: str, reason: str) -> pd.DataFrame:
    """The same scores with one that is undefined."""
    here = (scores["metric"] == metric) & (scores["checkpoint"] == checkpoint)
    return scores.assign(
        score=scores["score"].mask(here),
        rank_score=scores["rank_score"].mask(here),
        undefined=pd.Series("", scores.index).mask(here, reason).where(here),
    )


def test_a_metric_that_is_undefined_drops_out_with_its_reason():
    scores = _undefined(_long(logme=[3, 2, 1], sfda=[3, 2, 1], gbc=[1, 2, 3]), "sfda", "a", "no feature varies")
    table = _rank(scores, _halves(*STABLE))
    found = ranking.agreement(table, scores, "logme")
    assert list(found) == ["gbc"] and "rank_sfda" not in table
    assert ranking.recommendation(table, found, True, SURE)["disagree"] == ["gbc"]
    expected = [{"metric": "sfda", "reason": "no feature varies", "checkpoints": ["a"]}]
    assert ranking.undefined_scores(scores, "logme", "none") == expected


def test_a_checkpoint_without_a_score_is_not_ranked():
    scores = _undefined(_long(logme=[3, 2, 1], sfda=[1, 2, 3]), "logme", "a", "all features are the same")
    table = _rank(scores, _halves(*[[np.nan, 2, 1]] * 20))
    assert table["checkpoint"].tolist() == ["b", "c"] and table["first"].tolist() == [1, 0]
    assert table["rank_sfda"].tolist() == [2, 1]
    with pytest.raises(
        InputError, match="logme is undefined for 2 of 3 checkpoints, so it ranks none; for a: all feat"
    ):
        _rank(_undefined(scores, "logme", "b", "x").assign(undefined="all features are the same"), _halves(*STABLE))


def test_halves_on_which_the_metric_is_undefined_rank_nothing_first():
    table = _rank(_long(logme=[3, 2]), _halves([np.nan, np.nan], [3, 2], [np.nan, 1])).set_index("checkpoint")
    assert table["first"].tolist() == pytest.approx([1 / 3, 1 / 3])
    assert table["rank_high"].notna().all()


def test_a_score_on_a_half_may_be_undefined():
    labels = np.repeat(np.arange(3), [2, 2, 2])
    features = np.repeat(np.random.default_rng(0).normal(size=(3, 4)), 2, axis=0)
    assert np.isnan(score_halves("sfda", features, labels, {})).all()


def test_checkpoints_that_ped_leaves_as_they_are():
    scores = _long(logme=[3.0, 2.0])
    moved = scores.assign(refinement="ped-0.6", rank_score=[3.0, 2.5])
    both = pd.concat([scores, moved])
    assert ranking.unmoved(both, "logme", "ped-0.6") == ["a"]
    assert ranking.unmoved(both, "logme", "none") == []


def _row(name: str, rank: int, features: int, **more: object) -> dict[str, object]:
    return {"checkpoint": name, "rank": rank, "features": features, "prior": None, "same_as": None, **more}


NOTED = {
    "metric": "logme",
    "refinement": "none",
    "images": 100,
    "classes": 4,
    "images_of_a_half": 50,
    "items": "images",
    "class_sizes": [25] * 4,
    "small_classes": {"below": 5, "number": 0},
    "by": "metric",
    "checkpoints": [_row(name, place + 1, 8) for place, name in enumerate("ab")],
    "agreement": {"knn": 0.5},
    "undefined": [],
    "unmoved": [],
}
WIDE = [_row("a", 1, 101), _row("b", 2, 51)]
PRIORS = "No prior (published accuracy on ImageNet or on other datasets) "
KNOWN, TWIN = _row("a", 1, 8, prior=0.5), _row("c", 1, 8, same_as="a")


@pytest.mark.parametrize(
    "change, notes",
    [
        ({}, []),
        (
            {"checkpoints": WIDE},
            [
                "There are fewer images (100) than features for a (101) and a half has fewer images (50) than features "
                "for b (51). A metric can then fit noise, so the answer is not called sure.",
                "Checkpoints have different numbers of features, and some metrics favour many features.",
            ],
        ),
        (
            {"class_sizes": [30, 30, 36, 4], "small_classes": {"below": 5, "number": 1}},
            ["1 of 4 classes has fewer than 5 images (the smallest has 4)"],
        ),
        ({"class_sizes": [100, 30, 15, 5]}, ["Classes are unequal: the largest has 100 images and the smallest 5."]),
        ({"images": 39}, ["39 images for 4 classes are few, so scores are noisy."]),
        (
            {"undefined": [{"metric": "sfda", "reason": "no feature varies", "checkpoints": ["a", "b"]}]},
            ["SFDA is left out, because it is undefined for a and b (no feature varies)."],
        ),
        (
            {"undefined": [{"metric": "logme", "reason": "all the same", "checkpoints": ["c"]}]},
            ["Not ranked, because LogME is undefined: c (all the same)."],
        ),
        (
            {"refinement": "ped-0.6", "unmoved": ["a"]},
            ["PED, λ = 0.6, changes nothing for a: its scores are those of the raw features."],
        ),
        ({"agreement": {"knn": -0.2}}, ["The order by k-NN tends to be the reverse of the order by LogME"]),
        (
            {"checkpoints": [row | {"rank": 1} for row in NOTED["checkpoints"]]},
            ["The scores of a and b tie; their order is undecided."],
        ),
        ({"by": "combination"}, ["No prior (published accuracy on ImageNet or on other datasets) is known for any of"]),
        ({"by": "combination", "checkpoints": [KNOWN, _row("b", 2, 8)]}, [PRIORS + "is known for b."]),
        ({"checkpoints": [KNOWN, TWIN]}, ["c has the same features as a, so it gets the same rank and counts once."]),
        ({"by": "combination", "agreement": {"knn": -0.2}, "checkpoints": [KNOWN]}, ["The order by k-NN tends to be"]),
    ],
)
def test_notes_beside_a_ranking(change, notes):
    found = ranking_notes(NOTED | change)
    assert len(found) == len(notes)
    assert all(map(str.startswith, found, notes))


def test_many_small_classes_are_not_enough():
    assert ranking.enough_images(np.array([4, 5, 5]), 20, 8)
    assert not ranking.enough_images(np.array([4, 4, 5, 5]), 20, 8)


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
    rows = [{"same_as": None}] * 12 + [{"same_as": "a"}]
    found = NAMED | {"metric": "knn", "checkpoints": rows, "published": None, "chance": 0.45}
    assert "The paper does not report how well k-NN ranks" in worth(found)
    assert "With 12 checkpoints, 5 % of random rankings reach a τ_w of 0.45." in worth(found)
