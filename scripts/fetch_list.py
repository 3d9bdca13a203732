"""Print what a study would fetch: how large, from where, under which licence."""

import argparse
from pathlib import Path

from pedrank.catalogue import use_settings
from pedrank.command import run
from pedrank.fetch_list import table
from pedrank.study import read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config", nargs="+", default=[], type=Path, help="configurations, later ones change earlier ones"
    )
    parser.add_argument("--downloads", default="results/downloads", type=Path)
    arguments = parser.parse_args()
    root = Path(__file__).resolve().parent.parent
    config = read(root, *arguments.config)
    use_settings(config, root / "schemas")
    print(table(config, arguments.downloads))


run(main)
