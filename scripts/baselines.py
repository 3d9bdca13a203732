"""Score one dataset's checkpoints with the baselines, on the raw features."""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd

from pedrank.metrics import evaluate
from pedrank.observation.observation import observe
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_arrays, write_csv
from pedrank.study.plugins import load_plugin
from pedrank.utils.errors import about
from pedrank.utils.machine import processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--checkpoints", required=True, nargs="+")
    parser.add_argument("--features", required=True, nargs="+", type=Path, help="one for each checkpoint")
    parser.add_argument("--metrics", required=True, nargs="+")
    parser.add_argument("--options", type=json.loads, default={}, help="JSON mapping of metrics to their options")
    parser.add_argument("--plugins", nargs="*", default=[], help="Python files that register metrics")
    parser.add_argument("--threads", type=int, default=1, help="what it was given, for the record of its cost")
    parser.add_argument("--scores", required=True, nargs="+", type=Path, help="one for each checkpoint")
    parser.add_argument("--seconds", required=True, nargs="+", type=Path, help="one for each checkpoint")
    arguments = parser.parse_args()
    for plugin in arguments.plugins:
        load_plugin(plugin)
    outputs = zip(arguments.scores, arguments.seconds, strict=True)
    for checkpoint, path, out in zip(arguments.checkpoints, arguments.features, outputs, strict=True):
        scores, seconds = [], []
        arrays = read_arrays(path, "features", "labels")
        start = time.perf_counter()
        with about(path):
            observation = observe(arrays["features"], np.asarray(arrays["labels"]))
        observing = time.perf_counter() - start
        size = {"n": observation.n, "d": observation.d, "c": observation.c}
        for metric in arguments.metrics:
            row = {"dataset": arguments.dataset, "checkpoint": checkpoint, "metric": metric, "refinement": "none"}
            start = time.perf_counter()
            with about(path):
                score = evaluate(metric, observation, **arguments.options.get(metric, {}))
            cost = observing + time.perf_counter() - start
            scores.append(row | {"score": score.score, "rank_score": score.rank_score})
            seconds.append(row | {"seconds": cost, "threads": arguments.threads, "device": processor()} | size)
        for file, rows in zip(out, (scores, seconds), strict=True):
            write_csv(file, pd.DataFrame(rows))


run(main)
