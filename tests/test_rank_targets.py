"""`pedrank.rank` for real numbers and several labels per sample: the order, the words, and what is refused."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.datasets import load_diabetes
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import RidgeCV
from sklearn.metrics import average_precision_score, r2_score
from sklearn.model_selection import KFold, cross_val_predict, cross_val_score
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pedrank
from pedrank.ranking.from_targets import METRIC_OPTIONS
from pedrank.regression.target_score import target_score
from pedrank.regression.task import task_of
from pedrank.store.artefacts import read_csv
from pedrank.utils.errors import InputError

RANDOM = np.random.default_rng(0)
Y = RANDOM.normal(size=60) * 9 + 50  # ages, say
FEATURES = {
    name: (Y[:, None] - 50) / 9 * share + RANDOM.normal(size=(60, width))
    for name, share, width in (("far", 2.0, 8), ("middle", 0.8, 6), ("near", 0.3, 8))
}
FEATURES["twin"] = FEATURES["near"]
LABELS = np.c_[Y > 50, Y > 58, RANDOM.random(60) > 0.5].astype(int)


def feature_sets():
    """Columns of scikit-learn's diabetes, parts of them, random projections, kernels, hidden units, and noise."""
    x, y = load_diabetes(return_X_y=True)
    random = np.random.default_rng(0)
    x = x * np.sqrt(len(x))  # standard deviation 1
    sets = {"all": x, "left": x[:, :5], "right": x[:, 5:], "bmi": x[:, 2:4], "age": x[:, [0]], "shifted": x + 5}
    sets |= {f"projection{d}": x @ random.normal(size=(10, d)) for d in (2, 4, 7)}
    sets |= {f"kernel{d}": Nystroem(gamma=0.05, n_components=d, random_state=0).fit_transform(x) for d in (5, 20, 80)}
    sets |= {f"hidden{d}": np.maximum(x @ random.normal(size=(10, d)), 0) for d in (8, 64, 600)}
    sets |= {"noise": random.normal(size=(442, 20)), "diluted": np.c_[x, random.normal(size=(442, 100))]}
    return sets, y


def test_the_ranking_of_a_regression_agrees_with_cross_validated_r2():
    """The judge is scikit-learn's, with other folds and other penalties. Spearman's correlation: 0.98 for the probe,
    0.97 for LogME, 0.82 for LogME without an intercept, as published."""
    sets, y = feature_sets()
    folds = KFold(10, shuffle=True, random_state=1)
    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 5, 25)))
    r2 = {name: cross_val_score(model, each, y, cv=folds, scoring="r2").mean() for name, each in sets.items()}
    neighbours = {}
    for name, each in sets.items():
        nearest = NearestNeighbors(n_neighbors=5).fit(each).kneighbors(return_distance=False)  # without the row itself
        neighbours[name] = r2_score(y, y[nearest].mean(axis=1))
    found = pedrank.rank(sets, y, task="regression").table.set_index("checkpoint")
    r2, neighbours = pd.Series(r2)[found.index], pd.Series(neighbours)[found.index]
    assert r2.max() > 0.45 and r2.min() < 0.05
    assert spearmanr(found["score_linear_probe"], r2)[0] > 0.95
    assert pedrank.weighted_tau(found["score_linear_probe"], r2) > 0.8
    untied = found.index.difference(["age", "bmi", "left", "hidden8"])  # of neighbours that tie, scikit-learn takes any
    np.testing.assert_allclose(found["score_knn"][untied], neighbours[untied], atol=1e-4)
    assert spearmanr(found["score"], r2)[0] > 0.9
    assert found["rank"].is_monotonic_increasing and found["rank"]["noise"] > 14
    published = {name: target_score("logme", each, y) for name, each in sets.items()}
    assert spearmanr(pd.Series(published)[found.index], r2)[0] < spearmanr(found["score"], r2)[0]


def test_the_scores_are_those_of_the_functions():
    for targets, task in ((Y, "regression"), (LABELS, "labels")):
        table = pedrank.rank(FEATURES, targets).table.set_index("checkpoint")
        for name, features in FEATURES.items():
            for metric in ("logme", "knn", "linear_probe"):
                single = np.float32(features)
                expected = target_score(metric, single, targets, task, **METRIC_OPTIONS.get(metric, {}))
                assert table[f"score_{metric}"][name] == expected


def test_the_answer_as_an_object(tmp_path):
    ranking = pedrank.rank(FEATURES, Y, dataset="ages & co")
    assert (ranking.picks, ranking.sure) == (["far"], "unknown")
    table = ranking.table
    assert table["checkpoint"].tolist() == ["far", "middle", "near", "twin"] and table["rank"].tolist() == [1, 2, 3, 3]
    assert table["same_as"].tolist()[3] == "near" and table["same_as"].isna().sum() == 3
    assert table["first"].tolist()[0] == 1 and table["features"].tolist() == [8, 6, 8, 8]
    assert json.loads(json.dumps(ranking.found)) == ranking.found
    assert (
        "far" in repr(ranking)
        and "Linear probe (R2)" in repr(ranking)
        and "twin (same features as near)" in repr(ranking)
    )
    page = ranking._repr_html_()
    assert "<td>far</td>" in page and "ages &amp; co" in page and "Fine-tune far." in page
    for suffix, expected in ((".json", '"picks"'), (".csv", "rank,checkpoint"), (".md", "| far"), (".html", "<td")):
        ranking.save(tmp_path / f"a{suffix}")
        assert expected in (tmp_path / f"a{suffix}").read_text(encoding="utf-8")
    pd.testing.assert_frame_equal(read_csv(tmp_path / "a.csv"), table, check_dtype=False)


@pytest.mark.parametrize(
    "targets", [Y, np.c_[Y, Y**2], LABELS, (Y > 50) * 1], ids=["real", "columns", "labels", "classes"]
)
def test_no_word_assumes_images_and_nothing_is_called_sure_without_evidence(targets):
    ranking = pedrank.rank(FEATURES, targets, dataset="recordings")
    printed = " ".join([repr(ranking), ranking._repr_html_()]).lower().replace("accuracy on imagenet", "")
    assert "image" not in printed and "halves of the samples" in printed
    if targets.ndim == 2 or targets is Y:
        assert "No prior is used, because published accuracies are those of classification." in repr(ranking)
        assert "No probability is given" in ranking.sentences[1] and "probability of" not in repr(ranking)
        assert not any("sure:" in sentence.lower() for sentence in ranking.sentences)


def test_arrays_of_every_kind():
    expected = pedrank.rank(FEATURES, Y).table.drop(columns="seconds")
    kinds = {
        "torch": ({name: torch.tensor(each) for name, each in FEATURES.items()}, torch.tensor(Y)),
        "pandas": ({name: pd.DataFrame(each) for name, each in FEATURES.items()}, pd.Series(Y)),
        "lists": ({name: each.tolist() for name, each in FEATURES.items()}, Y.tolist()),
    }
    for features, targets in kinds.values():
        pd.testing.assert_frame_equal(pedrank.rank(features, targets).table.drop(columns="seconds"), expected)
    columns = pd.DataFrame({"age": Y, "age again": Y})
    assert pedrank.rank(FEATURES, columns).found["targets"] == 2


@pytest.mark.parametrize(
    "labels, task",
    [
        (np.array([3.27, 1e-3, 5]), "regression"),
        (np.array([[1, 2], [3, 4]]), "regression"),
        (np.array([[0.0, 1], [1, 1]]), "labels"),
        (np.array([[True, False]]), "labels"),
        (np.array([[0.5], [1]]), "regression"),
        (np.array([1.0, np.nan]), "regression"),  # refused there, with the row of the missing number
        (np.array([0, 1, 2]), "classes"),
        (np.array([31, 44, 58]), "classes"),
        (np.array(["1.5", "2.5"]), "classes"),
    ],
)
def test_the_labels_decide_the_task(labels, task):
    assert task_of(labels) == task


def test_whole_numbers_of_floating_point_are_ambiguous():
    classes = np.repeat([0.0, 1.0, 2.0], 20)
    with pytest.raises(
        InputError, match="can be classes or amounts; give classes as integers, or state the task: task=.regression"
    ):
        pedrank.rank(FEATURES, classes)
    as_classes = pedrank.rank(FEATURES, classes, task="classes").found
    with_integers = pedrank.rank(FEATURES, classes.astype(int)).found
    assert as_classes["sentences"] == with_integers["sentences"] and "task" not in as_classes
    assert pedrank.rank(FEATURES, classes, task="regression").found["task"] == "regression"


def test_the_answer_says_how_targets_were_read():
    def first(targets, task=None):
        return pedrank.rank(FEATURES, targets, task=task).notes[0]

    assert first(Y) == "The targets are read as real numbers to predict (regression), since they have fractions."
    assert "since they are a table of numbers" in first(np.c_[Y, Y].astype(int))
    assert first(LABELS) == "Targets of 0 and 1 in 3 columns are read as several labels per sample."
    assert "Every sample has one label, so give class numbers" in first(np.eye(3, dtype=int)[np.arange(60) % 3])
    assert "read as" not in first(Y, "regression")


@pytest.mark.filterwarnings("ignore:labels")
def test_whole_numbers_of_single_samples_may_be_amounts():
    ages = np.arange(60) // 1.2
    ranking = pedrank.rank(FEATURES, ages.astype(int), metric="logme")
    assert ranking.notes[0].startswith("The 50 classes are numbers with 1.2 samples on average.")
    assert "task='regression'" in ranking.notes[0] and "--task regression" in ranking.notes[0]
    texts = pedrank.rank(FEATURES, np.array([f"{20 + row % 21}.5" for row in range(60)]), metric="logme")
    assert texts.notes[0].startswith("The 21 classes are numbers with 2.9 samples on average.")
    for quiet in (
        pedrank.rank(FEATURES, ages.astype(int), metric="logme", task="classes"),
        pedrank.rank(FEATURES, np.arange(60) % 3),
        pedrank.rank(FEATURES, np.arange(60) % 25, metric="logme"),  # numbered from 0, so no amounts
        pedrank.rank(FEATURES, np.array([f"v{row % 25}" for row in range(60)]), metric="logme"),
    ):
        assert not any("amounts" in note for note in quiet.notes)
    assert pedrank.rank(FEATURES, ages.astype(int), task="regression").picks


def test_a_named_metric_ranks_and_others_stand_beside_it():
    ranking = pedrank.rank(FEATURES, Y, metric=["linear_probe", "logme"])
    assert ranking.found["metric"] == "linear_probe" and ranking.found["others"] == ["logme"]
    table = ranking.table
    assert table["score"].tolist() == table["score_linear_probe"].tolist() == sorted(table["score"], reverse=True)
    assert "The order is that of Linear probe" in ranking.sentences[2]
    alone = pedrank.rank(FEATURES, Y, metric="knn")
    assert alone.found["others"] == [] and "Fine-tune far." in repr(alone)


def test_a_metric_that_is_undefined_drops_out_with_the_reason():
    few = {name: each[:5] for name, each in FEATURES.items()}
    ranking = pedrank.rank(few, Y[:5])
    assert ranking.found["others"] == ["linear_probe"]
    assert "k-NN is left out, because it is undefined for far, middle, near and twin (k is 5; choose from 1 to 4)." in (
        ranking.notes
    )
    assert any("fewer samples (5) than features for far (8)" in note for note in ranking.notes)


def test_targets_that_no_features_predict():
    noise = {name: np.random.default_rng(seed).normal(size=(60, 4)) for seed, name in enumerate("ab")}
    ranking = pedrank.rank(noise, np.random.default_rng(5).normal(size=60))
    assert max(ranking.table["score_linear_probe"]) <= 0
    assert any(note.startswith("No linear probe predicts better than the mean target") for note in ranking.notes)


def test_a_label_that_halves_lack_still_gives_an_answer():
    rare = LABELS.copy()
    rare[:, 1] = np.arange(60) == 7
    ranking = pedrank.rank(FEATURES, rare)
    assert ranking.picks and 0 < ranking.table["first"].sum() <= 1


def test_several_labels_of_scikit_learn():
    """The linear probe's order of labels is that of cross-validated ridge regression."""
    table = pedrank.rank(FEATURES, LABELS).table.set_index("checkpoint")
    for name, features in FEATURES.items():
        folds = KFold(5, shuffle=True, random_state=0)
        outputs = cross_val_predict(RidgeCV(np.logspace(-3, 4, 20)), features, LABELS, cv=folds)
        judged = average_precision_score(LABELS, outputs, average="macro")
        assert table["score_linear_probe"][name] == pytest.approx(judged, abs=0.1)
    assert table["score_linear_probe"]["far"] > table["score_linear_probe"]["near"]


@pytest.mark.parametrize(
    "features, targets, options, message",
    [
        (FEATURES, Y, {"refine": 0.6}, "leave out refine, since PED moves the one class of each sample"),
        (FEATURES, LABELS, {"refine": 0.6}, "leave out refine, since PED moves the one class of each sample"),
        (FEATURES, Y, {"metric": "sfda"}, "sfda needs one class per sample; real numbers allow logme, knn and linear"),
        (FEATURES, LABELS, {"metric": ["logme", "gbc"]}, "gbc needs one class per sample; several labels allow logme"),
        (FEATURES, Y, {"metric": "logmee"}, "unknown metric 'logmee'"),
        (FEATURES, Y, {"task": "ages"}, "unknown task 'ages'; choose from classes, regression, labels"),
        (FEATURES, Y, {"task": "classes"}, "far: labels must be a vector of integers or texts"),
        (FEATURES, Y, {"task": "labels"}, r"targets must have shape \(N, K\), with a column for each of K >= 2 labels"),
        (FEATURES, np.where(Y[3] == Y, np.nan, Y), {}, "targets: row 3 has NaN or infinity"),
        (FEATURES, Y * 0 + 0.5, {}, "the targets are all 0.5 for all samples"),
        (FEATURES, np.array(["a", "b"] * 30), {"task": "regression"}, "targets must be real numbers, not <U1"),
        (FEATURES, Y[:10], {}, "far: features: 60 rows but 10 labels"),
        ({"far": FEATURES["far"]}, Y, {}, "at least two checkpoints, not of 1"),
        ({"a": FEATURES["far"], "b": FEATURES["far"]}, Y, {}, "all checkpoints have the same features as a"),
        ({"a": FEATURES["far"], "b": FEATURES["far"] * np.nan}, Y, {}, "b: row 0 of the features is not finite"),
        ({"a": FEATURES["far"], "b": FEATURES["far"] * 0}, Y, {}, "b: all features are the same for all samples"),
        ({"a": FEATURES["far"], "b": FEATURES["far"].astype(str)}, Y, {}, "b: features must be real numbers"),
    ],
)
def test_a_mistake_is_one_line(features, targets, options, message):
    with pytest.raises(InputError, match=message) as error:
        pedrank.rank(features, targets, **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("labels", [np.arange(60) % 3, Y], ids=["classes", "real"])
@pytest.mark.parametrize(
    "wrong",
    [
        lambda: FEATURES | {"far": FEATURES["far"][:9]},
        lambda: FEATURES | {"far": FEATURES["far"][0]},
        lambda: dict.fromkeys(("a", "b"), np.zeros((60, 3))) | {"c": np.ones((60, 3))},
        lambda: FEATURES | {"far": np.where(FEATURES["far"] > 1, np.nan, FEATURES["far"])},
        lambda: FEATURES | {"far": FEATURES["far"].astype(str)},
    ],
    ids=["other rows", "one row", "constant", "not finite", "texts"],
)
def test_no_message_about_features_assumes_images(labels, wrong):
    with pytest.raises(InputError) as error:
        pedrank.rank(wrong(), labels)
    assert "image" not in str(error.value)
