"""Licences of weights: what their names allow."""

from __future__ import annotations

PERMISSIVE = ("apache-2.0", "bsd-2-clause", "bsd-3-clause", "cc-by-4.0", "cc0-1.0", "isc", "mit", "unlicense")
_NON_COMMERCIAL = ("seer-license",)  # Meta's licence of SEER: research only
_UNKNOWN = ("unknown", "not stated", "")


def licence_kind(name: str | None) -> str:
    """Say what a licence allows, by its name.

    Args:
        name: SPDX name, or the name that the weights' authors gave; None where no licence is known.

    Returns:
        "permissive" (commercial use is allowed, with attribution), "non-commercial", "special" (terms of its own, which
        have to be read), or "unknown".

    >>> [licence_kind(name) for name in ("MIT", "CC-BY-NC-4.0", "fastvit-license", None)]
    ['permissive', 'non-commercial', 'special', 'unknown']
    """
    name = (name or "").lower()
    if name in _UNKNOWN:
        return "unknown"
    if name in PERMISSIVE:
        return "permissive"
    return "non-commercial" if "-nc" in name or "noncommercial" in name or name in _NON_COMMERCIAL else "special"
