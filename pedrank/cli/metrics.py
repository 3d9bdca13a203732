"""List the metrics: input, memory, and a summary of each."""

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
        rows.append({"name": name, "needs": SPEED[metric.needs], "megabytes": round(megabytes), "what": said[0]})
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return 0
    table = [[row["name"], row["needs"], f"{row['megabytes']:,}", row["what"]] for row in rows]
    print("\n".join(columns([["name", "needs", "MB", "summary"], *table], left=(0, 1, 3))))
    print(
        "\nMB: memory beside the features, for 10,000 images, 2,048 features, 100 classes. Equations: docs/metrics.md"
    )
    return 0
