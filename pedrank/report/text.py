"""How numbers and names are printed, the same in every table and figure."""

from __future__ import annotations

import math

from pedrank.evaluation.names import BASE, MEAN, ORACLE, PED, STATIC_RANKER

MINUS = "\N{MINUS SIGN}"
UNDEFINED = "\N{EN DASH}"
DAGGER = "\N{DAGGER}"
TAU = "\N{GREEK SMALL LETTER TAU}"
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
    "ped": "PED",
    STATIC_RANKER: "Static ranker",
}


def metric(name: str) -> str:
    """A metric's name as its paper prints it."""
    return METRICS.get(name, name)


def refinement(name: str) -> str:
    """A refinement's name, empty for the raw features."""
    if name == ORACLE:
        return f"+PED, {LAMDA} by oracle"
    if name.startswith(PED):
        return f"+PED, {LAMDA} = {name.removeprefix(PED)}"
    return "" if name == BASE else f"+{name}"


def dataset(name: str) -> str:
    """A dataset's name in the head of a column."""
    return "Mean" if name == MEAN else name


def tau(value: float) -> str:
    """A rank correlation, three digits as in the paper."""
    return _number(f"{value:z.3f}")


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


def _number(printed: str) -> str:
    """A printed number with a true minus sign, and a dash where it is undefined."""
    return UNDEFINED if "nan" in printed else printed.replace("-", MINUS)
