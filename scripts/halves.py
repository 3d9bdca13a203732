"""Score checkpoints on random halves of a dataset's rows: how far a ranking depends on the images."""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

from pedrank.observation.statistics import ReferenceStatistics
from pedrank.ranking.halves import score_halves
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_arrays, write_csv
from pedrank.study.plugins import load_plugin
from pedrank.utils.errors import about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoints", required=True, nargs="+")
    parser.add_argument("--features", required=True, nargs="+", type=Path, help="one for each checkpoint")
    parser.add_argument("--references", nargs="*", type=Path, default=[], help="one for each, where classes are moved")
    parser.add_argument("--metric", required=True)
    parser.add_argument("--options", type=json.loads, default={}, help="JSON mapping of the metric's options")
    parser.add_argument("--refinement", type=json.loads, help="JSON mapping of the refinement's options")
    parser.add_argument("--plugins", nargs="*", default=[], help="Python files that register metrics and refinements")
    parser.add_argument("--out", required=True, nargs="+", type=Path, help="one for each checkpoint")
    arguments = parser.parse_args()
    for plugin in arguments.plugins:
        load_plugin(plugin)
    references = arguments.references or [None] * len(arguments.features)
    for checkpoint, path, reference, out in zip(
        arguments.checkpoints, arguments.features, references, arguments.out, strict=True
    ):
        arrays = read_arrays(path, "features", "labels")
        moved_by = ReferenceStatistics(**read_arrays(reference, "mean", "std")) if reference else None
        with about(path):
            scores = score_halves(
                arguments.metric,
                arrays["features"],
                np.asarray(arrays["labels"]),
                arguments.options,
                arguments.refinement,
                moved_by,
            )
        table = pd.DataFrame({"checkpoint": checkpoint, "half": range(len(scores)), "rank_score": scores})
        write_csv(out, table)


run(main)
