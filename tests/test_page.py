"""The report's words and its page: what it claims follows from the tables, and it needs no other file."""

import base64
import math
import re
from html.parser import HTMLParser

import jinja2
import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.figure import Figure

from pedrank.evaluation.summary import summarise
from pedrank.report.pages import page
from pedrank.report.pages.study_page import CROSS_DATASET_FIGURES, PAPER_FIGURES, study_page
from pedrank.report.sentences.caveats import caveats
from pedrank.report.sentences.verdict import headline, sentence, verdicts
from pedrank.report.tables.ranks import ranks
from pedrank.report.tables.table import Cell, Row, Table
from pedrank.report.templates import render
from pedrank.store.artefacts import write_csv
from pedrank.utils.paths import ROOT

DATASETS = ["x", "y", "z"]
NAMES = ["byol-tiny", "moco-tiny", "pcl-tiny", "simclr-tiny", "swav-tiny", "vicreg-tiny"]


def long(values, **columns):
    """A long table from one vector per dataset."""
    name = "rank_score" if columns else "accuracy"
    rows = [
        (dataset, checkpoint, value)
        for dataset, each in values.items()
        for checkpoint, value in zip(NAMES, each, strict=True)
    ]
    return pd.DataFrame(rows, columns=["dataset", "checkpoint", name]).assign(**columns)


def study(seed=0, noise=(0.1, 3.0)):
    """Two metrics, the first far better than the second; lambda 0.3 and 0.6 add noise to them."""
    random = np.random.default_rng(seed)
    accuracy = {dataset: 80 + random.permutation(6) + random.random(6) for dataset in DATASETS}
    scores = [
        long(
            {dataset: each + scale * random.normal(size=6) for dataset, each in accuracy.items()},
            metric=metric,
            refinement=refinement,
        )
        for metric, scale in zip(("logme", "gbc"), noise, strict=True)
        for refinement in ("none", "ped-0.3", "ped-0.6")
    ]
    table = pd.concat(scores, ignore_index=True)
    truth = long(accuracy).assign(sd=0.1, seeds=2, lr=0.1, weight_decay=1e-4)
    return table.assign(score=table["rank_score"]), truth


def write_study(folder):
    """The files that a report is made from, its figures as empty frames."""
    scores, truth = study()
    config = yaml.safe_load((ROOT / "config.yaml").read_text()) | yaml.safe_load(
        (ROOT / "studies/quickstart.yaml").read_text()
    )
    own = {"study": "small", "datasets": DATASETS, "checkpoints": NAMES, "metrics": ["logme", "gbc"]}
    config |= own | {"baselines": [], "together": True}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    write_csv(folder / "summary.csv", summarise(scores, truth))
    costs = {"seconds": 0.1, "n": 90, "d": 5, "c": 3, "threads": 1, "device": "some CPU"}
    for dataset in DATASETS:
        here = scores[scores["dataset"] == dataset]
        write_csv(folder / f"scores/{dataset}.csv", here)
        moved = here["refinement"] != "none"
        write_csv(
            folder / f"seconds/{dataset}.csv",
            here.drop(columns=["score", "rank_score"]).assign(
                **costs, refinement_seconds=np.where(moved, 0.01, math.nan)
            ),
        )
        write_csv(folder / f"ground_truth/{dataset}.csv", truth[truth["dataset"] == dataset])
    (folder / "figures").mkdir()
    for name in (*CROSS_DATASET_FIGURES, *PAPER_FIGURES, *(f"scatter-{dataset}" for dataset in DATASETS)):
        Figure(figsize=(4, 2)).savefig(folder / f"figures/{name}.png", dpi=50)


@pytest.fixture(scope="module")
def known():
    scores, truth = study()
    return summarise(scores, truth), scores, truth


def test_the_method_is_chosen_on_the_other_datasets():
    """On x, where it is tested, LogME is reversed; the others still say LogME, and so does the verdict."""
    scores, truth = study()
    reversed_on_x = scores.copy()
    reversed_on_x.loc[(scores["dataset"] == "x") & (scores["metric"] == "logme"), "rank_score"] *= -1
    summary = summarise(reversed_on_x, truth)
    answer = verdicts(summary, reversed_on_x, truth).set_index("dataset").loc["x"]
    assert answer["metric"] == "logme" and answer["tau_w"] < 0
    here = truth[truth["dataset"] == "x"].set_index("checkpoint")["accuracy"]
    assert answer["picks"] == here.idxmin()
    assert answer["regret"] == pytest.approx(here.max() - here.min())
    elsewhere = summary.query("metric == 'logme' and refinement == @answer.refinement and dataset in ['y', 'z']")
    assert answer["expected_regret"] == pytest.approx(elsewhere["regret_1"].mean())


def test_a_verdict_in_words(known):
    answer = verdicts(*known).iloc[0]
    assert headline(answer) == f"For x, fine-tune {answer['picks']}"
    said = sentence(answer)
    assert "LogME" in said and "This method has the highest mean τ_w on the other datasets" in said
    assert re.search(r"its mean regret there is \d\.\d\d points", said)
    assert "the best of all" in said  # its noise is a tenth of the steps between checkpoints
    assert re.search(r"\(95 % interval \[.*\], p = 0\.00\d, not corrected for multiple tests\)\.", said)
    doubtful = answer.copy()
    doubtful[["p_value", "regret", "static_regret"]] = [0.2, 1.5, 0.3]
    assert "not significantly better than a random one" in sentence(doubtful)
    assert "1.50 points below the best" in sentence(doubtful)
    assert "has a regret of 0.30 points" in sentence(doubtful)


def test_the_verdict_of_one_dataset_is_hindsight():
    scores, truth = (table[table["dataset"] == "x"] for table in study())
    answer = verdicts(summarise(scores, truth), scores, truth).iloc[0]
    assert answer["hindsight"]
    assert "in hindsight" in sentence(answer)
    assert "mean regret" not in sentence(answer)
    assert "Published accuracy: " in sentence(answer, "published")


def test_picks_that_tie_are_all_named():
    scores, truth = study()
    scores["rank_score"] = 1.0
    answer = verdicts(summarise(scores, truth), scores, truth).iloc[0]
    assert answer["picks"] == " or ".join(NAMES)
    assert "ranks them first." in sentence(answer) and "Measured mean accuracy of the 6: " in sentence(answer)
    assert math.isnan(answer["tau_w"])
    assert "\N{EN DASH}" in sentence(answer) and "p undefined" in sentence(answer)


def test_caveats(known):
    summary, scores, truth = known
    said = caveats(summary, scores, truth, [*NAMES, "dino-tiny"])
    assert "6 checkpoints are few" in said[0]
    assert "dino-tiny" in said[1]
    assert said[-1].startswith("In 6 cells of Table 1, ")
    assert not any("tie" in each or "saturate" in each or "uncertain" in each for each in said)


def test_ties_and_saturation_are_told_apart():
    scores, truth = study()
    at = (scores["metric"] == "gbc") & (scores["refinement"] == "none") & (scores["dataset"] == "y")
    scores.loc[at, "score"] = 0.0
    found = [each for each in caveats(summarise(scores, truth), scores, truth, NAMES) if each.startswith("GBC")]
    assert found == [
        "GBC: several checkpoints have the same score on y (6 checkpoints), because the score "
        "saturates; they are ranked by a form of it that does not saturate."
    ]
    scores.loc[at & (scores["checkpoint"].isin(NAMES[:2])), "rank_score"] = 99.0
    found = [each for each in caveats(summarise(scores, truth), scores, truth, NAMES) if each.startswith("GBC")]
    assert found[0] == "GBC: scores tie on y (2 checkpoints); the order of these checkpoints is undecided."


def test_seeds_and_the_static_ranker_are_mentioned():
    scores, truth = study(noise=(9.0, 9.0))
    scores["rank_score"] *= -1
    steady = long({dataset: range(70, 76) for dataset in DATASETS}).assign(sd=math.nan, seeds=1)
    said = " ".join(caveats(summarise(scores, steady), scores, steady, NAMES))
    assert "The standard deviation over seeds is unknown on x, y, z. Calculations that need it assume" in said
    assert "x (vicreg-tiny minus swav-tiny: 1.00 \N{PLUS-MINUS SIGN} 1.41)" in said
    assert "No method has a higher mean τ_w than the static ranker" in said


def test_ranks(known):
    _, scores, truth = known
    table = ranks(scores, truth, "y")
    assert [cell.value for cell in (row.cells[0] for row in table.rows)] == sorted(
        truth.loc[truth["dataset"] == "y", "accuracy"], reverse=True
    )
    assert sorted(row.cells[2].text for row in table.rows) == list("123456")
    assert [row.cells[1].text for row in table.rows if row.cells[1].bold] == ["1"]


def test_the_page_is_whole(tmp_path):
    write_study(tmp_path)
    first = study_page(tmp_path, ROOT / "report")
    assert study_page(tmp_path, ROOT / "report") == first
    opened, anchors, links = [], set(), set()

    class Checker(HTMLParser):
        def handle_starttag(self, tag, attributes):
            given = dict(attributes)
            if tag not in {"meta", "link", "img", "input", "br"}:
                opened.append(tag)
            anchors.add(given.get("id"))
            links.add(given.get("href"))
            assert not given.get("src", "data:").startswith("http")

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Checker().feed(first)
    assert opened == []
    assert {link[1:] for link in links if link and link.startswith("#")} <= anchors
    assert "dataset-y" in anchors
    assert "trace.html#logme--ped-0.3--mean" in links
    assert "<script" not in first
    assert first.count("<img") == len(CROSS_DATASET_FIGURES) + len(PAPER_FIGURES) + len(DATASETS)
    assert "some CPU" in first  # what the scores were timed on
    assert "weight_decays" in first  # the configuration
    assert len(re.findall(r"\b[0-9a-f]{64}\b", first)) == 2 + 2 * len(DATASETS)  # hashes


def test_words_are_escaped():
    made = page.page("a & b", page.paragraph("<i>"), [page.Section("s", "x < y", page.pairs([("<", ">")]))])
    assert "<h1>a &amp; b</h1>" in made and "&lt;i&gt;" in made and "x &lt; y" in made
    assert page.prose("\N{GREEK SMALL LETTER TAU}_w < 1") == "\N{GREEK SMALL LETTER TAU}<sub>w</sub> &lt; 1"


@pytest.mark.parametrize(
    "hostile", ["<script>alert('x')</script>", '"><b>', "{{ 7 * 7 }} {% raw %}", "&amp;", "a`b\\c"]
)
def test_a_hostile_name_stays_text(hostile, tmp_path):
    """Every place of a page that shows a name, the alternative text of a figure included."""
    png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
    rows = (Row(hostile, (Cell(hostile, 1.0, mark=hostile, small=(hostile,)),)),)
    table = Table(hostile, hostile, ((hostile, ()), (hostile, (hostile,))), rows, (hostile,), pd.DataFrame())
    (tmp_path / "a.png").write_bytes(base64.b64decode(png))
    figure = page.figure_section(tmp_path / "a.png", hostile, hostile)
    body = page.bullets([hostile, page.answer(hostile, hostile)]) + page.pairs([(hostile, hostile)])
    body += page.folded(hostile, hostile) + page.table_section(table) + figure
    made = page.page(hostile, page.paragraph(hostile), [page.Section("s", hostile, body)])
    tags, texts, alternatives = set(), [], []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            tags.add(tag)
            alternatives.extend(value for name, value in attributes if name == "alt")

        def handle_data(self, data):
            texts.append(data)

    Reader().feed(made)
    assert "script" not in tags
    assert alternatives == [hostile]
    assert "".join(texts).count(hostile) == 22  # each place once


def test_a_template_without_a_value_is_an_error():
    with pytest.raises(jinja2.UndefinedError, match="content"):
        render("folded.html.j2", summary="a")
