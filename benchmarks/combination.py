"""Fit pedrank.combine on the shipped hubs, judge it on hubs left out, and write its parameters, page and figures."""

import argparse
from pathlib import Path

import combination_figures
import pandas as pd
from pipe_table import markdown

from pedrank.ranking import combination_judge as judge
from pedrank.ranking.combination_fit import fit_combination
from pedrank.ranking.combine import PARAMETERS
from pedrank.ranking.shipped_hubs import shipped_hubs
from pedrank.runtime.command import run
from pedrank.store.artefacts import write_json, write_text
from pedrank.utils.paths import ROOT

START = "<!-- Written by benchmarks/combination.py -->\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=str(PARAMETERS), help="JSON file of the parameters")
    parser.add_argument("--page", default=str(ROOT / "docs/combine.md"), help="page whose tables are written again")
    parser.add_argument("--fitted-on", required=True, help="date for the card, such as 2026-11-27")
    parser.add_argument("--figures", default=ROOT / "docs/images", type=Path, help="folder of combine-*.png")
    arguments = parser.parse_args()
    hubs = shipped_hubs()
    scores, answers = judge.judged(hubs), judge.reliability(hubs)
    card = judge.card_of(hubs, scores, answers, arguments.fitted_on)
    write_json(arguments.out, {**fit_combination(judge.independent(hubs)), "card": card})
    for name, table in (("gains", scores), ("reliability", answers)):
        getattr(combination_figures, name)(table).savefig(arguments.figures / f"combine-{name}.png", dpi=150)
    flattering = judge.judged(hubs, datasets_alone=True)
    before = Path(arguments.page).read_text(encoding="utf-8").split(START)[0]
    write_text(arguments.page, before + START + tables(hubs, scores, flattering, answers))


def tables(hubs: dict, scores: pd.DataFrame, flattering: pd.DataFrame, answers: pd.DataFrame) -> str:
    """The page's tables."""
    without = scores[scores["prior"] == "none"].pivot_table(index="hub", columns="method", values="tau_w", sort=False)
    metrics = without.drop(columns=[judge.COMBINED, judge.EXPECTED])
    alone = pd.DataFrame({
        "combine": without[judge.COMBINED], "mean of the metrics": metrics.mean(axis=1), "LogME": metrics["logme"],
        "best metric": metrics.max(axis=1), "its name": metrics.idxmax(axis=1),
        "expected slopes": without[judge.EXPECTED],
    })  # fmt: skip
    parts = ["\n### Without a prior, hub left out\n\nMean tau_w.\n", markdown(alone.reset_index())]
    for title, table in (("hub left out", scores), ("dataset left out (flattering)", flattering)):
        for method in (judge.COMBINED, judge.EXPECTED):
            parts += [
                f"\n### {method.capitalize()} minus the prior alone, {title}\n",
                differences(table, method, judge.PRIOR),
            ]
    parts += ["\n### Combine minus features alone, hub left out\n", differences(scores, judge.COMBINED, judge.FEATURES)]
    judged = answers.assign(right=answers["lost"] <= 1, covered=answers["lost"] <= answers["high"])
    judged["P"] = pd.cut(judged["within_one"], [0, 0.5, 0.7, 0.8, 0.9, 1]).astype(str)
    groups = judged.groupby(["basis", "P"])
    columns = {"within_one": "predicted", "right": "observed", "regret": "expected regret", "lost": "mean regret"}
    means = groups[list(columns)].mean().rename(columns=columns)
    means["below the 95th percentile"] = groups["covered"].mean()
    means.insert(0, "answers", groups.size())
    parts += ["\n### P(within one point), hub left out\n", markdown(means.reset_index())]
    return "\n".join(parts)


def differences(table: pd.DataFrame, method: str, other: str) -> str:
    """Paired differences of two methods as Markdown."""
    return markdown(judge.paired(table, method, other))


run(main)
