"""Score one (dataset, checkpoint) by each metric: first the raw features, then each refinement."""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np

from pedrank.metrics._scoring import timed_scores
from pedrank.refinements.refinement_file import load_refinement
from pedrank.runtime.arguments import PATTERN, add_device, add_study
from pedrank.runtime.command import run
from pedrank.runtime.device import score_device
from pedrank.store.artefacts import provenance, read_arrays
from pedrank.store.timing import MEASURED, measured
from pedrank.study.names import files
from pedrank.study.plugins import load_plugin
from pedrank.study.score_files import write_records
from pedrank.utils.machine import processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", required=True, nargs="+")
    parser.add_argument("--options", type=json.loads, default={}, help="JSON mapping of metrics to their options")
    parser.add_argument("--plugins", nargs="*", default=[], help="Python files that register metrics")
    parser.add_argument("--features", required=True, type=Path)
    parser.add_argument("--displacements", default="", help=f"{PATTERN}: one file per refinement")
    add_study(parser)
    add_device(parser)
    parser.add_argument("--drop-undefined", action="store_true", help="record why a score is undefined, and go on")
    parser.add_argument("--code", default="", help="digest of the code; known seconds are kept if it is the same")
    parser.add_argument("--scores", required=True, help=f"{PATTERN}; without {{refinement}}, one file for all")
    parser.add_argument("--seconds", required=True, help=PATTERN)
    arguments = parser.parse_args()
    for plugin in arguments.plugins:
        load_plugin(plugin)
    # torch is imported only where it is needed
    device = score_device(arguments.threads, arguments.gpu)
    arrays = read_arrays(arguments.features, "features", "labels")
    labels = hashlib.sha256(arrays["labels"].tobytes()).hexdigest()
    where = {"threads": arguments.threads, "device": processor() if device == "cpu" else "cuda"}
    made_from = {"none": [arguments.features]}
    for _, path in files(arguments.displacements, arguments.study) if arguments.displacements else []:
        made_from[path.stem] = [arguments.features, path]
    refinements = {name: load_refinement(by[1]) if name != "none" else None for name, by in made_from.items()}
    scores, seconds = {}, {}
    for each in timed_scores(
        arrays["features"],
        np.asarray(arrays["labels"]),
        arguments.metrics,
        arguments.options,
        refinements,
        {name: by[-1] for name, by in made_from.items()},
        device,
        drop_undefined=arguments.drop_undefined,
    ):
        options = {"metric": each.metric, **arguments.options.get(each.metric, {})}
        found = {"score": None, "rank_score": None, "undefined": each.undefined}
        record = found if each.undefined else each.score._asdict()
        record |= {"labels": labels, "made_by": provenance(options, made_from[each.refinement])}
        timing = {"seconds": each.seconds, **each.size, **where, MEASURED: measured(record, arguments.code)}
        scores.setdefault(each.metric, {})[each.refinement] = record
        seconds.setdefault(each.metric, {})[each.refinement] = timing
    write_records(arguments.scores, scores)
    write_records(arguments.seconds, seconds, keep=True)


run(main)
