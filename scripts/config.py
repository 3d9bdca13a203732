"""Write a study's configuration, defaults included, beside its results."""

import argparse
from pathlib import Path

import yaml

from pedrank.formats.yaml_file import read_yaml
from pedrank.runtime.command import run
from pedrank.store.artefacts import write_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True, type=Path, help="the configuration that the workflow was given")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    write_text(arguments.out, yaml.safe_dump(read_yaml(arguments.study)))


run(main)
