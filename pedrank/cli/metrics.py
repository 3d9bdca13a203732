"""List the metrics: what each needs, and what it measures."""

from __future__ import annotations

import argparse
import json

SPEED = {"statistics": "class statistics", "features": "all features"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--plugin", nargs="+", default=[], metavar="FILE", help="Python files with metrics of your own")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    from pedrank.cli.answer import columns
    from pedrank.metrics import get_metric, metric_names
    from pedrank.study import plugins

    for plugin in arguments.plugin:
        plugins.load_plugin(plugin)
    rows = []
    for name in metric_names():
        metric = get_metric(name)
        said = (metric.function.__doc__ or "").strip().splitlines() or ["(no docstring)"]
        # At a size that many studies have, so that the metrics can be compared.
        megabytes = metric.memory(10_000, 2048, 100) / 1e6
        rows.append({"name": name, "needs": SPEED[metric.needs], "megabytes": round(megabytes), "what": said[0]})
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return 0
    table = [[row["name"], row["needs"], f"{row['megabytes']:,}", row["what"]] for row in rows]
    print("\n".join(columns([["name", "needs", "MB", "what it is"], *table], left=(0, 1, 3))))
    print(
        "\nMB: memory beside the features, for 10,000 images, 2,048 features, 100 classes. Equations: docs/metrics.md"
    )
    return 0
