"""The answer of a ranking by prior and features together: order, weights, confidence, and what it lacks."""

import json

import numpy as np
import pandas as pd
import pytest

from pedrank import combine, score
from pedrank.cli import answer
from pedrank.ranking import ranking
from pedrank.ranking.confidence import confidence
from pedrank.ranking.facts import ranking_facts
from pedrank.ranking.halves import halves, score_halves
from pedrank.ranking.prior import known_priors
from pedrank.ranking.twins import fingerprint, shared_prior, twins, with_twins
from pedrank.report.sentences.ranking_notes import ranking_notes
from pedrank.report.sentences.ranking_sentences import ranking_sentences
from pedrank.report.tables.markdown import markdown
from pedrank.report.tables.ranking_table import ranking_table
from pedrank.store.artefacts import read_csv
from pedrank.utils.errors import InputError
from pedrank.utils.paths import PUBLISHED

LABELS = np.arange(120) % 4
METRICS = ("logme", "gbc", "knn")
# Published names, from the highest to the lowest prior on "photos", and one of the user's own.
SSL = ("deepcluster-v2", "byol", "moco-v1", "insdis")


def _features(*distances: float) -> dict[str, np.ndarray]:
    """Features of checkpoints a, b, c, ...; classes are the farther apart, the larger the distance."""
    random = np.random.default_rng(0)
    noise = [random.normal(size=(len(LABELS), 6)) for _ in distances]
    return {chr(97 + place): distance * np.eye(4, 6)[LABELS] + noise[place] for place, distance in enumerate(distances)}


def _metrics(features: dict[str, np.ndarray]) -> pd.DataFrame:
    return pd.DataFrame(
        {metric: {name: score(metric, values, LABELS) for name, values in features.items()} for metric in METRICS}
    )


def _known(**priors: float) -> pd.DataFrame:
    """Priors of checkpoints a, b, c, ...; None where unknown."""
    values = pd.Series(priors, dtype=float)
    return pd.DataFrame(
        {"imagenet": np.nan, "prior": values, "prior_from": values.notna().map({True: "3 other datasets", False: ""})}
    )


def _ranked(features, known=None, by="combination", dataset="photos"):
    """The table and the facts of a ranking, computed as scripts/ranking.py does."""
    same = twins({name: fingerprint(values) for name, values in features.items()})
    rows = [
        {"checkpoint": name, "metric": metric, "refinement": "none", "rank_score": score(metric, values, LABELS)}
        for name, values in features.items()
        for metric in METRICS
        if name not in same
    ]
    scores = pd.DataFrame(rows).assign(score=lambda table: table["rank_score"])
    on_halves = pd.concat(
        pd.DataFrame({"checkpoint": name, "rank_score": score_halves("logme", values, LABELS, {})})
        .rename_axis("half")
        .reset_index()
        .assign(images=len(LABELS))
        for name, values in features.items()
        if name not in same
    )
    seconds = scores[["checkpoint", "metric", "refinement"]].assign(seconds=1.0, d=6)
    known = None if known is None else shared_prior(known, same)
    table = ranking.rank(scores, seconds, on_halves, "logme", "none", known, by)
    published = read_csv(PUBLISHED / "table1.csv")
    found = ranking_facts(table, scores, on_halves, LABELS, published, "logme", "none", by, same)
    found |= {"dataset": dataset, "notes": ranking_notes(found), "sentences": ranking_sentences(found)}
    return with_twins(table, same), found


def _printed(table, found) -> str:
    return answer.text(found | {"report": "report.html", "seconds": 1.0}) + markdown(ranking_table(found, table))


def test_the_prior_leads_and_features_place_the_unknown():
    features = _features(0.2, 1.0, 2.0, 3.0)
    known = _known(a=1.0, b=0.5, c=-1.0, d=np.nan)
    table, found = _ranked(features, known)
    metrics = pd.DataFrame(
        {metric: {name: score(metric, features[name], LABELS) for name in "abcd"} for metric in METRICS}
    )
    expected = combine(metrics, known["prior"])
    assert table["checkpoint"].tolist() == expected.sort_values(ascending=False).index.tolist()
    order = {name: place for place, name in enumerate(table["checkpoint"])}
    assert order["a"] < order["b"] < order["c"]  # against the order of the features
    assert table.set_index("checkpoint").loc[list("abcd"), "rank_logme"].tolist() == [4, 3, 2, 1]
    assert found["weights"]["with_prior"] == 3 and found["weights"]["without_prior"] == ["d"]
    assert "The prior (weight 1) decides the order of 3 of 4 checkpoints" in found["sentences"][2]
    assert "Features alone place d. Among the metrics, LogME leads" in found["sentences"][2]
    printed = _printed(table, found)
    assert "3 other datasets" in printed and "unknown" in printed and "is known for d." in printed
    json.dumps(found, allow_nan=False)


def test_the_confidence_is_that_of_the_pick():
    features = _features(0.2, 1.0, 2.0)
    table, found = _ranked(features, _known(a=1.0, b=0.5, c=-1.0))
    metrics = pd.DataFrame(
        {metric: {name: score(metric, features[name], LABELS) for name in "abc"} for metric in METRICS}
    )
    expected = confidence(metrics, _known(a=1.0, b=0.5, c=-1.0)["prior"], pick="a")
    assert found["recommendation"]["picks"] == ["a"]
    for field in ("regret", "low", "high", "within_one"):
        assert found["confidence"][field] == pytest.approx(getattr(expected, field))
    assert (found["confidence"]["basis"], found["confidence"]["unit"]) == ("both", "points")
    said = found["sentences"][1]
    assert f"a is expected to be {expected.regret:.2f} points less accurate than the best" in said
    assert f"with a probability of {expected.within_one:.2f}" in said
    assert "it is known for all 3 checkpoints" in found["sentences"][2]


def test_a_named_metric_ranks_and_the_answer_tells_what_the_combination_would_choose():
    features, known = _features(0.2, 1.0, 2.0), _known(a=1.0, b=0.5, c=-1.0)
    table, found = _ranked(features, known, by="metric")
    assert table["checkpoint"].tolist() == ["c", "b", "a"] and table["rank_combination"].tolist() == [3, 2, 1]
    assert found["confidence"]["pick"] == "c"
    worse = found["confidence"]["regret"]
    assert worse > _ranked(features, known)[1]["confidence"]["regret"]
    expected = "The order is that of LogME, as requested. By prior and features together, a would be first."
    assert found["sentences"][2].startswith(expected)


def test_without_a_prior_the_leading_metric_decides():
    table, found = _ranked(_features(0.2, 1.0, 2.0))
    assert table["checkpoint"].tolist() == ["c", "b", "a"]
    assert found["sentences"][2].startswith("No prior is known, so features alone decide.")
    assert any("is known for any of the 3 checkpoints" in note for note in found["notes"])
    assert "prior from" not in _printed(table, found)
    assert set(found["agreement"]) == {"gbc", "knn"}  # LogME decides: it is no other metric


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_never_called_sure(seed):
    random = np.random.default_rng(seed)
    features = {name: random.normal(size=(len(LABELS), 6)) for name in "abcdef"}
    for known in (None, _known(**dict(zip("abcdef", random.normal(size=6), strict=True)))):
        _, found = _ranked(features, known)
        assert found["recommendation"]["sure"] != "sure"
        assert not found["sentences"][1].startswith("Sure")


def test_the_same_weights_under_two_names_rank_once_and_share_their_prior():
    features = _features(2.0, 1.0, 0.5)
    features["d"] = features["a"].copy()
    known = _known(a=np.nan, b=0.5, c=-1.0, d=1.0)  # the weights are known under one of the names only
    table, found = _ranked(features, known)
    assert table["checkpoint"].tolist() == ["a", "d", "b", "c"]
    assert table["rank"].tolist() == [1, 1, 2, 3] and table["prior"].tolist() == [1.0, 1.0, 0.5, -1.0]
    assert found["recommendation"]["picks"] == ["a"] and "tie" not in found["recommendation"]["doubts"]
    assert "d has the same features as a, so it gets the same rank and counts once." in found["notes"]
    assert "d (= a)" in _printed(table, found) and "d (same features as a)" in _printed(table, found)
    alone, _ = _ranked({name: features[name] for name in "abc"}, _known(a=1.0, b=0.5, c=-1.0))
    once, texts = table[table["checkpoint"] != "d"].reset_index(drop=True), ["prior_from", "same_as"]
    pd.testing.assert_frame_equal(once.drop(columns=texts), alone.drop(columns=texts))


def test_one_set_of_weights_alone_ranks_nothing():
    features = _features(1.0)["a"]
    with pytest.raises(InputError, match="all checkpoints have the same features as a; give others to rank"):
        _ranked({"a": features, "b": features.copy()})


def test_a_tie_of_everything_is_one_line():
    rows = [
        {"checkpoint": name, "metric": "logme", "refinement": "none", "score": 1.0, "rank_score": 1.0} for name in "ab"
    ]
    scores = pd.DataFrame(rows)
    seconds = scores.drop(columns=["score", "rank_score"]).assign(seconds=1.0, d=6)
    on_halves = pd.DataFrame({"checkpoint": ["a", "b"], "half": 0, "rank_score": 1.0})
    with pytest.raises(InputError, match="no prior and no metric tells the 2 checkpoints apart"):
        ranking.rank(scores, seconds, on_halves, "logme", "none", None, "combination")
    table = ranking.rank(scores, seconds, on_halves, "logme", "none", _known(a=0.0, b=1.0), "combination")
    assert table["checkpoint"].tolist() == ["b", "a"]


def test_priors_that_lead_do_not_change_with_the_images():
    """With every prior known the order is the same on all halves, and halves cast no doubt on it."""
    table, found = _ranked(_features(0.0, 0.0, 0.0), _known(a=1.0, b=0.5, c=-1.0))
    assert table["first"].tolist() == [1, 0, 0]
    assert "halves" not in found["recommendation"]["doubts"]


def test_halves_are_combined_with_the_prior():
    features, known = _features(0.4, 0.5, 0.45), _known(a=1.0, b=0.5, c=np.nan)
    table, _ = _ranked(features, known)
    first = dict.fromkeys("abc", 0.0)
    for rows in halves(LABELS):
        values = {name: score("logme", features[name][rows], LABELS[rows]) for name in "abc"}
        first[combine(pd.DataFrame({"logme": values}), known["prior"]).idxmax()] += 1 / 20
    assert table.set_index("checkpoint")["first"].to_dict() == pytest.approx(first)


def test_priors_of_published_checkpoints():
    known = known_priors(dict.fromkeys([*SSL, "mine"]), "photos")
    assert known["prior"].notna().tolist() == [True] * 4 + [False]
    assert known.loc["byol", "prior_from"].endswith("other datasets") and known.loc["mine", "prior_from"] == ""
    table, _ = _ranked(dict(zip([*SSL, "mine"], _features(0, 1, 2, 3, 4).values(), strict=True)), known)
    order = [name for name in table["checkpoint"] if name != "mine"]
    assert order == known["prior"].dropna().sort_values(ascending=False).index.tolist()
