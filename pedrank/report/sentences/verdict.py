"""The answer of a study: which checkpoint to fine-tune on each dataset, and how certain that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pedrank.evaluation.names import BASE, MEAN, ORACLE, PRIOR, RANDOM, STATIC_RANKER
from pedrank.report import text


def verdicts(summary: pd.DataFrame, scores: pd.DataFrame, ground_truth: pd.DataFrame) -> pd.DataFrame:
    """Choose a method and its pick for each dataset, and measure how good the pick is.

    The method is the one with the highest mean tau_w on the *other* datasets, so that the dataset's own accuracies do
    not influence the choice; its expected regret is its mean regret there. The static ranker and the prior do not
    compete: on the other datasets they have used this dataset's accuracies. With a single dataset, the method is chosen
    in hindsight.

    Args:
        summary: Long table of `pedrank.evaluation.summary.summarise`.
        scores: Long table: dataset, checkpoint, metric, refinement, rank_score.
        ground_truth: Long table: dataset, checkpoint, accuracy (percent).

    Returns:
        One row per dataset, with the columns
        dataset, metric, refinement, hindsight, picks (joined by "or" where they tie), accuracy (mean over them),
        best, best_accuracy, regret, expected_regret (empty in hindsight), tau_w, ci_low, ci_high, p_value,
        static_regret (of the static ranker; empty for one dataset).
    """
    datasets = [name for name in dict.fromkeys(summary["dataset"]) if name != MEAN]
    competes = ~summary["metric"].isin([STATIC_RANKER, PRIOR, RANDOM]) & (summary["refinement"] != ORACLE)
    cells = summary[summary["dataset"] != MEAN].set_index(["metric", "refinement", "dataset"])
    rows = []
    for dataset in datasets:
        others = [name for name in datasets if name != dataset]
        elsewhere = summary[competes & summary["dataset"].isin(others or [dataset])]
        means = elsewhere.groupby(["metric", "refinement"], sort=False)[["tau_w", "regret_1"]].mean()
        metric, refinement = means["tau_w"].fillna(-2).idxmax()
        cell = cells.loc[metric, refinement, dataset]
        scored = cell["chosen"] if isinstance(cell["chosen"], str) else refinement
        table = scores[(scores["dataset"] == dataset) & (scores["metric"] == metric) & (scores["refinement"] == scored)]
        first = table["checkpoint"][table["rank_score"] == table["rank_score"].max()]
        truth = ground_truth[ground_truth["dataset"] == dataset].set_index("checkpoint")["accuracy"]
        static = cells["regret_1"].get((STATIC_RANKER, BASE, dataset), float("nan"))
        rows.append(
            {
                **{"dataset": dataset, "metric": metric, "refinement": refinement, "hindsight": not others},
                **{"picks": " or ".join(first), "accuracy": truth[first].mean()},
                **{"best": truth.idxmax(), "best_accuracy": truth.max(), "regret": cell["regret_1"]},
                "expected_regret": means.loc[(metric, refinement), "regret_1"] if others else float("nan"),
                **{name: cell[name] for name in ("tau_w", "ci_low", "ci_high", "p_value")},
                "static_regret": static,
            }
        )
    return pd.DataFrame(rows)


def headline(row: pd.Series | Mapping[str, Any]) -> str:
    """Give the answer for one dataset in one clause.

    >>> headline({"dataset": "mnist", "picks": "byol-tiny"})
    'For mnist, fine-tune byol-tiny'
    """
    return f"For {row['dataset']}, fine-tune {row['picks']}"


def sentence(row: pd.Series, known: str = "measured") -> str:
    """Say why a checkpoint is picked, how accurate it is, and how certain that is.

    Args:
        row: One row of `verdicts`.
        known: Origin of the accuracies: "measured", "published" or "given".

    Returns:
        Plain text.
    """
    number = row["picks"].count(" or ") + 1
    method, _, choice = text.method(row["metric"], row["refinement"]).partition(", ")
    named = f"{method} ({choice})" if choice else method
    parts = [f"{named} ranks {'it' if number == 1 else 'them'} first."]
    if row["hindsight"]:
        parts.append(f"This method has the highest {text.TAU}_w on this dataset, so it is chosen in hindsight.")
    else:
        parts.append(
            f"This method has the highest mean {text.TAU}_w on the other datasets; its mean regret there is "
            f"{text.points(row['expected_regret'])} points."
        )
    found = f"{known.capitalize()} accuracy"
    if number > 1:
        found = f"{known.capitalize()} mean accuracy of the {'two' if number == 2 else number}"
    found += f": {text.accuracy(row['accuracy'])} %"
    if row["regret"] < 0.005:
        parts.append(f"{found}, the best of all checkpoints.")
    else:
        best = f"{row['best']}, {text.accuracy(row['best_accuracy'])} %"
        parts.append(f"{found}, {text.points(row['regret'])} points below the best ({best}).")
    parts.append(
        f"On {row['dataset']}, the method's {text.TAU}_w is {text.tau(row['tau_w'])} (95 % interval "
        f"{text.interval(row['ci_low'], row['ci_high'])}, {text.p(row['p_value'])}, not corrected for "
        "multiple tests)."
    )
    if not row["p_value"] < 0.05:
        parts.append("This ranking is not significantly better than a random one.")
    elif row["ci_low"] <= 0:
        parts.append("The evidence is weak, since the interval contains 0.")
    if row["static_regret"] + 0.005 < row["regret"]:
        parts.append(
            "The static ranker, which ranks by mean accuracy on the other datasets and uses no features, has a regret "
            f"of {text.points(row['static_regret'])} points."
        )
    return " ".join(parts)
