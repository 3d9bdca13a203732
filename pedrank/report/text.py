"""How numbers and names are printed, the same in every table and figure."""

from __future__ import annotations

import math

from pedrank.evaluation.names import BASE, CONSENSUS, MEAN, ORACLE, PED, RANDOM, STATIC_RANKER

MINUS = "\N{MINUS SIGN}"
UNDEFINED = "\N{EN DASH}"
DAGGER = "\N{DAGGER}"
PLUS_MINUS = "\N{PLUS-MINUS SIGN}"
TAU = "\N{GREEK SMALL LETTER TAU}"
DELTA = "\N{GREEK CAPITAL LETTER DELTA}"
LAMDA = "\N{GREEK SMALL LETTER LAMDA}"

METRICS = {
    "logme": "LogME",
    "sfda": "SFDA",
    "gbc": "GBC",
    "nleep": "NLEEP",
    "parc": "PARC",
    "h_score": "H-score",
    "transrate": "TransRate",
    "knn": "k-NN",
    "rankme": "RankMe",
    "feature_norm": "Feature norm",
    "ped": "PED",
    STATIC_RANKER: "Static ranker",
    RANDOM: "Random",
}


def metric(name: str) -> str:
    """A metric's name as its paper prints it."""
    return METRICS.get(name, name)


def refinement(name: str) -> str:
    """A refinement's name, empty for the raw features."""
    if name == ORACLE:
        return f"+PED, {LAMDA} by oracle"
    if name == CONSENSUS:
        return f"+PED, {LAMDA} by consensus"
    if name.startswith(PED):
        return f"+PED, {LAMDA} = {name.removeprefix(PED)}"
    return "" if name == BASE else f"+{name}"


def method(metric_name: str, refinement_name: str) -> str:
    """A metric and its refinement."""
    return metric(metric_name) + refinement(refinement_name)


def dataset(name: str) -> str:
    """A dataset's name in the head of a column."""
    return "Mean" if name == MEAN else name


def tau(value: float) -> str:
    """A rank correlation, three digits as in the paper."""
    return _number(f"{value:z.3f}")


def short_tau(value: float) -> str:
    """A rank correlation for a narrow cell: two digits, no zero before the point."""
    printed = f"{value:z.2f}"
    return _number({"1.00": "1", "0.00": "0", "-1.00": "-1"}.get(printed, printed.replace("0.", ".", 1)))


def interval(low: float, high: float) -> str:
    """An interval of rank correlations, two digits."""
    return UNDEFINED if math.isnan(low) else f"[{_number(f'{low:z.2f}')}, {_number(f'{high:z.2f}')}]"


def difference(value: float) -> str:
    """A difference of two rank correlations, always with its sign."""
    return _number(f"{value:+z.3f}")


def significance(p_value: float) -> str:
    """Marks a rank correlation that chance alone would rarely reach."""
    return "**" if p_value < 0.01 else "*" if p_value < 0.05 else ""


def seconds(value: float) -> str:
    """A duration in seconds, two significant digits below ten."""
    if math.isnan(value):
        return UNDEFINED
    digits = 0 if value >= 9.95 else 1 - math.floor(math.log10(max(value, 1e-4)))
    return f"{value:,.{digits}f}"


def accuracy(value: float, sd: float | None = None) -> str:
    """An accuracy in percent, with its standard deviation where it is known: neither None nor NaN."""
    return f"{value:.1f}" if sd is None or math.isnan(sd) else f"{value:.1f} {PLUS_MINUS} {sd:.1f}"


def points(value: float) -> str:
    """A difference of accuracies in percentage points."""
    return _number(f"{value:.2f}")


def percent(value: float) -> str:
    """A share in percent, one digit."""
    return _number(f"{100 * value:.1f}%")


def share(value: float) -> str:
    """A share or a probability in whole percent."""
    return _number(f"{100 * value:.0f}%")


def p(value: float) -> str:
    """A p-value as it stands in a sentence."""
    return "p undefined" if math.isnan(value) else "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def _number(printed: str) -> str:
    """A printed number with a true minus sign, and a dash where it is undefined."""
    return UNDEFINED if "nan" in printed else printed.replace("-", MINUS)
