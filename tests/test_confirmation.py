"""A ranking confirmed or corrected by fine-tuning its first checkpoints."""

import pandas as pd
import pytest

from pedrank.ranking.confirm import confirm
from pedrank.report.sentences.confirmation_sentences import confirmation_sentences
from pedrank.report.tables.confirmation_table import confirmation_table

RANKING = {
    "dataset": "photos",
    "classes": 4,
    "checkpoints": [{"checkpoint": name, "rank": place + 1} for place, name in enumerate("abcd")],
}


def _confirm(a: float, b: float, sd: float | None = 0.5, seeds: int = 4) -> dict:
    rows = [(name, accuracy, float("nan") if sd is None else sd, seeds) for name, accuracy in (("a", a), ("b", b))]
    truth = pd.DataFrame(rows, columns=["checkpoint", "accuracy", "sd", "seeds"])
    return confirm(RANKING, truth, {"a": [3600.0] * 5, "b": [1800.0] * 5}) | {"dataset": "photos"}


@pytest.mark.parametrize(
    "a, b, sd, verdict, said",
    [
        (90.0, 80.0, 0.5, "confirmed", "Confirmed: a, which is ranked first, is the most accurate of the 2"),
        (
            90.0,
            80.0,
            0.5,
            "confirmed",
            "It leads b by 10.00 points, more than two standard errors over seeds (0.71 points)",
        ),
        (80.2, 80.0, 0.5, "confirmed", "is within two standard errors over seeds (0.71 points), so the order may be"),
        (90.0, 80.0, None, "confirmed", "It leads b by 10.00 points. With one seed, this difference may be chance."),
        # Equal accuracies are no confirmation: neither checkpoint is better.
        (80.0, 80.0, 0.5, "tied", "Open: a, which is ranked first, and b are equally accurate (80.0 ± 0.5%)."),
        (100.0, 100.0, 0.0, "tied", "Both checkpoints are good choices"),
        (
            80.0,
            90.0,
            0.5,
            "corrected",
            "Corrected: b (90.0 ± 0.5%) is 10.00 points more accurate than a, which is ranked first. Fine-tune b.",
        ),
        (80.0, 80.6, 0.5, "open", "standard errors over seeds (0.71 points). Both checkpoints are good choices."),
        (80.0, 80.8, 0.5, "corrected", "Corrected: b"),
        (30.0, 32.4, 0.1, "untrained", "hardly better than chance (25.0%). Fine-tune for more steps"),
        (30.0, 32.6, 0.1, "corrected", "Corrected: b"),
        (80.0, 90.0, None, "open", "With one seed, this difference may be chance"),
    ],
)
def test_verdicts(a, b, sd, verdict, said):
    found = _confirm(a, b, sd, 4 if sd else 1)
    assert found["verdict"] == verdict
    assert said in confirmation_sentences(found)[0]
    assert "nan" not in " ".join(confirmation_sentences(found))


def test_the_saving_is_that_of_the_checkpoints_left_out():
    found = _confirm(90.0, 80.0)
    assert (found["runs"], found["all_runs"], found["saved"]) == (10, 20, 0.5)
    assert found["hours"] == 7.5 and found["all_hours"] == 15
    assert (
        "10 runs took 7.5 h of training. Fine-tuning all checkpoints would take 20 runs and an estimated 15.0 h"
        in confirmation_sentences(found)[1]
    )


def test_the_table_has_the_most_accurate_first_and_its_rank_by_the_scores():
    table = confirmation_table(_confirm(80.0, 90.0))
    assert [row.label for row in table.rows] == ["b", "a"]
    assert [[cell.text for cell in row.cells[1:]] for row in table.rows] == [["4", "2"], ["4", "1"]]
