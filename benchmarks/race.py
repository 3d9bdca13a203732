"""Points lost by a race for a budget of fine-tuning, on hubs whose accuracies are known; writes docs/budget.md's table.

    python benchmarks/race.py
    python benchmarks/race.py --scores scores.csv --accuracies accuracies.csv --name NAME

The second form prints the table of a hub of yours; both files are read as by `pedrank evaluate`. A hub with the NAME of
a shipped one is judged by parameters that are fitted without it.
"""

import argparse
from pathlib import Path

import pandas as pd

from pedrank.catalogue.catalogue import catalogue, use_settings
from pedrank.ranking.combination_fit import fit_combination
from pedrank.ranking.combination_judge import without_hub
from pedrank.ranking.evidence_hub import Hub, hub_of
from pedrank.ranking.known_weights import imagenet_accuracy
from pedrank.ranking.race_judge import Trained, from_hub, from_seeds, raced
from pedrank.ranking.shipped_hubs import EVIDENCE, shipped_hubs
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_csv, write_text
from pedrank.user_data.evaluation_tables import read_accuracies, read_scores
from pedrank.utils.paths import ROOT

START = "<!-- Written by benchmarks/race.py -->\n"
SHARES = (0.05, 0.1, 0.25, 0.3, 0.5)
STUDY = "studies/evidence-catalogue.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", type=Path, help="CSV of scores")
    parser.add_argument("--accuracies", type=Path, help="CSV of accuracies, with sd and seeds where they are known")
    parser.add_argument("--name", default="yours", help="name of the hub in these files")
    parser.add_argument("--page", default=str(ROOT / "docs/budget.md"), help="page whose table is written again")
    arguments = parser.parse_args()
    shipped = shipped_hubs()
    if arguments.accuracies:
        hub, trained = given_hub(arguments.scores, arguments.accuracies)
        print(table(hub, trained, arguments.name, shipped))
        return
    before = Path(arguments.page).read_text(encoding="utf-8").split(START)[0]
    tll, ours = shipped["tll"], shipped["evidence"]
    use_settings({"catalogue": str(ROOT / STUDY)}, ROOT / "schemas")
    kinds = {name: catalogue("checkpoints")[name]["architecture"] for name in ours.accuracies.index}
    hubs = {"tll": from_hub(tll), "evidence": from_seeds(ours, read_csv(EVIDENCE / "evidence-seeds.csv"), kinds)}
    parts = [f"\n### {name}\n\n{table(shipped[name], trained, name, shipped)}" for name, trained in hubs.items()]
    write_text(arguments.page, before + START + "\n".join(parts))


def given_hub(scores: Path | None, accuracies: Path) -> tuple[Hub, dict[str, list[Trained]]]:
    """A hub from two tables, and its runs, which are simulated where standard deviations over seeds are known."""
    long, notes = read_accuracies(accuracies)
    of_scores, more = read_scores(scores) if scores else (None, [])
    for note in (*notes, *more):
        print(f"note: {note}")
    if of_scores is not None:
        of_scores["metric"] = of_scores["metric"].str.lower().str.replace(r"[- ]", "_", regex=True)
    known = {name: imagenet_accuracy(name) for name in long["checkpoint"].unique()}
    imagenet = pd.Series(known, dtype=float)
    hub = hub_of(long, of_scores, imagenet if imagenet.notna().any() else None)
    seeds = long["seeds"].dropna()
    if seeds.empty or long["sd"].isna().all():
        return hub, from_hub(hub)
    return hub, from_hub(hub, long.pivot(index="checkpoint", columns="dataset", values="sd"), int(seeds.median()))


def table(hub: Hub, trained: dict[str, list[Trained]], name: str, shipped: dict[str, Hub]) -> str:
    """Mean points lost over datasets, by method and budget, as Markdown."""
    parameters = fit_combination(without_hub(shipped, name, ""))
    found = raced(hub, parameters, SHARES, trained)
    means = found.groupby(["method", "share"], sort=False)[["lost", "expected"]].mean().unstack("share")
    lines = [["method", *(f"{share:.0%}" for share in SHARES)], ["---"] * (len(SHARES) + 1)]
    for method, row in means.iterrows():
        cells = [f"{row['lost', share]:.2f}" for share in SHARES]
        stated = [row["expected", share] for share in SHARES]
        cells = [f"{cell} ({each:.2f})" if each == each else cell for cell, each in zip(cells, stated, strict=True)]
        lines.append([str(method), *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    run(main)
