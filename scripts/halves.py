"""Score checkpoints on random halves of a dataset's rows, to show how much a ranking depends on the images."""

import argparse
import json

import numpy as np
import pandas as pd

from pedrank.formats.yaml_file import read_yaml
from pedrank.observation.statistics import ReferenceStatistics
from pedrank.ranking.halves import score_halves
from pedrank.ranking.twins import fingerprint
from pedrank.runtime.arguments import PATTERN, add_study
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_arrays, read_metadata, write_csv
from pedrank.study.names import paths, refinements
from pedrank.study.plugins import load_plugin
from pedrank.utils.errors import about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", required=True, help=PATTERN)
    parser.add_argument("--references", help=f"{PATTERN}; needed if the ranking uses a refinement")
    add_study(parser)
    parser.add_argument("--metric", required=True)
    parser.add_argument("--options", type=json.loads, default={}, help="JSON mapping of metrics to their options")
    parser.add_argument("--plugins", nargs="*", default=[], help="Python files that register metrics and refinements")
    parser.add_argument("--out", required=True, help=PATTERN)
    arguments = parser.parse_args()
    for plugin in arguments.plugins:
        load_plugin(plugin)
    refinement = None
    if arguments.references:
        config = read_yaml(arguments.study)
        refinement = refinements(config)[config["ranking"]["refinement"]]
    features, outs = (paths([each], arguments.study) for each in (arguments.features, arguments.out))
    references = paths([arguments.references], arguments.study) if arguments.references else [None] * len(features)
    for path, reference, out in zip(features, references, outs, strict=True):
        arrays = read_arrays(path, "features", "labels")
        moved_by = ReferenceStatistics(**read_arrays(reference, "mean", "std")) if reference else None
        with about(path):
            scores = score_halves(
                arguments.metric,
                arrays["features"],
                np.asarray(arrays["labels"]),
                arguments.options.get(arguments.metric, {}),
                refinement,
                moved_by,
            )
        images = read_metadata(path).get(
            "scored_images", len(arrays["labels"])
        )  # a user's own features have one row each
        table = {"checkpoint": path.stem, "half": range(len(scores)), "rank_score": scores, "images": images}
        write_csv(out, pd.DataFrame(table | {"features": fingerprint(arrays["features"])}))


run(main)
