"""The figures of one dataset's ranking: its stability and, where costs are known, accuracy against cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pedrank.report import text
from pedrank.report.figures.front import draw_front
from pedrank.report.figures.stability import draw_stability
from pedrank.report.figures.style import save_figure


def save_ranking_figures(
    paths: Sequence[Path], ranking: pd.DataFrame, halves: pd.DataFrame, found: Mapping[str, Any]
) -> None:
    """Draw and write the figures.

    Args:
        paths: PDF and PNG of the stability and, optionally, of accuracy against cost.
        ranking: Table of `pedrank.ranking.ranking.rank`.
        halves: Long table: checkpoint, half, rank_score.
        found: The JSON file of scripts/ranking.py: metric, refinement, checkpoints.
    """
    save_figure(draw_stability(ranking, halves, text.method(found["metric"], found["refinement"])), *paths[:2])
    if paths[2:]:
        save_figure(draw_front(found["checkpoints"]), *paths[2:])
