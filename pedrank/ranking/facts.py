"""The answer of a ranking without ground truth: all that its sentences and its page are written from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pedrank.ranking import halves as drawn
from pedrank.ranking import ranking
from pedrank.ranking.combine import leading_metric, shipped_parameters, weight_beside
from pedrank.ranking.confidence import Confidence, confidence
from pedrank.ranking.twins import with_twins

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
    by: str = ranking.METRIC,
    same: Mapping[str, str] | None = None,
    items: str = "images",
) -> dict[str, Any]:
    """Collect what is known of a ranking.

    Args:
        table: Ranking from `pedrank.ranking.ranking.rank`.
        scores: Long table: checkpoint, metric, refinement, rank_score and, where a score is undefined, undefined.
        halves: Long table: checkpoint, half, images (of the dataset).
        labels: (N,) labels of the scored rows.
        published: The paper's Table 1.
        metric: Name of the metric that ranks, or whose scores on halves stand for the features.
        refinement: Refinement before ranking.
        by: "combination" or "metric".
        same: Checkpoints with equal features, from `pedrank.ranking.twins.twins`.
        items: What the rows of features are called: "images", or "samples" where features alone were given.

    Returns:
        items, by, metric, refinement, others (metrics besides `metric`, in the study's order), images (their number,
        whatever they are called), rows (an image of several classes has a row for each), classes, class_sizes,
        small_classes (their number, and the size that they are below), halves (their number), images_of_a_half,
        checkpoints (rows of the table, None where it has NaN), agreement, recommendation, confidence, weights, judged,
        first_by_combination, undefined, unmoved, chance, published (mean, least and largest tau_w).
    """
    agreement = ranking.agreement(table, scores, metric, by)
    of_a_half = len(drawn.halves(labels, number=1)[0])
    sizes = np.bincount(labels)
    enough = ranking.enough_images(sizes, of_a_half, int(table["features"].max()))
    known = ranking.published(published, metric, refinement)
    features = ranking.metric_table(scores, metric, table["checkpoint"])
    prior = table.set_index("checkpoint")["prior"]
    expected = confidence(features, prior, pick=table["checkpoint"].iloc[0])
    return {
        "items": items,
        "by": by,
        "metric": metric,
        "refinement": refinement,
        "others": [name for name in features if name != metric],
        "images": int(halves["images"].iloc[0]),
        "rows": len(labels),
        "classes": len(sizes),
        "class_sizes": sizes.tolist(),
        "small_classes": {"below": ranking.SMALL, "number": int(np.sum(sizes < ranking.SMALL))},
        "halves": int(halves["half"].nunique()),
        "images_of_a_half": of_a_half,
        "checkpoints": [
            {name: None if value != value else value for name, value in row.items()}
            for row in with_twins(table, same or {}).to_dict("records")
        ],
        "agreement": agreement,
        "recommendation": ranking.recommendation(table, agreement, enough, expected),
        "confidence": confidence_facts(expected, shipped_parameters()),
        "weights": weights(features, prior, shipped_parameters()),
        "judged": judged(prior, shipped_parameters()),
        "first_by_combination": table["checkpoint"][table["rank_combination"] == 1].tolist(),
        "undefined": ranking.undefined_scores(scores, metric, refinement),
        "unmoved": ranking.unmoved(scores, metric, refinement),
        "chance": ranking.chance(len(table)),
        "published": dict(zip(("mean", "least", "largest"), known, strict=True)) if known else None,
    }


def confidence_facts(expected: Confidence, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the expected result of fine-tuning the pick alone, and what that estimate rests on.

    Args:
        expected: From `pedrank.ranking.confidence.confidence`.
        parameters: Learned parameters, with their card.

    Returns:
        Fields of `Confidence`; unit ("points", because their number on a new dataset is known only from other
        datasets); spread_low and spread_high (90 % interval of the standard deviation of the checkpoints' accuracies,
        in points, from the evidence); answers, predicted and observed (answers of this basis on hubs left out, and
        P(within one point) that was predicted and came true; 0 and None for the basis "nothing"); calibrated.
    """
    points, card = parameters["points"], parameters["card"]
    low, high = (float(np.exp(points["log_mean"] + side * 1.645 * points["log_sd"])) for side in (-1, 1))
    known = card["reliability"].get(expected.basis, {})
    return {
        **expected._asdict(),
        "unit": "points",
        "spread_low": low,
        "spread_high": high,
        "answers": known.get("answers", 0),
        "predicted": known.get("predicted_within_one"),
        "observed": known.get("observed_within_one"),
        "calibrated": expected.basis in card["calibrated"],
    }


def weights(features: pd.DataFrame, prior: pd.Series, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return how much prior and features weigh in the combination.

    Args:
        features: n checkpoints by metrics.
        prior: (n,) NaN where unknown.
        parameters: Learned parameters.

    Returns:
        with_prior (number of checkpoints whose order the prior decides: 0 where all known priors are equal),
        without_prior (names), leader (metric that leads the others; None where no metric tells the checkpoints
        apart), features_beside_prior and others_beside_leader (weights; those of prior and leader are 1), hubs (with
        priors and scores, on which features_beside_prior rests).
    """
    slopes = parameters["slopes"]
    decides = int(prior.notna().sum()) if prior.nunique() > 1 else 0
    return {
        "with_prior": decides,
        "without_prior": prior.index[prior.isna()].tolist(),
        "leader": leading_metric(features, parameters),
        "features_beside_prior": weight_beside(slopes["prior+features"]),
        "others_beside_leader": weight_beside(slopes["lead+rest"]),
        "hubs": slopes["prior+features"]["hubs"],
    }


def judged(prior: pd.Series, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the tau_w of the combination on hubs left out, with as much of a prior as is known here.

    Args:
        prior: (n,) NaN where unknown.
        parameters: Learned parameters, with their card.

    Returns:
        Rows with hub, prior ("none", "static", "ImageNet", or one of these with " half hidden") and tau_w.
    """
    rows = parameters["card"]["left_out"]
    if prior.nunique() < 2:
        return [row for row in rows if row["prior"] == "none"]
    hidden = bool(prior.isna().any())
    return [row for row in rows if row["prior"] != "none" and row["prior"].endswith("half hidden") == hidden]
