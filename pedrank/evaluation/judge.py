"""The whole evaluation of anyone's scores: `judge` is what `pedrank evaluate` computes."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from pedrank.evaluation.complete_cases import complete_cases
from pedrank.evaluation.method_differences import method_differences
from pedrank.evaluation.names import BASE, STATIC_RANKER
from pedrank.evaluation.sub_hubs import FEWEST, sub_hubs
from pedrank.evaluation.summary import results_by_dataset, summarise, summary_of
from pedrank.utils.errors import InputError
from pedrank.utils.parallel import one_blas_thread


class Judgement(NamedTuple):
    """Tables of `judge`.

    Attributes:
        scores: The evaluated scores: dataset, checkpoint, metric, refinement, score, rank_score.
        ground_truth: The accuracies that they were compared with: dataset, checkpoint, accuracy, sd, seeds.
        summary: See `summary.summarise`.
        differences: Differences between methods, see `method_differences`.
        sub_hubs: Summaries of the sub-hubs one below the other, with a first column "sub_hub"; empty without them.
        notes: One sentence for each thing that was left out, or that limits the result.
    """

    scores: pd.DataFrame
    ground_truth: pd.DataFrame
    summary: pd.DataFrame
    differences: pd.DataFrame
    sub_hubs: pd.DataFrame
    notes: tuple[str, ...]


def judge(
    scores: pd.DataFrame, ground_truth: pd.DataFrame, about: pd.DataFrame | None = None, seed: int = 0
) -> Judgement:
    """Judge scores by accuracies, with the functions and the rules that studies use.

    Args:
        scores: Long table: dataset, checkpoint, metric, score (higher = better); optionally refinement ("none" by
            default) and rank_score, by which checkpoints are ranked instead of score.
        ground_truth: Long table: dataset, checkpoint, accuracy (percent) and, where they are known, sd (percentage
            points, over seeds) and seeds (their number).
        about: One row per checkpoint: checkpoint, family, parameters; for sub-hubs.
        seed: Seed of all draws.

    Returns:
        The tables. Cases that are not complete are left out, see `complete_cases`.

    Raises:
        InputError: A name is reserved, a value is given twice, or fewer than two checkpoints are complete.

    >>> checkpoints = ["byol", "moco", "simclr"]
    >>> scores = pd.DataFrame({"dataset": "pets", "checkpoint": checkpoints, "metric": "mine", "score": [3.0, 2, 1]})
    >>> truth = pd.DataFrame({"dataset": "pets", "checkpoint": checkpoints, "accuracy": [90.0, 80.0, 85.0]})
    >>> judge(scores, truth).summary[["metric", "tau_w", "regret_1"]].round(3).values.tolist()
    [['mine', 0.545, 0.0], ['random', 0.0, 5.0]]
    """
    scores = scores.assign(
        refinement=scores.get("refinement", BASE), rank_score=scores.get("rank_score", scores["score"])
    )
    scores, ground_truth, notes = complete_cases(scores, ground_truth.reindex(columns=_TRUTH))
    with one_blas_thread():
        found = results_by_dataset(scores, ground_truth, seed)
        summary = summary_of(found, ground_truth["checkpoint"].nunique())
        differences = method_differences(scores, ground_truth, found, seed)
        of_sub_hubs, said = _of_sub_hubs(scores, ground_truth, about, seed)
    return Judgement(
        scores[_SCORES],
        ground_truth,
        summary,
        differences,
        of_sub_hubs.reindex(columns=["sub_hub", *summary]),
        (*notes, *_reversed(summary), *said),
    )


def _reversed(summary: pd.DataFrame) -> list[str]:
    """Notes on metrics that rank worse than chance: lower scores may be better, as those of a loss or a distance."""
    last = summary[summary["dataset"] == summary["dataset"].iloc[-1]]  # the mean, or the only dataset
    worse = last[(last["ci_high"] < 0) & (last["refinement"] == BASE) & (last["metric"] != STATIC_RANKER)]
    return [
        f"'{metric}' ranks worse than chance (tau_w {tau:.2f}); if its lower scores are better, multiply them by -1."
        for metric, tau in zip(worse["metric"], worse["tau_w"], strict=True)
    ]


_SCORES = ["dataset", "checkpoint", "metric", "refinement", "score", "rank_score"]
_TRUTH = ["dataset", "checkpoint", "accuracy", "sd", "seeds"]


def _of_sub_hubs(
    scores: pd.DataFrame, ground_truth: pd.DataFrame, about: pd.DataFrame | None, seed: int
) -> tuple[pd.DataFrame, list[str]]:
    """Summaries of the sub-hubs, and notes."""
    if about is None:
        return pd.DataFrame(), []
    checkpoints = list(dict.fromkeys(ground_truth["checkpoint"]))
    known = about.set_index("checkpoint")
    if known.index.has_duplicates:
        raise InputError(f"about: two rows for '{known.index[known.index.duplicated()][0]}'; keep one")
    known = known.reindex(checkpoints).reset_index()
    notes = []
    for column in ("family", "parameters"):
        lacking = list(known["checkpoint"][known[column].isna()]) if column in known else checkpoints
        if lacking:
            notes.append(f"No {column} is known of {', '.join(lacking)}; sub-hubs that need it leave them out.")
    found = sub_hubs(known)
    if not found:
        notes.append(f"There is no sub-hub with at least {FEWEST} of the {len(checkpoints)} checkpoints.")
        return pd.DataFrame(), notes
    return pd.concat(
        summarise(
            scores[scores["checkpoint"].isin(chosen)], ground_truth[ground_truth["checkpoint"].isin(chosen)], seed
        ).assign(sub_hub=name)
        for name, chosen in found.items()
    ), notes
