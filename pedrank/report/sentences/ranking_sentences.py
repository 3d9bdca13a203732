"""Sentences about a ranking without ground truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pedrank.report import text
from pedrank.report.sentences.cost_words import licences_of_picks

_SURE = {"sure": "Sure", "likely": "Likely, but not certain", "open": "Open"}
_DOUBTS = {  # reasons against "sure"
    "tie": "several checkpoints share the first rank",
    "chance": "the probability is below 90 %",
    "calibration": "such probabilities are not confirmed on enough other hubs",
    "halves": "another checkpoint ranks first on some halves of the {items}",
    "images": "there are too few {items}",
    "metrics": "fewer than half of the metrics rank it first",
}
_BASIS = {"prior": "a prior alone", "features": "features alone", "both": "prior and features"}


def headline(found: Mapping[str, Any]) -> str:
    """Give the recommendation in one clause.

    >>> headline({"recommendation": {"picks": ["byol-tiny", "moco-tiny"]}})
    'Fine-tune byol-tiny or moco-tiny'
    """
    return f"Fine-tune {' or '.join(found['recommendation']['picks'])}"


def ranking_sentences(found: Mapping[str, Any]) -> list[str]:
    """Write the answer: recommendation and its licence, how sure it is, what it rests on, and how far to trust it.

    Args:
        found: The JSON file of scripts/ranking.py, without its notes and sentences.

    Returns:
        Four entries in plain text.
    """
    return [f"{headline(found)}. {licences_of_picks(found)}".strip(), how_sure(found), rests_on(found), worth(found)]


def how_sure(found: Mapping[str, Any]) -> str:
    """Say how certain the first rank is: expected loss, random halves of the images, and other metrics.

    Args:
        found: The JSON file of scripts/ranking.py: by, metric, refinement, halves, recommendation, confidence.

    Returns:
        Plain text.
    """
    advice, expected = found["recommendation"], found["confidence"]
    pick = advice["picks"][0]
    said = [
        f"{_SURE[advice['sure']]}: {pick} is expected to be {text.points(expected['regret'])} points less accurate "
        f"than the best of these checkpoints (90 % interval: {text.points(expected['low'])} to "
        f"{text.points(expected['high'])}), and within one point of it with a probability of "
        f"{text.points(expected['within_one'])}"
    ]
    doubts = [_DOUBTS[doubt].format(items=found["items"]) for doubt in advice["doubts"]]
    if doubts:
        said.append(f"It is not called sure, because {text.listed(doubts)}")
    return f"{'. '.join(said)}. {how_stable(found, _method(found))}"


def how_stable(found: Mapping[str, Any], method: str) -> str:
    """Say how stable the first rank is: on random halves of the images, and by other metrics.

    Args:
        found: The JSON file of scripts/ranking.py: metric, halves, items, recommendation.
        method: What checkpoints are ranked by.

    Returns:
        Plain text.
    """
    advice = found["recommendation"]
    times = round(advice["first"] * found["halves"])
    on_halves = f"{times} of {found['halves']} random halves of the {found['items']}"
    said = [f"{_capital(method)} ranks it first on {on_halves}"]
    number = len(advice["agree"]) + len(advice["tie"]) + len(advice["disagree"])
    if number:
        agree, tie = (list(map(text.metric, advice[key])) for key in ("agree", "tie"))
        other = "" if set(advice["agree"] + advice["tie"] + advice["disagree"]) >= {found["metric"]} else "other "
        said.append(_others(agree, tie, number, other))
        if advice["mean_tau_w"] is not None:
            tau = f"mean {text.TAU}_w with their rankings" if number > 1 else f"{text.TAU}_w with its ranking"
            said.append(f"The {tau} is {text.points(advice['mean_tau_w'])}")
    return f"{'. '.join(said)}. The second choice is {advice['runner_up']}."


def _others(agree: list[str], tie: list[str], number: int, other: str) -> str:
    """How many of the other metrics rank the same checkpoint first, and which."""
    if not agree:
        said = f"No {other}metric ranks it first" if number > 1 else f"The {other}metric does not rank it first"
        said += " alone" if tie else ""
    elif number == 1:
        said = f"The {other}metric, {agree[0]}, ranks it first too"
    else:
        verb = "ranks" if len(agree) == 1 else "rank"
        said = f"{len(agree)} of {number} {other}metrics {verb} it first ({', '.join(agree)})"
    if tie:
        said += f". {text.listed(tie)} {'ranks' if len(tie) == 1 else 'rank'} it first together with others"
    return said


def rests_on(found: Mapping[str, Any]) -> str:
    """Say what decides the order, how much prior and features weigh, and what the probability rests on.

    Args:
        found: The JSON file of scripts/ranking.py: by, metric, refinement, checkpoints, confidence, weights,
            first_by_combination, recommendation.

    Returns:
        Plain text.
    """
    expected = found["confidence"]
    said = [_by_combination(found) if found["by"] == "combination" else _by_metric(found)]
    if expected["answers"]:
        verdict = "" if expected["calibrated"] else ", which is too little evidence to call an answer sure"
        said.append(
            f"The probability rests on {_BASIS[expected['basis']]}. It was tried on {expected['answers']} answers "
            "about checkpoints and datasets that it was not fitted on: "
            f"{text.share(expected['observed'])} of the picks were within one point, and "
            f"{text.share(expected['predicted'])} were predicted{verdict}."
        )
    said.append(
        "The unit is points of accuracy. Nothing was fine-tuned here, so how much the accuracies of these checkpoints "
        "differ is taken from that evidence, as a standard deviation of "
        f"{text.points(expected['spread_low'])} to {text.points(expected['spread_high'])} points."
    )
    return " ".join(said)


def _by_metric(found: Mapping[str, Any]) -> str:
    """The order by one metric, and the first checkpoint by prior and features together."""
    first, picks = found["first_by_combination"], found["recommendation"]["picks"]
    other = f"{' and '.join(first)} would be first" if set(first) != set(picks) else "the first rank is the same"
    return f"The order is that of {_method(found)}, as requested. By prior and features together, {other}."


def _by_combination(found: Mapping[str, Any]) -> str:
    """What prior and features decide."""
    weights, number = found["weights"], sum(row["same_as"] is None for row in found["checkpoints"])
    known, silent, beside = weights["with_prior"], weights["without_prior"], weights["features_beside_prior"]
    features = f"features weigh {text.points(beside)} beside its 1"
    if not beside:
        features = (
            "features have weight 0 beside it and decide ties only, since evidence from "
            f"{weights['hubs']} hubs cannot show that they add to a prior"
        )
    if not known:
        why = "No prior is known" if len(silent) == number else "The known priors do not differ"
        said = f"{why}, so features alone decide"
    elif known == number:
        said = f"The prior (weight 1) decides the order: it is known for all {number} checkpoints; {features}"
    else:
        said = (
            f"The prior (weight 1) decides the order of {known} of {number} checkpoints; {features}. "
            f"Features alone place {text.listed(silent)}"
        )
    return f"{said}. {_of_features(found)}."


def _of_features(found: Mapping[str, Any]) -> str:
    weights = found["weights"]
    if weights["leader"] is None:
        return "No metric tells the checkpoints apart"
    said = f"Among the metrics, {text.metric(weights['leader'])} leads (weight 1)"
    beside = weights["others_beside_leader"]
    if not found["others"]:
        return said
    return (
        f"{said}, and the others {f'weigh {text.points(beside)} together' if beside else 'decide its ties (weight 0)'}"
    )


def _method(found: Mapping[str, Any]) -> str:
    """What checkpoints are ranked by."""
    if found["by"] == "combination":
        return "the combination of prior and features" if found["weights"]["with_prior"] else "the combination"
    return text.method(found["metric"], found["refinement"])


def _capital(said: str) -> str:
    return said[0].upper() + said[1:]


def worth(found: Mapping[str, Any]) -> str:
    """Say how far to trust a ranking: how well such rankings agreed with accuracies, and how well chance does.

    Args:
        found: The JSON file of scripts/ranking.py: by, metric, refinement, checkpoints, published, judged, chance.

    Returns:
        Plain text.
    """
    elsewhere = _judged(found) if found["by"] == "combination" else _published(found)
    return (
        "A stable ranking can still be wrong: scores are computed without knowing the accuracies after fine-tuning. "
        f"{elsewhere}. {random_rankings(found)}"
    )


def random_rankings(found: Mapping[str, Any]) -> str:
    """Say how well random rankings do, and what would be better.

    Args:
        found: The JSON file of scripts/ranking.py: checkpoints, chance.

    Returns:
        Plain text.
    """
    number = sum(row["same_as"] is None for row in found["checkpoints"])
    return (
        f"With {number} checkpoints, 5 % of random rankings reach a {text.TAU}_w of {text.points(found['chance'])}. "
        "To be sure, fine-tune the top checkpoints."
    )


def _judged(found: Mapping[str, Any]) -> str:
    """The tau_w of the combination on hubs that its parameters were not fitted on."""
    taus = [row["tau_w"] for row in found["judged"]]
    known = {0: "without a prior"}.get(found["weights"]["with_prior"], "with a prior")
    span = f"{text.points(min(taus))} to {text.points(max(taus))}"
    return (
        f"On hubs that it was not fitted on, the combination {known} has a mean {text.TAU}_w of {span} with the "
        "accuracies"
    )


def _published(found: Mapping[str, Any]) -> str:
    """The tau_w of a metric in the paper's study."""
    name, known = _method(found), found["published"]
    if known is None:
        return f"The paper does not report how well {name} ranks"
    said = (
        f"In the paper's study of twelve self-supervised ResNet-50s on ten datasets, {name} has a mean "
        f"{text.TAU}_w of {text.points(known['mean'])} with the accuracies ({text.points(known['least'])} to "
        f"{text.points(known['largest'])} on single datasets)"
    )
    if found["refinement"] != "none":
        said += f" ({text.LAMDA} was chosen there with the accuracies known)"
    return said
