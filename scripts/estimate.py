"""Estimate the cost of a study's fine-tuning on this machine from 30 steps of training. Nothing is fetched."""

import argparse
import os
from pathlib import Path

from pedrank.catalogue.catalogue import use_settings
from pedrank.finetune.estimate import estimate
from pedrank.runtime.arguments import add_config
from pedrank.runtime.command import run
from pedrank.runtime.device import prepare_device
from pedrank.study.config import read_config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_config(parser)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    root = Path(__file__).resolve().parent.parent
    config = read_config(root, *arguments.config)
    use_settings(config, root / "schemas")
    print(estimate(config, prepare_device(arguments.threads, gpu=1)))


run(main)
