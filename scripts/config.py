"""Write a study's configuration, defaults included, beside its results."""

import argparse
import json
from pathlib import Path

import yaml

from pedrank.runtime.command import run
from pedrank.store.artefacts import write_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, type=json.loads)
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    write_text(arguments.out, yaml.safe_dump(arguments.config))


run(main)
