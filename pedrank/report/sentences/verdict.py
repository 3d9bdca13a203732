"""The answer in plain words: which checkpoint to fine-tune on each dataset, and how sure one can be of it."""

from __future__ import annotations

import pandas as pd

from pedrank.evaluation.names import BASE, MEAN, ORACLE, RANDOM, STATIC_RANKER
from pedrank.report import text


def verdicts(summary: pd.DataFrame, scores: pd.DataFrame, ground_truth: pd.DataFrame) -> pd.DataFrame:
    """One row per dataset: the method that is trusted, what it picks, and what that is worth.

    The method is the one of the highest mean tau_w on the *other* datasets, so that the dataset's own accuracies have
    no say in it; its expected regret is its mean regret there. The static ranker is left out, since its ranking of the
    others has seen this one's accuracies. With a single dataset nothing but hindsight is left.

    Returns:
        dataset, metric, refinement, hindsight, picks (joined by "or" where they tie), accuracy (mean over them),
        best, best_accuracy, regret, expected_regret (empty in hindsight), tau_w, ci_low, ci_high, p_value,
        static_regret (of the static ranker; empty for one dataset).
    """
    datasets = [name for name in dict.fromkeys(summary["dataset"]) if name != MEAN]
    competes = ~summary["metric"].isin([STATIC_RANKER, RANDOM]) & (summary["refinement"] != ORACLE)
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


def headline(row: pd.Series) -> str:
    """The answer in one clause."""
    return f"For {row['dataset']}, the scores say: fine-tune {row['picks']}"


def sentence(row: pd.Series, known: str = "measured") -> str:
    """Why, what it is worth, and how sure one can be; `known` says how the accuracies came about."""
    why = "best here, in hindsight" if row["hindsight"] else "best on the other datasets"
    parts = [f"ranked first by {text.method(row['metric'], row['refinement'])}, the method that ranks {why}"]
    if not row["hindsight"]:
        parts.append(f"expected regret {text.points(row['expected_regret'])} points (its mean there)")
    found = f"{known}: {text.accuracy(row['accuracy'])}%"
    if row["regret"] < 0.005:
        found += ", the best of all"
    else:
        best = f"{row['best']}, {text.accuracy(row['best_accuracy'])}%"
        found += f", {text.points(row['regret'])} points below the best ({best})"
    parts.append(found)
    parts.append(
        f"{text.TAU}_w {text.tau(row['tau_w'])}, 95% interval {text.interval(row['ci_low'], row['ci_high'])}, "
        f"{text.p(row['p_value'])}"
    )
    said = "; ".join(parts) + "."
    if not row["p_value"] < 0.05:
        said += " Such a ranking cannot be told from chance."
    if row["static_regret"] + 0.005 < row["regret"]:
        said += (
            f" The static ranker, which reads no features, would have lost {text.points(row['static_regret'])} points."
        )
    return said
