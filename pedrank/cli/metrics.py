"""List the metrics: input, memory, time, paper, and a summary of each."""

from __future__ import annotations

import argparse
import json
from typing import Any

SPEED = {"statistics": "class statistics", "features": "all features"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pedrank metrics`."""
    parser.add_argument(
        "--plugin", nargs="+", default=[], metavar="FILE", help="Python files that define your own metrics"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print one line per metric."""
    from pedrank.cli.answer import columns
    from pedrank.metrics import get_metric, metric_names
    from pedrank.study import plugins

    for plugin in arguments.plugin:
        plugins.load_plugin(plugin)
    rows: list[dict[str, Any]] = []
    for name in metric_names():
        metric = get_metric(name)
        said = (metric.function.__doc__ or "").strip().splitlines() or ["(no docstring)"]
        # At a typical size, so that metrics can be compared.
        megabytes = metric.memory(10_000, 2048, 100) / 1e6
        rows.append(
            {
                "name": name,
                "needs": SPEED[metric.needs],
                "megabytes": round(megabytes),
                "time": order_of_growth(metric.function.__doc__ or ""),
                "what": said[0],
                "paper": metric.paper,
            }
        )
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return 0
    table = [
        [row["name"], row["needs"], f"{row['megabytes']:,}", row["time"], row["paper"], row["what"]] for row in rows
    ]
    print("\n".join(columns([["name", "needs", "MB", "time", "paper", "summary"], *table], left=(0, 1, 3, 4, 5))))
    print(
        "\nMB: memory beside the features, for 10,000 images, 2,048 features, 100 classes. time: growth with N images, "
        "D features and C classes. Equations: docs/metrics.md"
    )
    return 0


def order_of_growth(docstring: str) -> str:
    """The first O(...) of a metric's docstring, its time; empty where it has none.

    >>> order_of_growth("Needs features; O(N min(N, D)) time, O(D) memory.")
    'O(N min(N, D))'
    """
    start = docstring.find("O(")
    depth = 0
    for end in range(start, len(docstring) if start >= 0 else start):
        depth += {"(": 1, ")": -1}.get(docstring[end], 0)
        if docstring[end] == ")" and depth == 0:
            return " ".join(docstring[start : end + 1].split())
    return ""
