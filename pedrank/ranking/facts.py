"""The answer of a ranking without ground truth: all that its sentences and its page are written from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pedrank.ranking import halves as drawn
from pedrank.ranking import ranking

if TYPE_CHECKING:
    import pandas as pd


def ranking_facts(
    table: pd.DataFrame,
    scores: pd.DataFrame,
    halves: pd.DataFrame,
    labels: np.ndarray,
    published: pd.DataFrame,
    metric: str,
    refinement: str,
) -> dict[str, Any]:
    """Collect what is known of a ranking.

    Args:
        table: Ranking from `pedrank.ranking.ranking.rank`.
        scores: Long table: checkpoint, metric, refinement, rank_score and, where a score is undefined, undefined.
        halves: Long table: checkpoint, half, images (of the dataset).
        labels: (N,) labels of the scored rows.
        published: The paper's Table 1.
        metric: Name of the metric that ranks.
        refinement: Refinement before ranking.

    Returns:
        metric, refinement, others (metrics in the study's order), images, rows (an image of several classes has a row
        for each), classes, class_sizes, small_classes (their number, and the size
        that they are below), halves (their number), images_of_a_half, checkpoints (rows of the table),
        agreement, recommendation, undefined, unmoved, chance, published (mean, least and largest tau_w).
    """
    agreement = ranking.agreement(table, scores, metric)
    of_a_half = len(drawn.halves(labels, number=1)[0])
    sizes = np.bincount(labels)
    enough = ranking.enough_images(sizes, of_a_half, int(table["features"].max()))
    known = ranking.published(published, metric, refinement)
    return {
        "metric": metric,
        "refinement": refinement,
        "others": list(agreement),
        "images": int(halves["images"].iloc[0]),
        "rows": len(labels),
        "classes": len(sizes),
        "class_sizes": sizes.tolist(),
        "small_classes": {"below": ranking.SMALL, "number": int(np.sum(sizes < ranking.SMALL))},
        "halves": int(halves["half"].nunique()),
        "images_of_a_half": of_a_half,
        "checkpoints": table.to_dict("records"),
        "agreement": agreement,
        "recommendation": ranking.recommendation(table, agreement, enough),
        "undefined": ranking.undefined_scores(scores, metric, refinement),
        "unmoved": ranking.unmoved(scores, metric, refinement),
        "chance": ranking.chance(len(table)),
        "published": dict(zip(("mean", "least", "largest"), known, strict=True)) if known else None,
    }
