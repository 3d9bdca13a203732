"""Ground truth: three sources, one table."""

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import weightedtau

from pedrank.evaluation.summary import summarise
from pedrank.finetune.ground_truth import COLUMNS, from_file, from_runs, published
from pedrank.finetune.runs_table import COLUMNS as RUNS
from pedrank.utils.errors import InputError
from pedrank.utils.paths import PUBLISHED, ROOT


def runs(**accuracies: list[float]) -> pd.DataFrame:
    """By checkpoint: two grid points on validation, then these accuracies on test, one per seed."""
    rows = []
    for name, tested in accuracies.items():
        rows += [(name, "validation", 0.1, 0.0, 32, 0, 99.0, False), (name, "validation", 0.01, 0.0, 32, 0, 5.0, True)]
        rows += [(name, "test", 0.1, 0.0, 32, seed, accuracy, accuracy < 20) for seed, accuracy in enumerate(tested)]
    return pd.DataFrame(rows, columns=RUNS)


def test_mean_and_sample_deviation_of_the_test_runs():
    table = from_runs(runs(byol=[80.0, 84.0], simclr=[70.0, 70.0, 76.0]), ["simclr", "byol"])
    assert list(table.columns) == COLUMNS
    assert table["checkpoint"].tolist() == ["simclr", "byol"]
    assert table["accuracy"].tolist() == [72.0, 82.0]
    assert table["sd"].tolist() == pytest.approx([12**0.5, 8**0.5])
    assert table["seeds"].tolist() == [3, 2]
    assert table["lr"].tolist() == [0.1, 0.1]
    assert table["diverged"].tolist() == [0, 0]


def test_one_seed_has_no_deviation():
    assert from_runs(runs(byol=[80.0]), ["byol"])["sd"].isna().all()


def test_a_diverged_seed_counts_at_chance_level_and_is_told():
    table = from_runs(runs(byol=[80.0, 10.0]), ["byol"])
    assert (table["accuracy"].item(), table["diverged"].item()) == (45.0, 1)


def test_a_checkpoint_without_test_runs_is_refused():
    with pytest.raises(InputError, match="byol: its fine-tuning runs include no test run"):
        from_runs(runs(byol=[]), ["byol"])


@pytest.mark.parametrize("regime", ["full", "last_block", "linear"])
def test_with_published_accuracies_tau_w_is_scipys_on_the_csv(regime):
    """Any scores whatever: through the study's own steps, and by hand from the shipped table."""
    shipped = pd.read_csv(PUBLISHED / "accuracy.csv")
    shipped = shipped[shipped["regime"] == regime]
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    random = np.random.default_rng(0)
    truth, scores, expected = [], [], {}
    for dataset in config["datasets"]:
        table = published(PUBLISHED / "accuracy.csv", dataset, regime, config["checkpoints"])
        truth.append(table.assign(dataset=dataset))
        values = random.normal(size=len(table)).round(1)  # rounded, so that some tie
        scores.append(
            pd.DataFrame({"checkpoint": table["checkpoint"], "rank_score": values}).assign(
                dataset=dataset, metric="any", refinement="none"
            )
        )
        rows = shipped[shipped["dataset"] == dataset].set_index("checkpoint")["accuracy"]
        expected[dataset] = weightedtau(values, rows[config["checkpoints"]].to_numpy()).statistic
    summary = summarise(pd.concat(scores), pd.concat(truth))
    found = summary[summary["metric"] == "any"].set_index("dataset")["tau_w"]
    assert {dataset: found[dataset] for dataset in expected} == pytest.approx(expected, abs=1e-14)


def test_published_accuracies_are_the_printed_ones():
    table = published(PUBLISHED / "accuracy.csv", "aircraft", "full", ["swav", "byol"])
    assert table["checkpoint"].tolist() == ["swav", "byol"]
    assert table["accuracy"].tolist() == [83.04, 82.1]
    assert table[["sd", "seeds", "lr", "weight_decay", "diverged"]].isna().all(axis=None)


def test_every_published_cell_is_there_once_but_the_leaked_split():
    table = pd.read_csv(PUBLISHED / "accuracy.csv")
    cells = table.groupby(["regime", "dataset"])["checkpoint"].nunique().unstack()
    assert table.groupby(["regime", "dataset"]).size().unstack().equals(cells)
    assert cells.loc[["full", "linear"]].eq(12).all(axis=None)
    assert cells.loc["last_block"].drop("sun397").eq(12).all()
    assert pd.isna(cells.loc["last_block", "sun397"])
    assert table["accuracy"].between(0, 100).all()


@pytest.mark.parametrize(
    ("dataset", "regime", "checkpoints", "message"),
    [
        ("aircraft", "half", ["byol"], "regime 'half'"),
        ("sun397", "last_block", ["byol"], "no rows for dataset 'sun397'"),
        ("aircraft", "full", ["byol", "vicreg"], "no row for 'vicreg' on aircraft"),
    ],
)
def test_what_was_not_published_is_refused(dataset, regime, checkpoints, message):
    with pytest.raises(InputError, match=message):
        published(PUBLISHED / "accuracy.csv", dataset, regime, checkpoints)


def test_a_users_table_is_taken_in_the_order_of_the_config(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("dataset,checkpoint,accuracy,sd\nflowers,a,91.5,0.2\nflowers,b,0,0.1\nbirds,a,60,\n")
    table = from_file(path, "flowers", ["b", "a"])
    assert list(table.columns) == COLUMNS
    assert table["accuracy"].tolist() == [0.0, 91.5]
    assert table["sd"].tolist() == [0.1, 0.2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dataset,checkpoint,top1\nflowers,a,9\n", "no column 'accuracy'"),
        ("dataset,checkpoint,accuracy\nflowers,a,90\nflowers,b,high\n", "line 3: accuracy 'high'"),
        ("dataset,checkpoint,accuracy\nflowers,a,90\nflowers,b,\n", "line 3: no accuracy; fill in"),
        ("dataset,checkpoint,accuracy\nflowers,a,90\nflowers,b,101\n", "line 3: accuracy '101' is not a percentage"),
        ("dataset,checkpoint,accuracy\nflowers,a,0.9\nflowers,b,0.8\n", "percent, not fractions"),
        ("dataset,checkpoint,accuracy\nflowers,a,90\nflowers,a,80\n", "two rows for 'a' on flowers"),
        ("dataset,checkpoint,accuracy\nflowers,a,90\n", "no row for 'b' on flowers"),
        ("dataset,checkpoint,accuracy\nbirds,a,90\n", "no rows for dataset 'flowers' .rows exist for: birds"),
        ("dataset,checkpoint,accuracy\n", "no rows for dataset 'flowers' .rows exist for: none"),
    ],
)
def test_a_bad_table_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as refusal:
        from_file(path, "flowers", ["a", "b"])
    assert "mine.csv" in str(refusal.value)
    assert "\n" not in str(refusal.value)
