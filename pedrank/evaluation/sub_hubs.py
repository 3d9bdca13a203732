"""Sub-hubs: smaller sets of checkpoints in which the size of a network tells less about its accuracy.

As in "How NOT to benchmark your SITE metric" (Singh et al., ICLR 2026): where a few large networks of each family are
the most accurate ones, a metric that recognises size ranks well. It is therefore judged without them, too, and among
networks of a similar size.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

FACTOR = 2.0  # largest number of parameters of a size-matched sub-hub, divided by the smallest
FEWEST = 4  # checkpoints; sub-hubs with fewer are not evaluated
WITHOUT_LARGEST = "without the largest of each family"


def sub_hubs(about: pd.DataFrame) -> dict[str, list[str]]:
    """List the sub-hubs of a hub.

    - Without the largest of each family: of every family with two or more members, those with the most parameters are
      left out. A family whose members are all of the same size stays.
    - Size-matched: the largest set of checkpoints whose numbers of parameters differ by at most a factor of 2; then
      the largest such set of the remaining checkpoints, and so on. Of two sets of the same number of checkpoints, the
      one of smaller networks comes first.

    Args:
        about: One row per checkpoint: checkpoint, family (text), parameters (a number, in any unit). A column may be
            missing, and a value may be empty (None or NaN); such a checkpoint is in no sub-hub that needs the value.

    Returns:
        Checkpoints, in the order of `about`, by the sub-hub's name; sub-hubs with fewer than four checkpoints, and
        those that equal the hub, are left out.

    >>> about = pd.DataFrame({"checkpoint": list("abcdef"), "family": list("xxxyyy"), "parameters": [1, 2, 9, 1, 2, 9]})
    >>> {name: "".join(chosen) for name, chosen in sub_hubs(about).items()}
    {'without the largest of each family': 'abde', 'size-matched, 1 to 2': 'abde'}
    """
    table = about.reindex(columns=["checkpoint", "family", "parameters"])
    sized = table[table["parameters"].notna()]
    found = {WITHOUT_LARGEST: _without_largest(sized[sized["family"].notna()])} | _size_matched(sized)
    return {name: chosen for name, chosen in found.items() if FEWEST <= len(chosen) < len(table)}


def _without_largest(table: pd.DataFrame) -> list[str]:
    largest = table.groupby("family")["parameters"].transform("max")
    smallest = table.groupby("family")["parameters"].transform("min")
    return list(table["checkpoint"][(table["parameters"] < largest) | (smallest == largest)])


def _size_matched(table: pd.DataFrame) -> dict[str, list[str]]:
    found = {}
    rest = table
    while len(rest) >= FEWEST:
        sizes = np.sort(rest["parameters"].to_numpy(dtype=float))
        members = np.searchsorted(sizes, FACTOR * sizes, side="right") - np.arange(len(sizes))
        low = sizes[members.argmax()]
        inside = rest["parameters"].between(low, FACTOR * low)
        chosen = rest[inside]
        name = f"size-matched, {_size(low)} to {_size(chosen['parameters'].max())}"
        found[name] = list(chosen["checkpoint"])
        rest = rest[~inside]
    return found


def _size(parameters: float) -> str:
    """A number of parameters; large ones in millions."""
    return f"{parameters / 1e6:.3g} M" if parameters >= 1e5 else f"{parameters:.4g}"
