"""Measure what PED changes on a hub of pedrank/evidence/, and write the tables and the figure of docs/does-ped-help.md.

Every gain is a mean over datasets of tau_w with a refinement minus tau_w without it. Intervals come from a bootstrap
that draws datasets, and checkpoints within them, with replacement: the same draws for all methods.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from pipe_table import markdown
from scipy.stats import spearmanr

from pedrank.evaluation.baselines import static_ranker
from pedrank.evaluation.weighted_tau import taus_of_models, weighted_taus
from pedrank.ranking.shipped_hubs import EVIDENCE
from pedrank.report import text
from pedrank.report.figures.style import COLOURS, TAU_W, styled
from pedrank.runtime.command import run
from pedrank.store.artefacts import read_csv, write_text
from pedrank.study.plugins import load_plugin
from pedrank.utils.paths import ROOT

START = "<!-- Written by benchmarks/does_ped_help.py -->\n"
DRAWS = 2_000
ABOUT = ("dataset", "checkpoint", "d", "class_overlap")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hub", default="evidence", help="tables pedrank/evidence/HUB-*.csv")
    parser.add_argument("--folder", default=EVIDENCE, type=Path)
    parser.add_argument("--page", default=ROOT / "docs/does-ped-help.md", type=Path)
    parser.add_argument("--figure", default=ROOT / "docs/images/does-ped-help.png", type=Path)
    arguments = parser.parse_args()
    load_plugin(ROOT / "studies/full_forms.py")  # titles of the forms of metrics
    scores, accuracies, runs = (
        read_csv(arguments.folder / f"{arguments.hub}-{name}.csv") for name in ("scores", "accuracy", "seeds")
    )
    taus, drawn = measure(scores, accuracies)
    gains = gain_table(taus, drawn)
    by_dataset = dataset_table(taus, scores)
    draw(gains, by_dataset).savefig(arguments.figure, dpi=150)
    before = arguments.page.read_text(encoding="utf-8").split(START)[0]
    parts = [
        ceiling_table(taus, drawn, runs, accuracies),
        "### Gain by metric and refinement\n\n" + markdown(gain_page(gains)),
        "### Gain by dataset and overlap, mean over metrics\n\n"
        + markdown(by_dataset)
        + "\n"
        + correlations(by_dataset),
        "### Gain among networks of one width (D = 80)\n\n" + markdown(gain_page(one_width(scores, accuracies))),
    ]
    write_text(arguments.page, before + START + "\n" + "\n".join(parts))


def measure(scores: pd.DataFrame, accuracies: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """tau_w of every method on every dataset, and bootstrap draws of its mean over datasets.

    Args:
        scores: dataset, checkpoint, d, class_overlap, and a column for each method.
        accuracies: dataset, checkpoint, accuracy.

    Returns:
        tau_w, methods by datasets; (DRAWS,) means by method.
    """
    table = scores.merge(accuracies, on=["dataset", "checkpoint"])
    methods = [name for name in scores if name not in ABOUT]
    datasets = table["dataset"].unique()
    random = np.random.default_rng(0)
    chosen = random.integers(len(datasets), size=(DRAWS, len(datasets)))
    found: dict[str, dict[str, float]] = {name: {} for name in methods}
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in methods}
    for dataset in datasets:
        rows = table[table["dataset"] == dataset]
        truth, n = rows["accuracy"].to_numpy(float), len(rows)
        counts = random.multinomial(n, np.full(n, 1 / n), size=DRAWS)
        for name in methods:
            values = rows[name].to_numpy(float)
            found[name][dataset] = float(weighted_taus(values[None], truth[None])[0])
            drawn[name].append(taus_of_models(values, truth, counts))
    row = np.arange(DRAWS)[:, None]
    means = {name: np.stack(each, axis=1)[row, chosen].mean(axis=1) for name, each in drawn.items()}
    return pd.DataFrame(found).T, means


def gain_table(taus: pd.DataFrame, drawn: dict[str, np.ndarray]) -> pd.DataFrame:
    """One row for each metric and refinement, and one for the mean over metrics: the gain and its 95 % interval."""
    metrics, refinements = refined(taus)
    rows = []
    for refinement in refinements:
        pairs = {name: (f"{name}+{refinement}", name) for name in metrics}
        gains = {name: float((taus.loc[after] - taus.loc[raw]).mean()) for name, (after, raw) in pairs.items()}
        draws = {name: drawn[after] - drawn[raw] for name, (after, raw) in pairs.items()}
        gains["mean over metrics"] = float(np.mean(list(gains.values())))
        draws["mean over metrics"] = np.mean(list(draws.values()), axis=0)
        for name, gain in gains.items():
            low, high = np.nanquantile(draws[name], [0.025, 0.975])
            raw = float(taus.loc[name].mean()) if name in taus.index else float(taus.loc[metrics].mean(axis=1).mean())
            rows.append({"metric": name, "refinement": refinement, "raw": raw, "gain": gain, "low": low, "high": high})
    return pd.DataFrame(rows)


def refined(taus: pd.DataFrame) -> tuple[list[str], list[str]]:
    """The metrics that were scored on refined features, and the refinements."""
    pairs = [name.split("+") for name in taus.index if "+" in name]
    return list(dict.fromkeys(pair[0] for pair in pairs)), list(dict.fromkeys(pair[1] for pair in pairs))


def gain_page(gains: pd.DataFrame) -> pd.DataFrame:
    """The gains as they are printed: a row for each metric, a column for each refinement."""
    cells = gains.assign(
        cell=[f"{g:+.3f} [{low:+.2f}, {high:+.2f}]" for g, low, high in gains[["gain", "low", "high"]].to_numpy()],
        name=[text.metric(name) for name in gains["metric"]],
        column=gains["refinement"],
    )
    page = cells.pivot(index=["name", "raw"], columns="column", values="cell")
    page = page[list(dict.fromkeys(gains["refinement"]))].reset_index()
    order = {name: place for place, name in enumerate(dict.fromkeys(cells["name"]))}
    page = page.sort_values("name", key=lambda names: names.map(order), ignore_index=True)
    return page.rename(columns={"name": "metric", "raw": "tau_w without PED"})


def dataset_table(taus: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """For each dataset: the mean overlap of its classes, and the gain by refinement as the mean over metrics."""
    metrics, refinements = refined(taus)
    table = pd.DataFrame({"class_overlap": scores.groupby("dataset")["class_overlap"].mean()})
    for refinement in refinements:
        after = taus.loc[[f"{name}+{refinement}" for name in metrics]].to_numpy()
        table[refinement] = pd.Series((after - taus.loc[metrics].to_numpy()).mean(axis=0), taus.columns)
    return table.sort_values("class_overlap").rename_axis("dataset").reset_index()


def correlations(by_dataset: pd.DataFrame) -> str:
    """One sentence: Spearman's correlation of overlap and gain, by refinement."""
    columns = list(by_dataset.columns.drop(["dataset", "class_overlap"]))
    found = {name: spearmanr(by_dataset["class_overlap"], by_dataset[name]) for name in columns}
    parts = [f"{name}: {each.statistic:+.2f} (p = {each.pvalue:.2f})" for name, each in found.items()]
    return f"Spearman's correlation of overlap and gain over {len(by_dataset)} datasets: {', '.join(parts)}.\n"


def one_width(scores: pd.DataFrame, accuracies: pd.DataFrame, d: int = 80) -> pd.DataFrame:
    """The gains among the checkpoints with D = 80 features."""
    return gain_table(*measure(scores[scores["d"] == d], accuracies))


def ceiling_table(
    taus: pd.DataFrame, drawn: dict[str, np.ndarray], runs: pd.DataFrame, accuracies: pd.DataFrame
) -> str:
    """Two tables: accuracies beside the noise of a seed, and tau_w of every ranking beside the noise ceiling."""
    tests = runs[runs["stage"] == "test"]
    spread = []
    for dataset, rows in tests.groupby("dataset"):
        by_seed = rows.pivot(index="checkpoint", columns="seed", values="accuracy")
        means, sd = by_seed.mean(axis=1), float(np.sqrt(by_seed.var(axis=1).mean()))
        spread.append(
            {
                "dataset": dataset,
                "worst": means.min(),
                "best": means.max(),
                "sd of a seed": sd,
                "(best - worst) / sd": (means.max() - means.min()) / sd,
                "noise ceiling": halves(by_seed.to_numpy()),
            }
        )
    table = pd.DataFrame(spread)
    raw = [name for name in taus.index if "+" not in name]
    rows = [{"ranking": "noise ceiling", "tau_w": table["noise ceiling"].mean(), "low": np.nan, "high": np.nan}]
    rows += [{"ranking": "static ranker", "tau_w": static(accuracies), "low": np.nan, "high": np.nan}]
    for name in raw:
        low, high = np.nanquantile(drawn[name], [0.025, 0.975])
        rows.append({"ranking": text.metric(name), "tau_w": taus.loc[name].mean(), "low": low, "high": high})
    ranked = pd.DataFrame(rows).sort_values("tau_w", ascending=False)
    return (
        "### Accuracies and the noise of a seed\n\nNoise ceiling: tau_w between the mean accuracies of two halves of "
        f"the seeds, mean over all ways to halve them.\n\n{markdown(table)}\n"
        f"### Mean tau_w without a refinement\n\n{markdown(ranked)}"
    )


def halves(accuracies: np.ndarray) -> float:
    """Mean tau_w between the means of two disjoint groups of floor(S / 2) seeds; accuracies are (n, S)."""
    seeds = range(accuracies.shape[1])
    size = len(seeds) // 2
    taus = []
    for first in combinations(seeds, size):
        for second in combinations([seed for seed in seeds if seed not in first], size):
            left, right = (accuracies[:, list(part)].mean(axis=1) for part in (first, second))
            taus.append(weighted_taus(left[None], right[None])[0])
    return float(np.nanmean(taus))


def static(accuracies: pd.DataFrame) -> float:
    """Mean tau_w of the static ranker."""
    wide = accuracies.pivot(index="checkpoint", columns="dataset", values="accuracy")
    taus = [
        weighted_taus(rows["rank_score"].to_numpy()[None], wide.loc[rows["checkpoint"], name].to_numpy()[None])[0]
        for name, rows in static_ranker(wide).groupby("dataset")
    ]
    return float(np.mean(taus))


@styled
def draw(gains: pd.DataFrame, by_dataset: pd.DataFrame) -> Figure:
    """Left: PED's gain by metric and lambda, with intervals. Right: the gain by overlap of the datasets."""
    figure = Figure(figsize=(6.9, 6.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    names = list(dict.fromkeys(gains["metric"]))[::-1]
    lambdas = [name for name in dict.fromkeys(gains["refinement"]) if name.startswith("ped-")]
    for number, lam in enumerate(lambdas):
        rows = gains[gains["refinement"] == lam].set_index("metric").loc[names]
        place = np.arange(len(names)) + 0.18 * (len(lambdas) / 2 - number)
        errors = np.array([rows["gain"] - rows["low"], rows["high"] - rows["gain"]])
        look = {"color": COLOURS[number], "label": f"λ = {lam.removeprefix('ped-')}"}
        left.errorbar(rows["gain"], place, xerr=errors, fmt="o", ms=2.5, lw=0.8, **look)
        right.plot(np.arange(len(by_dataset)), by_dataset[lam], "o", ms=4, **look)
    left.set_yticks(np.arange(len(names)), [text.metric(name) for name in names])
    for axes in (left, right):
        (axes.axvline if axes is left else axes.axhline)(0, color="black", lw=0.8)
    left.set_xlabel(f"{TAU_W} with PED minus without")
    right.legend(loc="lower left")
    right.set_xlabel("dataset, by the overlap of its classes")
    right.set_ylabel("gain, mean over metrics")
    labels = [f"{row['dataset']}, {row['class_overlap']:.3f}" for row in by_dataset.to_dict("records")]
    right.set_xticks(np.arange(len(labels)), labels, rotation=90)
    return figure


run(main)
