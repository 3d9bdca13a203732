"""Table 2: seconds to compute a score."""

from __future__ import annotations

import pandas as pd

from pedrank.evaluation.names import BASE
from pedrank.report import text
from pedrank.report.tables.table import Cell, Row, Table


def table2(seconds: pd.DataFrame) -> Table:
    """Make Table 2: seconds to score one checkpoint, by metric (rows) and dataset (columns), and the seconds of PED.

    Args:
        seconds: Long table: dataset, checkpoint, metric, refinement, seconds, refinement_seconds (of the refinement
            itself; empty for "none"), n (scored rows), d (features), c (classes), threads, device (its name).

    Returns:
        The printed table: medians over checkpoints.
    """
    datasets = list(dict.fromkeys(seconds["dataset"]))
    raw = seconds[seconds["refinement"] == BASE]
    refined = seconds[seconds["refinement"] != BASE].assign(metric="ped")
    timed = pd.concat([raw, refined.assign(seconds=refined["refinement_seconds"])])
    size = ["n", "d", "c", "threads", "device"]
    numbers = timed.groupby(["metric", "dataset"], sort=False).agg(
        {"seconds": "median", **dict.fromkeys(size, "first")}
    )
    methods = list(dict.fromkeys(timed["metric"]))
    median = numbers["seconds"].unstack("dataset").loc[methods, datasets]
    sizes = raw.groupby("dataset", sort=False)[size].first().loc[datasets]
    rows = [
        Row(text.metric(method), tuple(Cell(text.seconds(value), value) for value in median.loc[method]), starts=starts)
        for starts, method in ((method in (methods[0], "ped"), method) for method in methods)
    ]
    checkpoints = seconds["checkpoint"].nunique()
    machine = sorted({f"{row.threads} thread{'s' * (row.threads > 1)} of {row.device}" for row in sizes.itertuples()})
    return Table(
        name="Table 2",
        title="Seconds to score one checkpoint",
        head=(
            ("Method", ()),
            *(
                (text.dataset(row.Index), (f"N = {row.n:,}", f"D = {row.d:,}", f"C = {row.c:,}"))
                for row in sizes.itertuples()
            ),
        ),
        rows=tuple(rows),
        notes=(
            f"Median over {checkpoints} checkpoints on {'; '.join(machine)}. Extracting features and reading files are "
            "not included.",
            "N: samples. D: features. C: classes.",
            "PED: seconds to move the class centres once. For a metric with PED, add these seconds to its own.",
        ),
        numbers=numbers.reset_index().rename(columns={"metric": "method"}),
    )
