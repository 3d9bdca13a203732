"""List the checkpoints of the catalogue: zoo, architecture, size, licence, and whether the files are downloaded."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pedrank zoo`."""
    parser.add_argument("--zoo", metavar="ZOO", help="list only this zoo")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("pedrank-results"),
        metavar="DIR",
        help="folder of results, where downloads are looked for (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print one line per checkpoint."""
    from pedrank.catalogue.catalogue import catalogue, files, zoo
    from pedrank.cli.answer import columns
    from pedrank.ranking.costs import licence

    downloads = arguments.out / "results/downloads"
    entries, rows = catalogue("checkpoints"), []
    for name in entries if arguments.zoo is None else zoo(arguments.zoo):
        entry = entries[name]
        needed = files(entry)
        rows.append(
            {
                "name": name,
                "zoo": entry["zoo"],
                "architecture": entry["architecture"],
                "megabytes": sum(file.get("megabytes", 0) for file in needed.values()) if needed else None,
                "licence": licence(name, entry) or "not stated",
                "here": all((downloads / file).exists() for file in needed),
            }
        )
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return 0
    table = [
        [
            row["name"],
            row["zoo"],
            row["architecture"],
            f"{row['megabytes']:g} MB" if row["megabytes"] else "unknown" if row["megabytes"] == 0 else "shipped",
            "yes" if row["here"] else "no",
            row["licence"],
        ]
        for row in rows
    ]
    head = ["name", "zoo", "architecture", "to fetch", "here", "licence"]
    print("\n".join(columns([head, *table], left=(0, 1, 2, 5))))
    return 0
