"""Score one (dataset, checkpoint) with one metric: the raw features first, then each refinement of them."""

import argparse
import hashlib
import json
import time
from pathlib import Path

import numpy as np

from pedrank import plugins, refinement_file
from pedrank.artefacts import provenance, read_arrays, write_json
from pedrank.command import run
from pedrank.errors import about
from pedrank.machine import processor
from pedrank.metrics import evaluate
from pedrank.observation import observe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metric", required=True)
    parser.add_argument("--options", type=json.loads, default={}, help="JSON mapping of the metric's options")
    parser.add_argument("--plugins", nargs="*", default=[], help="Python files that register metrics")
    parser.add_argument("--features", required=True, type=Path)
    parser.add_argument("--threads", type=int, default=1, help="what it was given, for the record of its cost")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--displacements", nargs="*", type=Path, default=[], help="one for each refinement")
    parser.add_argument(
        "--scores", required=True, nargs="+", type=Path, help="of the raw features, then of each refinement"
    )
    parser.add_argument("--seconds", required=True, nargs="+", type=Path)
    arguments = parser.parse_args()
    for plugin in arguments.plugins:
        plugins.load(plugin)
    arrays = read_arrays(arguments.features, "features", "labels")
    labels_digest = hashlib.sha256(arrays["labels"].tobytes()).hexdigest()
    where = {"threads": arguments.threads, "device": arguments.device if arguments.device != "cpu" else processor()}
    start = time.perf_counter()
    with about(arguments.features):
        raw = observe(arrays["features"], np.asarray(arrays["labels"]), device=arguments.device)
    observing = time.perf_counter() - start  # the class statistics: part of every score's cost, computed once
    made_from = [[arguments.features, *moved] for moved in [[], *([path] for path in arguments.displacements)]]
    for inputs, out, seconds in zip(made_from, arguments.scores, arguments.seconds, strict=True):
        observation = raw.refined(refinement_file.load(inputs[1])) if len(inputs) > 1 else raw
        start = time.perf_counter()
        with about(inputs[-1]):
            score = evaluate(arguments.metric, observation, **arguments.options)
        elapsed = observing + time.perf_counter() - start
        made_by = provenance({"metric": arguments.metric, **arguments.options}, inputs)
        record = {"score": score.score, "rank_score": score.rank_score, "labels": labels_digest, "made_by": made_by}
        write_json(out, record)
        write_json(seconds, {"seconds": elapsed, "n": raw.n, "d": raw.d, "c": raw.c} | where)


run(main)
