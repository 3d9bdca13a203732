"""Time all scores of one checkpoint in the paper's study, written to docs/benchmarks-study.md.

    python benchmarks/study.py                # all ten datasets
    python benchmarks/study.py flowers pets   # some of them

The features are invented (`benchmarks/one.py`), as many as each dataset has images. Metrics, their options, refinements
and baselines are those of config.yaml. Each dataset is computed in a separate process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pandas as pd
import yaml
from one import features
from pipe_table import markdown

from pedrank.catalogue.catalogue import catalogue
from pedrank.metrics._scoring import timed_scores
from pedrank.observation.statistics import ClassStatistics
from pedrank.refinements.ped import simulate
from pedrank.utils.machine import processor
from pedrank.utils.parallel import thread_count
from pedrank.utils.paths import ROOT

CHECKPOINTS = 12
HEAD = """# The scores of the whole study

`python benchmarks/study.py` on {machine}.

Seconds for one checkpoint: each metric on the raw features and after each of {refinements} refinements by PED (NLEEP
from three starts each), baselines on the raw features only. The features are invented, with 2,048 columns and a row for
each image of the dataset.

"""


def seconds_of(shape: tuple[int, int, int], study: dict) -> dict[str, float]:
    """Seconds for all scores of a checkpoint.

    Args:
        shape: Rows, columns and classes of the features.
        study: A study's configuration.

    Returns:
        Seconds by metric, all refinements together; "ped" is the computation of all refinements.
    """
    x, y, reference = features(*shape)
    settings = {key: value for key, value in study["ped"].items() if key != "lambdas"}
    start = time.perf_counter()
    statistics = ClassStatistics.from_features(x, y)
    refined = {f"ped-{lam}": simulate(statistics, reference, lam=lam, **settings) for lam in study["ped"]["lambdas"]}
    found = {"ped": time.perf_counter() - start}
    raw = {"none": None}
    for metrics, refinements in ((study["metrics"], raw | refined), (study["baselines"], raw)):
        for each in timed_scores(x, y, metrics, {}, refinements, dict.fromkeys(refinements, "invented features")):
            found[each.metric] = found.get(each.metric, 0.0) + each.seconds
    return found


def page(table: pd.DataFrame, study: dict) -> str:
    """The page, from one row of seconds for each dataset."""
    machine = f"{processor()}, {thread_count()} threads"
    total, baselines = table["all"].sum(), table[study["baselines"]].sum().sum()
    text = HEAD.format(machine=machine, refinements=len(study["ped"]["lambdas"])) + markdown(table)
    return (
        f"{text}\nFor one checkpoint, the metrics with their refinements take {total - baselines:,.0f} s, and the "
        f"baselines {baselines:,.0f} s. All scores of {CHECKPOINTS} checkpoints take "
        f"{CHECKPOINTS * total / 3600:.1f} hours.\n"
    )


def main() -> None:
    study = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", default=study["datasets"], metavar="DATASET")
    parser.add_argument("--shape", nargs=3, type=int, help=argparse.SUPPRESS)  # the separate process of one dataset
    parser.add_argument("--out", default=ROOT / "docs/benchmarks-study.md", type=Path)
    arguments = parser.parse_args()
    if arguments.shape:
        warnings.simplefilter("ignore")
        print(json.dumps(seconds_of(tuple(arguments.shape), study)))
        return
    rows = []
    for name in arguments.datasets:
        card = catalogue("datasets")[name]
        count = sum(number for number in card["counts"].values() if isinstance(number, int))
        classes = card["classes"] if isinstance(card["classes"], int) else len(card["classes"])
        command = [sys.executable, __file__, "--shape", str(count), "2048", str(classes)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")
        seconds = json.loads(done.stdout)
        rows.append({"dataset": name, "rows": count, **seconds, "all": sum(seconds.values())})
        # After each dataset: an interrupted run keeps its results.
        arguments.out.write_text(page(pd.DataFrame(rows), study), encoding="utf-8")
        print(rows[-1], file=sys.stderr)


if __name__ == "__main__":
    main()
