"""Score the checkpoints of one dataset by the baselines, on raw features."""

import argparse
import json

import numpy as np
import pandas as pd

from pedrank.metrics._scoring import timed_scores
from pedrank.runtime.arguments import PATTERN, add_device, add_study
from pedrank.runtime.command import run
from pedrank.runtime.device import score_device
from pedrank.store.artefacts import provenance, read_arrays, read_csv, write_csv
from pedrank.store.timing import MEASURED, measured
from pedrank.study.names import paths
from pedrank.study.plugins import load_plugin
from pedrank.utils.machine import processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--features", required=True, help=PATTERN)
    add_study(parser)
    parser.add_argument("--metrics", required=True, nargs="+")
    parser.add_argument("--options", type=json.loads, default={}, help="JSON mapping of metrics to their options")
    parser.add_argument("--plugins", nargs="*", default=[], help="Python files that register metrics")
    add_device(parser)
    parser.add_argument("--drop-undefined", action="store_true", help="record why a score is undefined, and go on")
    parser.add_argument("--code", default="", help="digest of the code; known seconds are kept if it is the same")
    parser.add_argument("--scores", required=True, help=PATTERN)
    parser.add_argument("--seconds", required=True, help=PATTERN)
    arguments = parser.parse_args()
    for plugin in arguments.plugins:
        load_plugin(plugin)
    # torch is imported only where it is needed
    device = score_device(arguments.threads, arguments.gpu)
    where = {"threads": arguments.threads, "device": processor() if device == "cpu" else "cuda"}
    each_file = (paths([each], arguments.study) for each in (arguments.features, arguments.scores, arguments.seconds))
    for features, out, out_seconds in zip(*each_file, strict=True):
        scores, seconds = [], []
        arrays = read_arrays(features, "features", "labels")
        for each in timed_scores(
            arrays["features"],
            np.asarray(arrays["labels"]),
            arguments.metrics,
            arguments.options,
            {"none": None},
            {"none": features},
            device,
            drop_undefined=arguments.drop_undefined,
        ):
            row = {"dataset": arguments.dataset, "checkpoint": features.stem}
            row |= {"metric": each.metric, "refinement": each.refinement}
            made_by = provenance(arguments.options.get(each.metric, {}), [features])
            timed = measured(row | each.score._asdict() | made_by, arguments.code)
            scores.append(row | each.score._asdict() | ({"undefined": each.undefined} if each.undefined else {}))
            seconds.append(row | {"seconds": each.seconds} | where | each.size | {MEASURED: timed})
        write_csv(out, pd.DataFrame(scores))
        table = pd.DataFrame(seconds)
        if out_seconds.exists():  # keep measured seconds if code and inputs are the same
            before = read_csv(out_seconds).reindex(columns=table.columns).drop_duplicates(MEASURED).set_index(MEASURED)
            held = table[MEASURED].isin(before.index)
            table.loc[held, "seconds"] = before.loc[table[MEASURED][held], "seconds"].to_numpy()
        write_csv(out_seconds, table)


run(main)
