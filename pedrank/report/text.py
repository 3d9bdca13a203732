"""Numbers and names as text: the same format in every table, figure and sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pedrank.evaluation.names import BASE, CONSENSUS, IMAGENET, MEAN, ORACLE, PED, PRIOR, RANDOM, STATIC_RANKER
from pedrank.metrics import get_metric, metric_names

MINUS = "\N{MINUS SIGN}"
UNDEFINED = "\N{EN DASH}"
DAGGER = "\N{DAGGER}"
PLUS_MINUS = "\N{PLUS-MINUS SIGN}"
TAU = "\N{GREEK SMALL LETTER TAU}"
DELTA = "\N{GREEK CAPITAL LETTER DELTA}"
LAMDA = "\N{GREEK SMALL LETTER LAMDA}"

METRICS = {  # rows that are not registered metrics
    "ped": "PED",
    STATIC_RANKER: "Static ranker",
    IMAGENET: "ImageNet accuracy",
    PRIOR: "Prior",
    RANDOM: "Random",
}


def metric(name: str) -> str:
    """A metric's name as its paper prints it; an unknown name stays as it is.

    >>> metric("h_score"), metric("random"), metric("mine")
    ('H-score', 'Random', 'mine')
    """
    if name in METRICS:
        return METRICS[name]
    return get_metric(name).title if name in metric_names() else name


def refinement(name: str) -> str:
    """Format a refinement's name as a suffix of a metric's name; empty for the raw features.

    >>> refinement("ped-0.3")
    '+PED, λ = 0.3'
    """
    if name == ORACLE:
        return f"+PED, {LAMDA} by oracle"
    if name == CONSENSUS:
        return f"+PED, {LAMDA} by consensus"
    if name.startswith(PED):
        return f"+PED, {LAMDA} = {name.removeprefix(PED)}"
    return "" if name == BASE else f"+{name}"


def method(metric_name: str, refinement_name: str) -> str:
    """Format a metric and its refinement.

    Args:
        metric_name: Name in the registry, such as "logme".
        refinement_name: Name in a study, such as "none" or "ped-0.3".

    Returns:
        Both names as they are printed.

    >>> method("logme", "none"), method("logme", "ped-0.3")
    ('LogME', 'LogME+PED, λ = 0.3')
    """
    return metric(metric_name) + refinement(refinement_name)


def listed(names: Sequence[str]) -> str:
    """Format names as a list within a sentence.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def dataset(name: str) -> str:
    """Format a dataset's name for the head of a column; the mean over datasets is "Mean"."""
    return "Mean" if name == MEAN else name


def tau(value: float) -> str:
    """Format a rank correlation with three digits, as in the paper.

    >>> tau(0.12345), tau(float("nan"))
    ('0.123', '–')
    """
    return _number(f"{value:z.3f}")


def short_tau(value: float) -> str:
    """Format a rank correlation for a narrow cell: two digits, no zero before the point.

    >>> short_tau(0.123)
    '.12'
    """
    printed = f"{value:z.2f}"
    return _number({"1.00": "1", "0.00": "0", "-1.00": "-1"}.get(printed, printed.replace("0.", ".", 1)))


def interval(low: float, high: float) -> str:
    """Format an interval of rank correlations with two digits; a dash if it is undefined.

    Args:
        low: Lower end, or NaN.
        high: Upper end.

    >>> interval(0.123, 1.0)
    '[0.12, 1.00]'
    """
    return UNDEFINED if math.isnan(low) else f"[{_number(f'{low:z.2f}')}, {_number(f'{high:z.2f}')}]"


def difference(value: float) -> str:
    """Format a difference of two rank correlations with three digits and its sign.

    >>> difference(0.25)
    '+0.250'
    """
    return _number(f"{value:+z.3f}")


def significance(p_value: float) -> str:
    """Mark a significant rank correlation: ** for p < 0.01, * for p < 0.05, nothing otherwise."""
    return "**" if p_value < 0.01 else "*" if p_value < 0.05 else ""


def seconds(value: float) -> str:
    """Format a duration in seconds: two significant digits below ten, whole seconds above.

    >>> seconds(0.123), seconds(1234.5)
    ('0.12', '1,234')
    """
    if math.isnan(value):
        return UNDEFINED
    digits = 0 if value >= 9.95 else 1 - math.floor(math.log10(max(value, 1e-4)))
    return f"{value:,.{digits}f}"


def accuracy(value: float, sd: float | None = None) -> str:
    """Format an accuracy with one digit.

    Args:
        value: Percent.
        sd: Standard deviation over seeds in percentage points; None or NaN where it is unknown.

    Returns:
        The accuracy without a percent sign, with the standard deviation if it is known.

    >>> accuracy(91.26), accuracy(91.26, 0.51)
    ('91.3', '91.3 ± 0.5')
    """
    return f"{value:.1f}" if sd is None or math.isnan(sd) else f"{value:.1f} {PLUS_MINUS} {sd:.1f}"


def points(value: float) -> str:
    """Format a difference of accuracies, in percentage points, with two digits."""
    return _number(f"{value:.2f}")


def signed(value: float) -> str:
    """Format a z-score with two digits and its sign.

    >>> signed(0.478)
    '+0.48'
    """
    return _number(f"{value:+.2f}")


def percent(value: float) -> str:
    """Format a share (0 to 1) in percent with one digit.

    >>> percent(0.9949)
    '99.5%'
    """
    return _number(f"{100 * value:.1f}%")


def share(value: float) -> str:
    """Format a share or a probability (0 to 1) in whole percent.

    >>> share(0.336)
    '34%'
    """
    return _number(f"{100 * value:.0f}%")


def p(value: float) -> str:
    """Format a p-value for a sentence.

    >>> p(0.0316), p(0.0004)
    ('p = 0.032', 'p < 0.001')
    """
    return "p undefined" if math.isnan(value) else "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def _number(printed: str) -> str:
    """A formatted number with a true minus sign; a dash if it is undefined."""
    return UNDEFINED if "nan" in printed else printed.replace("-", MINUS)
