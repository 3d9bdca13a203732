"""List the files that a study downloads, with sizes, sources and licences."""

import argparse
from pathlib import Path

from pedrank.catalogue.catalogue import use_settings
from pedrank.runtime.arguments import add_config
from pedrank.runtime.command import run
from pedrank.study.config import read_config
from pedrank.study.fetch_list import fetch_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_config(parser)
    parser.add_argument("--downloads", default="results/downloads", type=Path)
    arguments = parser.parse_args()
    root = Path(__file__).resolve().parent.parent
    config = read_config(root, *arguments.config)
    use_settings(config, root / "schemas")
    print(fetch_table(config, arguments.downloads))


run(main)
