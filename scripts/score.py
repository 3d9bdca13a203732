"""Score one (dataset, checkpoint), metric by metric: the raw features first, then each refinement of them."""

import argparse
import hashlib
import json
import time
from pathlib import Path

import numpy as np

from pedrank.metrics import evaluate
from pedrank.observation.observation import observe
from pedrank.refinements import refinement_file
from pedrank.runtime.command import run
from pedrank.runtime.device import prepare_device
from pedrank.store.artefacts import provenance, read_arrays, write_json
from pedrank.study import plugins
from pedrank.utils.errors import about
from pedrank.utils.machine import processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", required=True, nargs="+")
    parser.add_argument("--options", type=json.loads, default={}, help="JSON mapping of metrics to their options")
    parser.add_argument("--plugins", nargs="*", default=[], help="Python files that register metrics")
    parser.add_argument("--features", required=True, type=Path)
    parser.add_argument("--threads", type=int, default=1, help="what it was given, for the record of its cost")
    parser.add_argument("--gpu", type=int, default=0, help="1 to use a GPU if there is one")
    parser.add_argument("--displacements", nargs="*", type=Path, default=[], help="one for each refinement")
    parser.add_argument("--together", action="store_true", help="one file for all, by metric and refinement")
    parser.add_argument(
        "--scores", required=True, nargs="+", type=Path, help="of the raw features, then of each refinement"
    )
    parser.add_argument("--seconds", required=True, nargs="+", type=Path)
    arguments = parser.parse_args()
    for plugin in arguments.plugins:
        plugins.load_plugin(plugin)
    device = (
        str(prepare_device(arguments.threads, arguments.gpu)) if arguments.gpu else "cpu"
    )  # torch only where it is needed
    arrays = read_arrays(arguments.features, "features", "labels")
    labels_digest = hashlib.sha256(arrays["labels"].tobytes()).hexdigest()
    where = {"threads": arguments.threads, "device": processor() if device == "cpu" else "cuda"}
    moved = {"none": [], **{path.stem: [path] for path in arguments.displacements}}
    scores, seconds = {}, {}
    for metric in arguments.metrics:
        options = arguments.options.get(metric, {})
        start = time.perf_counter()
        # Observed anew: what an observation keeps for one metric would make the next look cheaper than it is.
        with about(arguments.features):
            raw = observe(arrays["features"], np.asarray(arrays["labels"]), device=device)
        observing = time.perf_counter() - start  # the class statistics: part of every score's cost, computed once
        scores[metric], seconds[metric] = {}, {}
        for refinement, by in moved.items():
            inputs = [arguments.features, *by]
            observation = raw.refined(refinement_file.load_refinement(*by)) if by else raw
            start = time.perf_counter()
            with about(inputs[-1]):
                score = evaluate(metric, observation, **options)
            elapsed = observing + time.perf_counter() - start
            made_by = provenance({"metric": metric, **options}, inputs)
            record = {"score": score.score, "rank_score": score.rank_score, "labels": labels_digest, "made_by": made_by}
            scores[metric][refinement] = record
            seconds[metric][refinement] = {"seconds": elapsed, "n": raw.n, "d": raw.d, "c": raw.c} | where
    for paths, records in ((arguments.scores, scores), (arguments.seconds, seconds)):
        each = [records] if arguments.together else [one for by_name in records.values() for one in by_name.values()]
        for path, content in zip(paths, each, strict=True):
            write_json(path, content)


run(main)
