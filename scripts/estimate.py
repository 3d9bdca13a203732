"""Estimate what a study's fine-tuning would cost on this machine, from 30 steps of training; nothing is fetched."""

import argparse
import os
from pathlib import Path

import yaml
from snakemake.utils import update_config

from pedrank.catalogue import use_settings
from pedrank.command import run
from pedrank.device import prepare
from pedrank.finetune.estimate import estimate
from pedrank.study import check_schema

SCHEMA = Path(__file__).resolve().parent.parent / "schemas/config.schema.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("configs", nargs="+", type=Path, help="config.yaml, then the study's own file")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    config: dict = {}
    for path in arguments.configs:
        update_config(config, yaml.safe_load(path.read_text()))
    check_schema(config, SCHEMA)
    use_settings(config, SCHEMA.parent)
    print(estimate(config, prepare(arguments.threads, gpu=1)))


run(main)
