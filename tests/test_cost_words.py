"""Costs and licences in the answer: the terminal, the report's table, and the sentence beside the pick."""

import numpy as np
import pandas as pd
import pytest

from pedrank.cli import answer
from pedrank.report.figures.front import cost_axis, draw_front, pareto_front
from pedrank.report.sentences.cost_words import known_costs, licences_of_picks, non_commercial
from pedrank.report.sentences.ranking_sentences import ranking_sentences
from pedrank.report.tables.ranking_table import ranking_table

NO_COSTS = {"params_millions": None, "gmacs": None, "images_per_second": None, "licence": None}
BYOL = {"params_millions": 25.56, "gmacs": 4.11, "images_per_second": 6459.19, "licence": "CC-BY-NC-4.0"}


def found(*costs, picks=("a",)):
    common = {"prior": None, "prior_from": "", "score": 1.0, "rank_combination": 1, "first": 0.5, "rank_low": 1}
    common |= {"rank_high": 2, "features": 80, "seconds": 0.1, "same_as": None}
    rows = [
        {"rank": place + 1, "checkpoint": "abc"[place], "rank_logme": place + 1} | common | cost
        for place, cost in enumerate(costs)
    ]
    facts = {"by": "combination", "metric": "logme", "refinement": "none", "others": [], "dataset": "photos"}
    facts |= {
        "items": "images",
        "images": 9,
        "rows": 9,
        "classes": 3,
        "halves": 20,
        "sentences": [],
        "notes": [],
        "report": "r.html",
    }
    return facts | {"checkpoints": rows, "seconds": 1.0, "recommendation": {"picks": list(picks)}}


def test_costs_are_a_second_table_on_the_terminal():
    lines = answer.text(found(BYOL, NO_COSTS | {"licence": "MIT"})).split("\n")
    head = next(line for line in lines if "GMACs" in line)
    assert head.split() == ["checkpoint", "M", "parameters", "GMACs", "images/s", "licence"]
    after = lines[lines.index(head) + 1 :]
    assert after[0].split() == ["a", "25.6", "4.11", "6,459", "CC-BY-NC-4.0"]
    assert after[1].split() == ["b", *["\N{EN DASH}"] * 3, "MIT"]
    assert "RTX PRO 6000" in after[2] and "not measured here" in after[2]


@pytest.mark.parametrize("licence", [None, "MIT"])
def test_the_terminal_shows_no_table_without_numbers(licence):
    cost = NO_COSTS | {"licence": licence}
    assert "licence" not in answer.text(found(cost, cost))


def test_the_reports_table_has_the_known_columns_only():
    facts = found(BYOL | {"gmacs": None}, NO_COSTS)
    numbers = pd.DataFrame(facts["checkpoints"])
    numbers["prior"] = numbers["prior"].astype(float)
    table = ranking_table(facts, numbers)
    assert [name for name, _ in table.head][-3:] == ["M parameters", "Images/s", "Licence"]
    assert [cell.text for cell in table.rows[1].cells][-3:] == ["\N{EN DASH}", "\N{EN DASH}", "not stated"]
    assert known_costs([NO_COSTS]) == []


@pytest.mark.parametrize(
    "licence, said",
    [
        ("CC-BY-NC-4.0", "The licence of a, CC-BY-NC-4.0, does not allow commercial use."),
        ("fastvit-license", "a has a licence with special terms, fastvit-license: read it before you use the weights."),
        ("MIT", ""),
        (None, ""),
    ],
)
def test_the_licence_is_beside_the_pick(licence, said):
    assert licences_of_picks(found(NO_COSTS | {"licence": licence}, BYOL)) == said


def test_the_sentence_follows_the_pick(monkeypatch):
    for part in ("how_sure", "rests_on", "worth"):
        monkeypatch.setattr(f"pedrank.report.sentences.ranking_sentences.{part}", lambda found: "")
    assert ranking_sentences(found(BYOL, NO_COSTS))[0].startswith("Fine-tune a. The licence of a, CC-BY-NC-4.0,")
    assert ranking_sentences(found(NO_COSTS, BYOL))[0] == "Fine-tune a."


def test_a_note_lists_all_that_are_not_for_commercial_use():
    assert non_commercial(found(NO_COSTS, BYOL, BYOL)) == [
        "The licence does not allow commercial use of b (CC-BY-NC-4.0) and c (CC-BY-NC-4.0)."
    ]
    assert non_commercial(found(NO_COSTS, NO_COSTS)) == []


def test_the_pareto_front():
    """Against the definition, pair by pair."""
    random = np.random.default_rng(0)
    x, y = (pd.Series(random.integers(0, 6, 40)) for _ in range(2))
    expected = [
        not any(x[j] >= x[i] and y[j] >= y[i] and (x[j], y[j]) != (x[i], y[i]) for j in range(40)) for i in range(40)
    ]
    assert pareto_front(x, y).tolist() == expected and 0 < sum(expected) < 40


def test_the_figure_marks_the_front():
    slow_but_good, fast, beaten = (NO_COSTS | {"images_per_second": speed} for speed in (100.0, 900.0, 90.0))
    rows = found(slow_but_good, fast, beaten)["checkpoints"]
    for row, value in zip(rows, (1.0, 0.5, 0.2), strict=True):
        row["combined"] = value
    axes = draw_front(rows).axes[0]
    lines = {line.get_label(): line.get_xdata().tolist() for line in axes.get_lines()}
    assert lines == {"Pareto front": [100, 900], "other checkpoints": [90], "on the front": [100, 900]}
    assert {note.get_text() for note in axes.texts} == {"a", "b"}
    assert "images per second" in axes.get_xlabel() and not axes.xaxis_inverted()


def test_the_figure_takes_the_cost_that_most_checkpoints_have():
    rows = found(NO_COSTS | {"params_millions": 5.0}, BYOL)["checkpoints"]
    for row in rows:
        row["combined"] = 0.0
    axes = draw_front(rows).axes[0]
    assert cost_axis(rows) == "params_millions" and axes.xaxis_inverted()
