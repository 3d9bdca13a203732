"""Score every checkpoint of one dataset under every setting of PED in the ablation."""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

from pedrank.ablation.grid import one_at_a_time, study_settings
from pedrank.ablation.sweep import force_by_step, sweep
from pedrank.observation.observation import observe
from pedrank.observation.statistics import ReferenceStatistics
from pedrank.runtime.arguments import PATTERN, add_study
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_arrays, write_csv
from pedrank.study.names import paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--features", required=True, help=PATTERN)
    parser.add_argument("--references", required=True, help=PATTERN)
    add_study(parser)
    parser.add_argument("--ped", required=True, type=json.loads, help="JSON: PED's options in the study")
    parser.add_argument("--ablation", required=True, type=json.loads, help="JSON: the study's block ablation")
    parser.add_argument("--options", type=json.loads, default={}, help="JSON mapping of metrics to their options")
    parser.add_argument("--scores", required=True, type=Path)
    parser.add_argument("--forces", required=True, type=Path)
    arguments = parser.parse_args()
    settings = one_at_a_time(arguments.ablation, arguments.ped)
    constant = {name: arguments.ped[name] for name in ("k", "mode")}
    own = study_settings(arguments.ablation, arguments.ped) | constant
    metric, most = arguments.ablation["metric"], max(arguments.ablation["max_steps"])
    metric_options = arguments.options.get(metric, {})
    scores, forces = [], []
    each_file = (paths([pattern], arguments.study) for pattern in (arguments.features, arguments.references))
    for features, statistics in zip(*each_file, strict=True):
        arrays = read_arrays(features, "features", "labels")
        observation = observe(arrays["features"], np.asarray(arrays["labels"]))
        reference = ReferenceStatistics(**read_arrays(statistics, "mean", "std"))
        row = {"dataset": arguments.dataset, "checkpoint": features.stem}
        options = [{}, *({**setting, **constant} for setting in settings)]
        swept = sweep(observation, reference, options, metric, metric_options)
        found = zip([{}, *settings], swept, strict=True)
        scores += [row | {"metric": metric} | setting | {"score": score} for setting, score in found]
        forces += [row | step for step in force_by_step(observation.statistics, reference, own, most)]
    write_csv(arguments.scores, pd.DataFrame(scores))
    write_csv(arguments.forces, pd.DataFrame(forces))


run(main)
