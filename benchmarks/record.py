"""How many recorded datasets make a prior that ranks better than features; writes the table of docs/combine.md.

    python benchmarks/record.py

A record holds the accuracies of some checkpoints of a hub on some of its other datasets: all checkpoints, or the three
that features put first. The combination takes it as its only prior; parameters are fitted without the hub.
"""

import argparse
from itertools import combinations

import numpy as np
import pandas as pd

from pedrank.evaluation.correlation import weighted_tau
from pedrank.ranking.combination_fit import fit_combination
from pedrank.ranking.combination_judge import without_hub
from pedrank.ranking.combine import combine
from pedrank.ranking.evidence_hub import Hub, raw_scores
from pedrank.ranking.recorded import with_record
from pedrank.ranking.shipped_hubs import shipped_hubs
from pedrank.runtime.command import run
from pedrank.store.artefacts import write_text
from pedrank.utils.paths import ROOT

START, END = "<!-- Written by benchmarks/record.py -->\n", "<!-- End -->\n"
COUNTS = (1, 2, 3, 4, 5)
SUBSETS = 30  # of the other datasets, at most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    page = ROOT / "docs/combine.md"
    before, rest = page.read_text(encoding="utf-8").split(START)
    head = "| hub | recorded | " + " | ".join(map(str, COUNTS)) + " | features alone |"
    lines = [head, "|---|---|" + "---|" * (len(COUNTS) + 1)]
    shipped = shipped_hubs()
    for name in ("tll", "evidence"):
        parameters = fit_combination(without_hub(shipped, name, ""))
        for chosen in (None, 3):
            means = [judged(shipped[name], parameters, count, chosen) for count in (*COUNTS, 0)]
            cells = " | ".join(f"{tau:.2f}, {lost:.2f}" for tau, lost in means)
            lines.append(f"| {name} | {'all' if chosen is None else f'top {chosen}'} | {cells} |")
    write_text(page, before + START + "\n".join(lines) + "\n" + END + rest.split(END)[1])


def judged(hub: Hub, parameters: dict, count: int, chosen: int | None) -> tuple[float, float]:
    """Mean tau_w and mean points lost with this many recorded datasets."""
    tables = {name: raw_scores(table) for name, table in hub.scores.items()}
    spread = float(np.exp(parameters["points"]["log_mean"]))
    outcomes = []
    for target, table in tables.items():
        truth = hub.accuracies[target]
        subsets = list(combinations([name for name in tables if name != target], count))
        picked = np.random.default_rng(0).permutation(len(subsets))[:SUBSETS]
        for at in picked:
            recorded = [rows(hub, name, tables[name], parameters, chosen) for name in subsets[at]]
            nothing = pd.Series(np.nan, truth.index)
            long = pd.concat(recorded) if recorded else pd.DataFrame(columns=["group", "checkpoint", "accuracy"])
            prior = with_record(nothing, nothing.fillna(0), long, spread, fewest=1)["prior"]
            found = combine(table, prior, parameters)
            lost = float(truth.max() - truth[found.idxmax()])
            outcomes.append((target, weighted_tau(found.to_numpy(), truth.to_numpy()), lost))
    means = pd.DataFrame(outcomes, columns=["target", "tau", "lost"]).groupby("target").mean()
    return float(means["tau"].mean()), float(means["lost"].mean())


def rows(hub: Hub, dataset: str, table: pd.DataFrame, parameters: dict, chosen: int | None) -> pd.DataFrame:
    """The record of one dataset."""
    accuracies = hub.accuracies[dataset]
    if chosen is not None:
        accuracies = accuracies[combine(table, None, parameters).nlargest(chosen).index]
    return pd.DataFrame({"group": dataset, "checkpoint": accuracies.index, "accuracy": accuracies.to_numpy()})


if __name__ == "__main__":
    run(main)
