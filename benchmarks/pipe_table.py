"""Tables of the benchmarks' pages."""

from __future__ import annotations

import pandas as pd


def markdown(table: pd.DataFrame) -> str:
    """A pipe table; numbers with three decimals, empty cells for missing ones."""
    cells = table.map(lambda cell: "" if cell != cell else f"{cell:.3f}" if isinstance(cell, float) else str(cell))
    lines = [list(map(str, table.columns)), ["---"] * table.shape[1], *cells.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
