"""Printed tables: what stands in a cell, and that each format is well-formed."""

import math
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from pedrank.evaluation.summary import summarise
from pedrank.report import text
from pedrank.report.tables.accuracies import accuracies
from pedrank.report.tables.html import html
from pedrank.report.tables.latex import latex
from pedrank.report.tables.markdown import markdown
from pedrank.report.tables.selection import selection
from pedrank.report.tables.table import Cell, Row, Table
from pedrank.report.tables.table1 import table1
from pedrank.report.tables.table1_published import table1_published
from pedrank.report.tables.table2 import table2
from pedrank.report.tables.write import write_table
from pedrank.store.artefacts import read_csv
from pedrank.utils.paths import PUBLISHED

VOID = {"meta"}


@pytest.fixture(scope="module")
def summary():
    """Six checkpoints, datasets x and y; lambda 0.3 makes LogME's ranking perfect on x and ties all scores on y."""
    random = np.random.default_rng(0)
    names = [f"c{i}" for i in range(6)]
    truth = pd.DataFrame({"dataset": ["x"] * 6 + ["y"] * 6, "checkpoint": names * 2, "accuracy": random.random(12)})
    tied = truth["accuracy"].where(truth["dataset"] == "x", 1.0)
    scores = [("none", random.random(12)), ("ped-0.3", tied), ("ped-0.6", random.random(12))]
    return summarise(
        pd.concat([truth.assign(metric="logme", refinement=name, rank_score=each) for name, each in scores]), truth
    )


@pytest.fixture(scope="module")
def seconds():
    rows = [
        (dataset, f"c{i}", metric, refinement, cost * (i + 1), 0.001 * (i + 1) if refinement != "none" else math.nan)
        for dataset, cost in (("x", 1), ("y", 10))
        for i in range(3)
        for metric in ("logme", "gbc")
        for refinement in ("none", "ped-0.3")
    ]
    columns = ["dataset", "checkpoint", "metric", "refinement", "seconds", "refinement_seconds"]
    return pd.DataFrame(rows, columns=columns).assign(n=1437, d=80, c=10, threads=2, device="some CPU")


AWKWARD = Table(
    name="Table 9",
    title="50% of A_b & <c> \N{GREEK SMALL LETTER LAMDA}",
    head=(("Method", ()), ("a_b", ("N = 1", "D = 2"))),
    rows=(
        Row("p & q_1", (Cell(f"{text.MINUS}0.5", -0.5, mark="**", bold=True, small=("[0, 1]",)),), starts=True),
        Row("{r}", (Cell(text.UNDEFINED, math.nan),), aside=True),
    ),
    notes=("* p < 0.05 \\ ~ ^",),
    numbers=pd.DataFrame({"a_b": [-0.5, math.nan]}),
)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (text.tau(0.12345), "0.123"),
        (text.tau(-0.5), "\N{MINUS SIGN}0.500"),
        (text.tau(-0.0001), "0.000"),
        (text.tau(math.nan), "\N{EN DASH}"),
        (text.short_tau(-0.123), "\N{MINUS SIGN}.12"),
        (text.short_tau(-0.001), "0"),
        (text.short_tau(-0.999), "\N{MINUS SIGN}1"),
        (text.short_tau(0.996), "1"),
        (text.accuracy(91.26), "91.3"),
        (text.accuracy(91.26, 0.51), "91.3 \N{PLUS-MINUS SIGN} 0.5"),
        (text.points(0.426), "0.43"),
        (text.percent(0.9949), "99.5%"),
        (text.share(0.336), "34%"),
        (text.share(math.nan), "\N{EN DASH}"),
        (text.p(0.0004), "p < 0.001"),
        (text.p(0.0316), "p = 0.032"),
        (text.p(math.nan), "p undefined"),
        (text.difference(0.25), "+0.250"),
        (text.difference(-0.0001), "+0.000"),
        (text.difference(-0.25), "\N{MINUS SIGN}0.250"),
        (text.difference(math.nan), "\N{EN DASH}"),
        (text.interval(-0.123, 1.0), "[\N{MINUS SIGN}0.12, 1.00]"),
        (text.interval(math.nan, math.nan), "\N{EN DASH}"),
        (text.significance(0.05), ""),
        (text.significance(0.049), "*"),
        (text.significance(0.0099), "**"),
        (text.significance(math.nan), ""),
        (text.seconds(1234.5), "1,234"),
        (text.seconds(12.34), "12"),
        (text.seconds(9.96), "10"),
        (text.seconds(9.94), "9.9"),
        (text.seconds(0.123), "0.12"),
        (text.seconds(0.00123), "0.0012"),
        (text.seconds(0.0), "0.00000"),
        (text.seconds(math.nan), "\N{EN DASH}"),
        (text.refinement("none"), ""),
        (text.refinement("ped-0.3"), "+PED, \N{GREEK SMALL LETTER LAMDA} = 0.3"),
        (text.metric("logme"), "LogME"),
        (text.metric("new"), "new"),
    ],
)
def test_numbers_and_names(printed, expected):
    assert printed == expected


def test_table1_cells(summary):
    table = table1(summary)
    assert [name for name, _ in table.head] == ["Method", "x", "y", "Mean"]
    assert [row.label for row in table.rows] == [
        "LogME",
        *(f"LogME+PED, \N{GREEK SMALL LETTER LAMDA} {how}" for how in ("= 0.3", "= 0.6", "by consensus", "by oracle")),
        "Static ranker",
        "Random",
    ]
    raw, perfect, _, _, oracle, static, random = table.rows
    assert perfect.cells[0].text == "1.000"
    assert perfect.cells[0].mark == "**"  # p = 1/720, the only dataset of this row that can be tested
    assert random.cells[0].text == "0.000" and not random.cells[0].mark
    assert perfect.cells[0].small[0] == "[1.00, 1.00]"
    gain = 1 - raw.cells[0].value
    assert perfect.cells[0].small[1].strip(f"(){text.DAGGER}") == text.difference(gain)
    assert len(raw.cells[0].small) == 1  # nothing to compare the raw features with
    assert perfect.cells[1] == Cell(text.UNDEFINED, perfect.cells[1].value)
    assert [row.starts for row in table.rows] == [True, False, False, False, False, True, False]
    assert [row.aside for row in table.rows] == [False, False, False, False, True, False, False]
    assert static.cells[0].value == summary.set_index(["metric", "dataset"]).loc[("static-ranker", "x"), "tau_w"]
    assert any("undefined" in note for note in table.notes)


def test_best_of_a_column_is_bold_and_never_the_oracle(summary):
    for column in range(3):
        cells = {row.label: row.cells[column] for row in table1(summary).rows}
        honest = {label: cell for label, cell in cells.items() if "oracle" not in label and label != "Random"}
        best = max(cell.value for cell in honest.values() if not math.isnan(cell.value))
        assert [label for label, cell in cells.items() if cell.bold] == [
            label for label, cell in honest.items() if cell.value == best
        ]


def test_table1_numbers_are_the_summary(summary):
    numbers = table1(summary).numbers.set_index(["metric", "refinement"])
    assert list(numbers.columns) == ["x", "y", "mean"]
    for row in summary.itertuples():
        np.testing.assert_equal(numbers.loc[(row.metric, row.refinement), row.dataset], row.tau_w)


def test_table2(seconds):
    table = table2(seconds)
    assert table.head[1] == ("x", ("N = 1,437", "D = 80", "C = 10"))
    # Raw scores only, and the median of 1, 2, 3 times the cost; PED's own cost does not depend on the dataset here.
    assert {row.label: [cell.text for cell in row.cells] for row in table.rows} == {
        "LogME": ["2.0", "20"],
        "GBC": ["2.0", "20"],
        "PED": ["0.0020", "0.0020"],
    }
    assert "2 threads of some CPU" in table.notes[0]
    assert list(table.numbers.columns) == ["method", "dataset", "seconds", "n", "d", "c", "threads", "device"]
    assert table.numbers.set_index(["method", "dataset"])["seconds"].to_dict() == {
        ("logme", "x"): 2,
        ("gbc", "x"): 2,
        ("logme", "y"): 20,
        ("gbc", "y"): 20,
        ("ped", "x"): 0.002,
        ("ped", "y"): 0.002,
    }


def test_selection(summary):
    table = selection(summary)
    mean = summary[summary["dataset"] == "mean"].set_index(["metric", "refinement"])
    assert [row.label for row in table.rows] == [row.label for row in table1(summary).rows]
    raw, oracle, random = table.rows[0], table.rows[4], table.rows[6]
    assert raw.cells[0].text == text.points(mean.loc[("logme", "none"), "regret_1"])
    assert raw.cells[1].text == text.points(mean.loc[("logme", "none"), "regret_2"])
    assert raw.cells[4].text == text.share(mean.loc[("logme", "none"), "p_best"])
    assert random.cells[-1].text == text.UNDEFINED
    assert not any(cell.bold for row in (oracle, random) for cell in row.cells)
    regrets = [row.cells[0] for row in table.rows if row is not oracle and row is not random]
    assert {cell.value for cell in regrets if cell.bold} == {min(cell.value for cell in regrets)}


@pytest.fixture(scope="module")
def truth():
    rows = [
        ("x", "a_b", 90.04, 0.26, 2),
        ("x", "c", 91, 0.1, 2),
        ("y", "a_b", 70.0, math.nan, 1),
        ("y", "c", 60, math.nan, 1),
    ]
    return pd.DataFrame(rows, columns=["dataset", "checkpoint", "accuracy", "sd", "seeds"])


def test_accuracies(truth):
    table = accuracies(truth)
    assert [[cell.text for cell in row.cells] for row in table.rows] == [
        ["90.0 \N{PLUS-MINUS SIGN} 0.3", "70.0", "80.0"],
        ["91.0 \N{PLUS-MINUS SIGN} 0.1", "60.0", "75.5"],
    ]
    assert [[cell.bold for cell in row.cells] for row in table.rows] == [[False, True, True], [True, False, False]]
    assert "over 2 seeds" in table.notes[1]
    assert "on y." in table.notes[2] and "0.5 percentage points" in table.notes[2]


@pytest.fixture(scope="module")
def papers():
    """A summary in which every tau_w is the printed one plus 0.1, and that holds a metric the paper does not have."""
    printed = pd.read_csv(PUBLISHED / "table1.csv", keep_default_na=False)
    same = printed[printed["refinement"] == "none"]
    moved = [printed[printed["refinement"] == "ped"].assign(refinement=name) for name in ("ped-0.3", "ped-oracle")]
    ours = pd.concat([same, *moved, same[same["metric"] == "logme"].assign(metric="knn")])
    return ours.assign(tau_w=ours["tau_w"] + 0.1)


def test_published_stands_beside_measured(papers):
    table = table1_published(papers, read_csv(PUBLISHED / "table1.csv"))
    assert [row.label for row in table.rows if "PED" not in row.label] == ["NLEEP", "PARC", "LogME", "SFDA", "GBC"]
    assert [name for name, _ in table.head][1:] == [*papers["dataset"].unique(), "Mean"]
    assert {cell.small[1] for row in table.rows for cell in row.cells} == {"(+0.100)"}
    logme = next(row for row in table.rows if row.label == "LogME")
    assert (logme.cells[0].text, logme.cells[0].small[0]) == ("0.323", "printed 0.223")
    assert logme.cells[-1].small[0] == "printed 0.358"  # the paper's own mean
    numbers = table.numbers.set_index(["metric", "refinement", "dataset"])
    assert numbers.loc[("sfda", "ped-oracle", "mean"), "published"] == pytest.approx(0.628, abs=5e-4)


@pytest.fixture(params=["table1", "large", "table2", "awkward", "selection", "accuracies", "published"])
def table(request, summary, seconds, truth, papers):
    made = {
        "table1": lambda: table1(summary),
        "large": lambda: replace(table1(summary), rows=table1(summary).rows * 6),  # more than the paper's study has
        "table2": lambda: table2(seconds),
        "awkward": lambda: AWKWARD,
        "selection": lambda: selection(summary),
        "accuracies": lambda: accuracies(truth),
        "published": lambda: table1_published(papers, read_csv(PUBLISHED / "table1.csv")),
    }
    return made[request.param]()


def test_markdown_lines_up(table):
    lines = [line for line in markdown(table).splitlines() if line.startswith("|")]
    assert len(lines) == len(table.rows) + 2
    assert len({tuple(match.start() for match in re.finditer(r"\|", line)) for line in lines}) == 1


def test_latex_is_balanced(table):
    source = latex(table)
    bare = re.sub(r"\\[\\&%$#_{}]", "", source)
    depth = np.cumsum([(character == "{") - (character == "}") for character in bare])
    assert depth.min() == 0
    assert depth[-1] == 0
    assert bare.count("$") % 2 == 0
    begun, ended = (re.findall(rf"\\{word}{{(\S+?)}}", source) for word in ("begin", "end"))
    assert sorted(begun) == sorted(ended)
    body = [line for line in source.splitlines() if line.endswith(r"\\")]
    assert {len(re.findall(r"(?<!\\)&", line)) for line in body} == {len(table.head) - 1}
    assert source.isascii()


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX engine here")
def test_latex_compiles(table, tmp_path):
    (tmp_path / "table.tex").write_text(latex(table))
    packages = r"\usepackage{booktabs,graphicx}"
    document = rf"\documentclass{{article}}{packages}\begin{{document}}\input{{table}}\end{{document}}"
    (tmp_path / "main.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    if "booktabs.sty' not found" in run.stdout:
        pytest.skip("no booktabs here")
    assert run.returncode == 0, run.stdout[-2000:]
    assert "Overfull" not in run.stdout
    assert "too large" not in run.stdout


def test_html_is_well_formed(table):
    opened, texts = [], []

    class Checker(HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag not in VOID:
                opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

        def handle_data(self, data):
            texts.append(data)

    page = html(table)
    Checker().feed(page)
    assert opened == []
    for row in table.rows:
        assert row.label in texts
    # Inside the report the page stands in a JavaScript string, which </script> would end.
    assert "<script" not in page
    assert "http" not in page


def test_awkward_characters():
    assert r"| p & q_1 | **−0.5**\*\* [0, 1]" in markdown(AWKWARD)
    source = latex(AWKWARD)
    assert r"p \& q\_1 & \textbf{$-$0.5}$^{**}$ \\" in source
    assert r"\textit{\{r\}} & -- \\" in source
    assert r"50\% of A\_b \& $<$c$>$ $\lambda$" in source
    assert "50% of A_b &amp; &lt;c&gt;" in html(AWKWARD)


def test_write_every_format(summary, tmp_path):
    paths = [tmp_path / f"table1.{suffix}" for suffix in ("csv", "md", "tex", "html")]
    write_table(table1(summary), paths)
    first = [path.read_bytes() for path in paths]
    assert first[0].startswith(b"metric,refinement,x,y,mean\nlogme,none,")
    write_table(table1(summary), paths)
    assert [path.read_bytes() for path in paths] == first
