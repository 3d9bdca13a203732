"""Ground truth: three sources, one table."""

import pandas as pd
import pytest

from pedrank.errors import InputError
from pedrank.ground_truth import COLUMNS, PUBLISHED, from_file, from_runs, published


def runs(*accuracies: float) -> pd.DataFrame:
    """Two grid points on validation, then these accuracies on test, one per seed."""
    grid = [("validation", 0.1, 0.0, 0, 99.0), ("validation", 0.01, 0.0, 0, 98.0)]
    tests = [("test", 0.1, 0.0, seed, accuracy) for seed, accuracy in enumerate(accuracies)]
    table = pd.DataFrame(grid + tests, columns=["stage", "learning_rate", "weight_decay", "seed", "accuracy"])
    return table.assign(diverged=False)


def test_mean_and_sample_deviation_of_the_test_runs():
    table = from_runs({"byol": runs(80.0, 84.0), "simclr": runs(70.0, 70.0, 76.0)})
    assert list(table.columns) == COLUMNS
    assert table["checkpoint"].tolist() == ["byol", "simclr"]
    assert table["accuracy"].tolist() == [82.0, 72.0]
    assert table["sd"].tolist() == pytest.approx([8**0.5, 12**0.5])
    assert table["seeds"].tolist() == [2, 3]
    assert table["lr"].tolist() == [0.1, 0.1]


def test_one_seed_has_no_deviation():
    assert from_runs({"byol": runs(80.0)})["sd"].isna().all()


def test_a_checkpoint_without_test_runs_is_refused():
    with pytest.raises(InputError, match="byol: no test run"):
        from_runs({"byol": runs()})


def test_published_accuracies_are_the_printed_ones():
    table = published("aircraft", "full", ["swav", "byol"])
    assert table["checkpoint"].tolist() == ["swav", "byol"]
    assert table["accuracy"].tolist() == [83.04, 82.1]
    assert table[["sd", "seeds", "lr", "weight_decay"]].isna().all(axis=None)


def test_every_published_cell_is_there_once_but_the_leaked_split():
    table = pd.read_csv(PUBLISHED)
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
        ("sun397", "last_block", ["byol"], "nothing on dataset 'sun397'"),
        ("aircraft", "full", ["byol", "vicreg"], "no row for 'vicreg' on aircraft"),
    ],
)
def test_what_was_not_published_is_refused(dataset, regime, checkpoints, message):
    with pytest.raises(InputError, match=message):
        published(dataset, regime, checkpoints)


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
        ("dataset,checkpoint,accuracy\nflowers,a,90\nflowers,b,\n", "line 3: accuracy 'nan'"),
        ("dataset,checkpoint,accuracy\nflowers,a,90\nflowers,b,101\n", "line 3: accuracy '101' is not a percentage"),
        ("dataset,checkpoint,accuracy\nflowers,a,0.9\nflowers,b,0.8\n", "percent, not fractions"),
        ("dataset,checkpoint,accuracy\nflowers,a,90\nflowers,a,80\n", "two rows for 'a' on flowers"),
        ("dataset,checkpoint,accuracy\nflowers,a,90\n", "no row for 'b' on flowers"),
        ("dataset,checkpoint,accuracy\nbirds,a,90\n", r"nothing on dataset 'flowers' \(there is birds\)"),
        ("dataset,checkpoint,accuracy\n", "nothing on dataset 'flowers'"),
    ],
)
def test_a_bad_table_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as refusal:
        from_file(path, "flowers", ["a", "b"])
    assert "mine.csv" in str(refusal.value)
    assert "\n" not in str(refusal.value)
