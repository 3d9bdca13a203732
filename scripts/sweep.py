"""Score every checkpoint of one dataset under every setting of PED that the figures vary."""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

from pedrank.ablation.grid import one_at_a_time, study_settings
from pedrank.ablation.sweep import sweep
from pedrank.observation.observation import observe
from pedrank.observation.statistics import ReferenceStatistics
from pedrank.refinements.ped import simulate
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_arrays, write_csv


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--checkpoints", required=True, nargs="+")
    parser.add_argument("--features", required=True, type=Path, help="folder with one file for each checkpoint")
    parser.add_argument("--references", required=True, nargs="+", type=Path, help="one for each checkpoint")
    parser.add_argument("--ped", required=True, type=json.loads, help="JSON: the study's block ped")
    parser.add_argument("--ablation", required=True, type=json.loads, help="JSON: the study's block ablation")
    parser.add_argument("--scores", required=True, type=Path)
    parser.add_argument("--forces", required=True, type=Path)
    arguments = parser.parse_args()
    settings = one_at_a_time(arguments.ablation, arguments.ped)
    constant = {name: arguments.ped[name] for name in ("k", "mode")}
    # Force by step to the end: no early exit, and as many steps as the figures show.
    undamped = study_settings(arguments.ablation, arguments.ped) | {"exit_ratio": 0.0} | constant
    undamped["max_steps"] = max(arguments.ablation["max_steps"])
    scores, forces = [], []
    for checkpoint, statistics in zip(arguments.checkpoints, arguments.references, strict=True):
        arrays = read_arrays(arguments.features / f"{checkpoint}.safetensors", "features", "labels")
        observation = observe(arrays["features"], np.asarray(arrays["labels"]))
        reference = ReferenceStatistics(**read_arrays(statistics, "mean", "std"))
        row = {"dataset": arguments.dataset, "checkpoint": checkpoint}
        scored = row | {"metric": arguments.ablation["metric"]}
        options = [{}, *({**setting, **constant} for setting in settings)]
        found = sweep(observation, reference, options, scored["metric"])
        scores += [scored | setting | {"score": score} for setting, score in zip([{}, *settings], found, strict=True)]
        path_taken = simulate(observation.statistics, reference, **undamped)
        forces += [
            row | {"lam": undamped["lam"], "dt": undamped["dt"], "step": step, "force_ratio": ratio, "energy": energy}
            for step, (ratio, energy) in enumerate(zip(path_taken.force_ratios, path_taken.energy, strict=True))
        ]
    write_csv(arguments.scores, pd.DataFrame(scores))
    write_csv(arguments.forces, pd.DataFrame(forces))


run(main)
