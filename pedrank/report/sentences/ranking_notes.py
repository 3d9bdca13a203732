"""Notes beside a ranking without ground truth: what a reader must know of the images, the metrics and PED."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pedrank.report import text
from pedrank.report.sentences.cost_words import non_commercial

UNEQUAL = 20  # largest class over smallest
NOISY = 10  # images per class, on average


def ranking_notes(found: Mapping[str, Any]) -> list[str]:
    """List what makes a ranking less certain than its numbers look.

    Args:
        found: The JSON file of scripts/ranking.py: metric, refinement, images, classes, images_of_a_half, class_sizes,
            small_classes, checkpoints, agreement, undefined, unmoved, by.

    Returns:
        Sentences in plain text.
    """
    parts = (_priors, same_features, _wide, _classes, _undefined, _ped, ties, different_widths, non_commercial)
    return [note for part in parts for note in part(found)]


def _priors(found: Mapping[str, Any]) -> list[str]:
    """Checkpoints of which no accuracy is known."""
    rows = [row for row in found["checkpoints"] if row["same_as"] is None]
    missing = [row["checkpoint"] for row in rows if row["prior"] is None]
    if not missing or found["by"] != "combination":
        return []
    whose = f"any of the {len(rows)} checkpoints" if len(missing) == len(rows) else text.listed(missing)
    return [
        f"No prior (published accuracy on ImageNet or on other datasets) is known for {whose}. "
        "docs/combine.md tells how to give one."
    ]


def same_features(found: Mapping[str, Any]) -> list[str]:
    """Checkpoints with equal features."""
    return [
        f"{row['checkpoint']} has the same features as {row['same_as']}, so it gets the same rank and counts once."
        for row in found["checkpoints"]
        if row["same_as"] is not None
    ]


def _wide(found: Mapping[str, Any]) -> list[str]:
    """Checkpoints with more features than images, in all or in a half."""
    images, half, items = found["images"], found["images_of_a_half"], found["items"]
    rows = found["checkpoints"]
    wide = [_with_features(row) for row in rows if row["features"] > images]
    halved = [_with_features(row) for row in rows if images >= row["features"] > half]
    said = []
    if wide:
        said.append(f"there are fewer {items} ({images:,}) than features for {text.listed(wide)}")
    if halved:
        said.append(f"a half has fewer {items} ({half:,}) than features for {text.listed(halved)}")
    if not said:
        return []
    reason = "A metric can then fit noise, so the answer is not called sure."
    return [f"{_capital(' and '.join(said))}. {reason}"]


def _with_features(row: Mapping[str, Any]) -> str:
    return f"{row['checkpoint']} ({row['features']:,})"


def _classes(found: Mapping[str, Any]) -> list[str]:
    """Few images, small classes, unequal classes."""
    sizes, classes = found["class_sizes"], found["classes"]
    smallest, largest = min(sizes), max(sizes)
    below, few, items = found["small_classes"]["below"], found["small_classes"]["number"], found["items"]
    said = []
    if found["images"] < NOISY * classes:
        said.append(f"{found['images']:,} {items} for {classes:,} classes are few, so scores are noisy.")
    if few:
        of = f"{few:,} of {classes:,} classes {'has' if few == 1 else 'have'} fewer than {below} {items}"
        said.append(f"{of} (the smallest has {smallest}), so the scores of these classes are mostly chance.")
    if largest >= UNEQUAL * smallest:
        said.append(
            f"Classes are unequal: the largest has {largest:,} {items} and the smallest {smallest:,}. Some metrics "
            f"weight all {items} alike, others all classes, so they may disagree."
        )
    return said


def _undefined(found: Mapping[str, Any]) -> list[str]:
    """Metrics and checkpoints that drop out."""
    said = []
    for each in found["undefined"]:
        name, of, reason = text.metric(each["metric"]), text.listed(each["checkpoints"]), each["reason"]
        if each["metric"] == found["metric"]:
            said.append(f"Not ranked, because {name} is undefined: {of} ({reason}).")
        else:
            said.append(f"{name} is left out, because it is undefined for {of} ({reason}).")
    return said


def _ped(found: Mapping[str, Any]) -> list[str]:
    names = found["unmoved"]
    if not names:
        return []
    mover, whose = text.refinement(found["refinement"]).removeprefix("+"), "its" if len(names) == 1 else "their"
    return [f"{mover}, changes nothing for {text.listed(names)}: {whose} scores are those of the raw features."]


def ties(found: Mapping[str, Any]) -> list[str]:
    """Checkpoints that tie, and metrics that reverse the order."""
    rows = [row for row in found["checkpoints"] if row["same_as"] is None]
    ranks = [row["rank"] for row in rows]
    tied = [row["checkpoint"] for row in rows if ranks.count(row["rank"]) > 1]
    said = [f"The scores of {text.listed(tied)} tie; their order is undecided."] if tied else []
    negative = [text.metric(metric) for metric, tau in found["agreement"].items() if tau is not None and tau < 0]
    if negative:
        combined = found["by"] == "combination"
        method = "the ranking" if combined else f"the order by {text.method(found['metric'], found['refinement'])}"
        said.append(f"The order by {text.listed(negative)} tends to be the reverse of {method} ({text.TAU}_w below 0).")
    return said


def different_widths(found: Mapping[str, Any]) -> list[str]:
    """Checkpoints with different numbers of features."""
    if len({row["features"] for row in found["checkpoints"]}) == 1:
        return []
    return ["Checkpoints have different numbers of features, and some metrics favour many features."]


def _capital(said: str) -> str:
    return said[0].upper() + said[1:]
