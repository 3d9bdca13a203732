"""`pedrank evaluate`: anyone's scores, judged as a study judges its own."""

import json
import math
import re
import subprocess
import sys
from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata, weightedtau

from pedrank.cli import main
from pedrank.evaluation.judge import judge
from pedrank.evaluation.sub_hubs import sub_hubs
from pedrank.evaluation.summary import summarise
from pedrank.user_data.evaluation_tables import read_about, read_accuracies, read_scores
from pedrank.utils.errors import InputError
from pedrank.utils.paths import PUBLISHED, ROOT

CHECKPOINTS = ["byol", "dino", "moco", "simclr", "swav", "vicreg"]
DATASETS = ["dtd", "pets", "cars"]


def random_tables(seed=0, metrics=("logme", "mine"), checkpoints=CHECKPOINTS, datasets=DATASETS):
    """Scores and accuracies in long form, with no ties."""
    random = np.random.default_rng(seed)
    truth, scores = [], []
    for dataset in datasets:
        accuracies = random.uniform(60, 95, len(checkpoints)).round(2)
        truth += [(dataset, *row) for row in zip(checkpoints, accuracies, strict=True)]
        for metric in metrics:
            noisy = (accuracies / 10 + random.normal(size=len(checkpoints))).round(4)
            scores += [
                (dataset, checkpoint, metric, value) for checkpoint, value in zip(checkpoints, noisy, strict=True)
            ]
    return (
        pd.DataFrame(scores, columns=["dataset", "checkpoint", "metric", "score"]),
        pd.DataFrame(truth, columns=["dataset", "checkpoint", "accuracy"]),
    )


SCORES, TRUTH = random_tables()


def write(folder, scores=SCORES, truth=TRUTH, **how):
    scores.to_csv(folder / "scores.csv", index=False, **how)
    truth.to_csv(folder / "accuracies.csv", index=False, **how)
    return [str(folder / "scores.csv"), str(folder / "accuracies.csv")]


def evaluated(folder, *more):
    """Run the command on the tables in a folder; return its summary."""
    files = [str(folder / "scores.csv"), str(folder / "accuracies.csv")]
    assert main(["evaluate", *files, "--out", str(folder / "out"), *more]) == 0
    return pd.read_csv(folder / "out/summary.csv", keep_default_na=False, na_values=[""])


def means(summary):
    return summary[summary["dataset"] == "mean"].set_index(["metric", "refinement"])


# The numbers


def test_the_summary_is_that_of_a_study(tmp_path):
    """The same bytes as the step `summary` of the workflow writes, refinements and rank scores included."""
    random = np.random.default_rng(1)
    refined = [SCORES.assign(refinement=name, score=random.normal(size=len(SCORES))) for name in ("ped-0.3", "ped-0.6")]
    scores = pd.concat([SCORES.assign(refinement="none"), *refined])
    scores["rank_score"] = scores["score"] ** 3
    truth = TRUTH.assign(sd=0.4, seeds=3)
    files = write(tmp_path, scores, truth)
    command = [sys.executable, ROOT / "scripts/summary.py", "--scores", files[0], "--ground-truth", files[1]]
    command += ["--out", tmp_path / "study.csv", "--made-by", tmp_path / "made-by.json"]
    subprocess.run(command, check=True, cwd=tmp_path)
    evaluated(tmp_path)
    assert (tmp_path / "out/summary.csv").read_bytes() == (tmp_path / "study.csv").read_bytes()


def test_tau_regret_and_fidelity_from_other_libraries():
    found = judge(SCORES, TRUTH).summary.set_index(["metric", "dataset"])
    for metric in ("logme", "mine"):
        expected = []
        for dataset in DATASETS:
            scores = SCORES[(SCORES["dataset"] == dataset) & (SCORES["metric"] == metric)]["score"].to_numpy()
            accuracies = TRUTH[TRUTH["dataset"] == dataset]["accuracy"].to_numpy()
            pairs = np.array(
                [(scores[i] - scores[j], accuracies[i] - accuracies[j]) for i, j in permutations(range(6), 2)]
            )
            by_score = accuracies[np.argsort(-scores)]
            regrets = [accuracies.max() - by_score[:k].max() for k in (1, 2, 3)]
            orders = [weightedtau(scores, accuracies[list(order)]).statistic for order in permutations(range(6))]
            p_value = np.mean(np.array(orders) >= orders[0] - 1e-12)
            expected.append([orders[0], np.corrcoef(pairs.T)[0, 1], p_value, *regrets])
            columns = ["tau_w", "fidelity", "p_value", "regret_1", "regret_2", "regret_3"]
            assert found.loc[(metric, dataset), columns].to_list() == pytest.approx(expected[-1], abs=1e-12)
        mean = np.mean(expected, axis=0)
        columns.remove("p_value")
        assert found.loc[(metric, "mean"), columns].to_list() == pytest.approx(np.delete(mean, 2), abs=1e-12)


def test_the_static_ranker_of_the_published_accuracies():
    """0.675 on the paper's ten datasets, which a separate calculation found."""
    truth = pd.read_csv(PUBLISHED / "accuracy.csv")
    truth = truth[(truth["regime"] == "full") & ~truth["dataset"].isin(["sun397"])]
    scores = truth[["dataset", "checkpoint"]].assign(metric="mine", score=range(len(truth)))
    paper = ["aircraft", "caltech101", "cars", "cifar10", "cifar100", "flowers", "voc2007", "pets", "food", "dtd"]
    found = judge(scores[scores["dataset"].isin(paper)], truth)
    assert means(found.summary).loc[("static-ranker", "none"), "tau_w"] == pytest.approx(0.6746, abs=5e-5)


def test_differences_by_hand():
    scores, truth = random_tables(3, checkpoints=CHECKPOINTS[:4], datasets=DATASETS[:2])
    judged = judge(scores, truth)
    taus = judged.summary.set_index(["dataset", "metric"])["tau_w"]
    by_dataset = []
    for dataset in DATASETS[:2]:
        one, two = (
            scores[(scores["dataset"] == dataset) & (scores["metric"] == name)]["score"] for name in ("logme", "mine")
        )
        accuracies, one, two = truth[truth["dataset"] == dataset]["accuracy"].to_numpy(), rankdata(one), rankdata(two)
        each = []
        for pattern in product([False, True], repeat=4):
            swapped = np.where(pattern, two, one), np.where(pattern, one, two)
            each.append(np.subtract(*(weightedtau(ranks, accuracies).statistic for ranks in swapped)))
        by_dataset.append(np.array(each))
    rows = judged.differences[(judged.differences["metric"] == "logme") & (judged.differences["other"] == "mine")]
    assert rows["dataset"].to_list() == ["dtd", "pets", "mean"]
    for row, swapped in zip(rows.itertuples(), [*by_dataset, np.mean(by_dataset, axis=0)], strict=True):
        assert row.difference == pytest.approx(taus[row.dataset, "logme"] - taus[row.dataset, "mine"])
        assert row.difference == pytest.approx(swapped[0])
        assert row.p_value == np.mean(np.abs(swapped) >= abs(swapped[0]) - 1e-12)
        assert row.low <= row.difference <= row.high
    single = judged.differences[judged.differences["dataset"] == "mean"]
    assert len(single) == 3  # two metrics and the static ranker
    assert (single["p_holm"] >= single["p_value"]).all()
    assert single["p_holm"].min() == pytest.approx(min(1, 3 * single["p_value"].min()))


def test_a_method_equals_itself_under_another_name():
    twice = pd.concat([SCORES, SCORES[SCORES["metric"] == "mine"].assign(metric="twin")])
    table = judge(twice, TRUTH).differences.set_index(["dataset", "metric", "other"])
    same = table.loc[("mean", "mine", "twin")]
    assert same[["difference", "low", "high"]].to_list() == [0, 0, 0]
    assert same["p_value"] == 1


def test_a_copied_column_is_noted():
    copied = SCORES[(SCORES["metric"] == "mine") & (SCORES["dataset"] == "dtd")].assign(metric="twin")
    rest = SCORES[(SCORES["metric"] == "logme") & (SCORES["dataset"] != "dtd")].assign(metric="twin")
    (note,) = judge(pd.concat([SCORES, copied, rest.assign(score=-rest["score"])]), TRUTH).notes
    assert note == "'mine' and 'twin' have the same scores on 'dtd'; check that none is a copy."


def test_a_score_of_which_lower_is_better_is_noted():
    loss = TRUTH.assign(metric="loss", score=100 - TRUTH["accuracy"]).drop(columns="accuracy")
    (note,) = judge(pd.concat([SCORES, loss]), TRUTH).notes
    assert note.startswith("'loss' ranks worse than chance (tau_w -1.00)") and "multiply them by -1" in note


# Sub-hubs


def test_sub_hubs_by_hand():
    about = pd.DataFrame(
        [
            ("a", "r", 11),
            ("b", "r", 25),
            ("c", "r", 60),
            ("d", "v", 22),
            ("e", "v", 86),
            ("f", "v", 86),
            ("g", "lone", 20),
        ]
        + [("h", None, 24), ("i", "v", math.nan)],
        columns=["checkpoint", "family", "parameters"],
    )
    assert sub_hubs(about) == {
        "without the largest of each family": ["a", "b", "d", "g"],
        "size-matched, 20 to 25": ["b", "d", "g", "h"],
    }


def test_sub_hubs_are_evaluated_as_if_they_were_the_hub(tmp_path, capsys):
    write(tmp_path)
    (tmp_path / "about.csv").write_text(
        "Model;Family;Params (M)\nbyol;r;25\ndino;r;50\nmoco;v;22\nsimclr;v;86\nswav;w;30\nvicreg;w;31\n".replace(
            " (M)", "_M"
        )
    )
    evaluated(tmp_path, "--about", str(tmp_path / "about.csv"))
    table = pd.read_csv(tmp_path / "out/tables/sub-hubs.csv", keep_default_na=False, na_values=[""])
    assert list(dict.fromkeys(table["sub_hub"])) == ["all", "size-matched, 22 to 31"]
    chosen = ["byol", "moco", "swav", "vicreg"]
    expected = summarise(
        *(
            each[each["checkpoint"].isin(chosen)]
            for each in (SCORES.assign(refinement="none", rank_score=SCORES["score"]), TRUTH)
        )
    )
    found = table[table["sub_hub"] != "all"].drop(columns="sub_hub").reset_index(drop=True)
    pd.testing.assert_frame_equal(found.drop(columns="chosen"), expected.drop(columns="chosen"))
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert 'id="sub-hubs"' in page and "4 checkpoints" in page
    evaluated(tmp_path)  # without --about: the table of the earlier evaluation does not stay
    assert not list(tmp_path.glob("out/tables/sub-hubs.*"))


@pytest.mark.parametrize(
    ("cell", "number"), [("25.6M", 25.6e6), ("25,6 m", 25.6e6), ("23508032", 23508032), ("1.1B", 1.1e9), ("", math.nan)]
)
def test_numbers_of_parameters(cell, number, tmp_path):
    (tmp_path / "about.csv").write_text(f'model,params\nbyol,"{cell}"\n')
    assert read_about(tmp_path / "about.csv")["parameters"].to_list() == pytest.approx([number], nan_ok=True)


# Forms of tables


def test_wide_tables_say_the_same(tmp_path):
    files = write(tmp_path)
    long = [read_scores(tmp_path / "scores.csv")[0], read_accuracies(tmp_path / "accuracies.csv")[0]]
    wide = SCORES.pivot(index=["dataset", "checkpoint"], columns="metric", values="score").reset_index()
    write(tmp_path, wide, TRUTH.pivot(index="checkpoint", columns="dataset", values="accuracy").reset_index())
    for name, file, read, keys in (
        ("score", files[0], read_scores, ["dataset", "checkpoint", "metric"]),
        ("accuracy", files[1], read_accuracies, ["dataset", "checkpoint"]),
    ):
        first, second = (
            table.set_index(keys)[name].sort_index() for table in (long[name == "accuracy"], read(tmp_path / file)[0])
        )
        pd.testing.assert_series_equal(first, second)


@pytest.mark.parametrize(
    "how", [{"sep": ";", "decimal": ","}, {"sep": "\t", "encoding": "utf-16"}, {"encoding": "utf-8-sig"}]
)
def test_spellings_separators_and_encodings(how, tmp_path):
    named = SCORES.rename(
        columns={"dataset": "Data_Set", "checkpoint": "Model name", "metric": "Method", "score": "Value"}
    )
    write(tmp_path, named, TRUTH.rename(columns={"checkpoint": "MODEL", "accuracy": "Top-1"}), **how)
    assert read_scores(tmp_path / "scores.csv")[0]["score"].to_list() == SCORES["score"].to_list()
    assert read_accuracies(tmp_path / "accuracies.csv")[0]["accuracy"].to_list() == TRUTH["accuracy"].to_list()


def test_every_file_is_written_and_read_back(tmp_path, capsys):
    write(tmp_path)
    summary = evaluated(tmp_path)
    out = tmp_path / "out"
    for name in ("table1", "selection", "differences", "ground-truth"):
        for suffix in ("csv", "md", "tex", "html"):
            assert (out / f"tables/{name}.{suffix}").stat().st_size > 100
    for name in ("taus", "critical-difference", "agreement"):
        assert (out / f"figures/{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (out / f"figures/{name}.pdf").read_bytes().startswith(b"%PDF")
    printed = pd.read_csv(out / "tables/table1.csv").set_index("metric")
    assert printed.loc["mine", "mean"] == means(summary).loc[("mine", "none"), "tau_w"]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png") == 3 and "Fidelity" in page
    said = capsys.readouterr()
    assert re.search(r"^Static ranker +0\.\d{3} ", said.out, re.MULTILINE)
    assert "6 checkpoints were ranked on 3 datasets by 2 methods." in said.out
    record = json.loads((out / "evaluation.made-by.json").read_text())
    assert set(record["inputs"]) == {str(tmp_path / "scores.csv"), str(tmp_path / "accuracies.csv")}
    first = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    evaluated(tmp_path)
    assert first == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_one_dataset(tmp_path, capsys):
    one = [table[table["dataset"] == "pets"] for table in (SCORES, TRUTH)]
    write(tmp_path, *one)
    summary = evaluated(tmp_path)
    assert set(summary["metric"]) == {"logme", "mine", "random"}
    assert not (tmp_path / "out/figures/critical-difference.png").exists()
    assert "on one dataset (pets)" in capsys.readouterr().out


# Incomplete and hasty tables


def without(table, **where):
    mask = np.logical_and.reduce([table[column] == value for column, value in where.items()])
    return table[~mask]


@pytest.mark.parametrize(
    ("scores", "truth", "left", "note"),
    [
        (without(SCORES, checkpoint="moco"), TRUTH, ("checkpoint", "moco"), "without scores: checkpoint 'moco'"),
        (SCORES, without(TRUTH, checkpoint="moco"), ("checkpoint", "moco"), "without accuracies: checkpoint 'moco'"),
        (SCORES, without(TRUTH, dataset="dtd"), ("dataset", "dtd"), "without accuracies: dataset 'dtd'"),
        (
            without(SCORES, metric="mine", dataset="dtd"),
            TRUTH,
            ("metric", "mine"),
            "'mine', which has no score on 'dtd'",
        ),
        (
            without(SCORES, metric="mine", dataset="dtd", checkpoint="moco"),
            TRUTH,
            ("checkpoint", "moco"),
            "'moco' (no score by 'mine' on 'dtd')",
        ),
        (
            SCORES,
            without(TRUTH, dataset="dtd", checkpoint="moco"),
            ("checkpoint", "moco"),
            "'moco' (no accuracy on 'dtd')",
        ),
    ],
)
def test_incomplete_cases_are_left_out_with_a_note(scores, truth, left, note):
    """The result is that of tables in which nothing else was given."""
    judged = judge(scores, truth)
    assert note in " ".join(judged.notes)
    column, name = left
    rest = [table[table[column] != name] if column in table else table for table in (SCORES, TRUTH)]
    pd.testing.assert_frame_equal(judged.summary, judge(*rest).summary)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_not_finite_counts_as_missing(value):
    scores = SCORES.assign(score=[value if at == 0 else score for at, score in enumerate(SCORES["score"])])
    judged = judge(scores, TRUTH)
    assert "1 score is empty, NaN or infinite" in judged.notes[0]
    assert (judged.summary["n"] == 5).all() and "byol" not in set(judged.ground_truth["checkpoint"])


def test_constant_scores_are_noted(tmp_path, capsys):
    write(tmp_path, SCORES.assign(score=SCORES["score"].where(SCORES["metric"] != "mine", 1.0)))
    summary = evaluated(tmp_path)
    assert np.isnan(means(summary).loc[("mine", "none"), "tau_w"])
    assert means(summary).loc[("mine", "none"), "regret_1"] == means(summary).loc[("random", "none"), "regret_1"]
    assert "note: 'mine': all scores are equal on 'dtd', 'pets', 'cars'" in capsys.readouterr().err


def test_a_score_without_a_variance_in_all_methods_still_makes_a_report(tmp_path, capsys):
    write(tmp_path, SCORES.assign(score=1.0))
    evaluated(tmp_path)
    assert "No method has a defined" in capsys.readouterr().out


def test_repeated_rows_count_once(tmp_path, capsys):
    write(tmp_path, pd.concat([SCORES, SCORES.head(2)]), pd.concat([TRUTH, TRUTH.head(1)]))
    pd.testing.assert_frame_equal(
        evaluated(tmp_path).drop(columns="chosen"), judge(SCORES, TRUTH).summary.drop(columns="chosen")
    )
    said = capsys.readouterr().err
    assert "2 values repeat earlier ones" in said and "1 value repeats an earlier one" in said


def test_scores_and_accuracies_in_one_table(tmp_path, capsys):
    wide = SCORES.pivot(index=["dataset", "checkpoint"], columns="metric", values="score").reset_index().merge(TRUTH)
    write(tmp_path, wide.assign(comment="good"), wide)
    assert set(evaluated(tmp_path)["metric"]) == {"logme", "mine", "static-ranker", "random"}
    said = capsys.readouterr().err
    assert "'accuracy' holds accuracies" in said and "without numbers is left out: 'comment'" in said


def test_names_that_differ_by_a_sign_are_pointed_out():
    judged = judge(SCORES.assign(dataset=SCORES["dataset"].replace("dtd", "DTD")), TRUTH)
    assert "is 'DTD' the same as 'dtd'? Names are compared letter by letter" in judged.notes[0]


TEXT = TRUTH.assign(accuracy=TRUTH["accuracy"].astype(str))


@pytest.mark.parametrize(
    ("scores", "truth", "words"),
    [
        (TRUTH, SCORES, ("scores.csv", "give the table of scores first")),
        (SCORES, SCORES, ("accuracies.csv", "give the table of scores first")),
        (SCORES, TRUTH.assign(accuracy=TRUTH["accuracy"] / 100), ("percent, not fractions",)),
        (SCORES, TEXT.assign(accuracy=TEXT["accuracy"] + " ± 0.3"), ("line 2", "± 0.3' in the column 'accuracy'")),
        (SCORES, TRUTH.assign(accuracy=[*TRUTH["accuracy"][:-1], 912]), ("line 19", "912", "0 to 100")),
        (SCORES, pd.concat([TRUTH, TRUTH.head(1).assign(accuracy=50)]), ("lines 2 and 20", "sd and seeds")),
        (pd.concat([SCORES, SCORES.head(1).assign(score=7)]), TRUTH, ("lines 2 and 38", "dtd, byol, logme")),
        (SCORES.drop(columns="dataset"), TRUTH, ("no column 'dataset'", "'checkpoint', 'metric', 'score'")),
        (SCORES.rename(columns={"score": "result"}), TRUTH, ("no column 'score'",)),
        (SCORES.replace("mine", "random"), TRUTH, ("metric 'random'", "rename it")),
        (SCORES.replace("dtd", "mean"), TRUTH.replace("dtd", "mean"), ("dataset 'mean'", "rename it")),
        (SCORES, TRUTH.assign(dataset=TRUTH["dataset"] + "-full"), ("no dataset has both", "'dtd-full'")),
        (SCORES, TRUTH.assign(checkpoint=TRUTH["checkpoint"] + ".pth"), ("no checkpoint has both", "'byol.pth'")),
        (SCORES.assign(score="high"), TRUTH, ("line 2", "'high'", "not a number")),
        (SCORES[SCORES["checkpoint"] == "byol"], TRUTH, ("1 checkpoint", "at least 2")),
        (SCORES.head(0), TRUTH, ("scores.csv", "no line below the first one")),
    ],
)
def test_hasty_mistakes_end_in_one_line(scores, truth, words, tmp_path, capsys):
    assert main(["evaluate", *write(tmp_path, scores, truth), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1
    for word in words:
        assert word in said
    assert not (tmp_path / "out").exists()


def test_a_folder_of_other_content_is_left_alone(tmp_path, capsys):
    files = write(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/summary.csv").write_text("precious")
    assert main(["evaluate", *files, "--out", str(tmp_path / "mine")]) == 1
    assert "has other content" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["summary.csv"]
    evaluated(tmp_path)
    inside = tmp_path / "out/scores.csv"
    capsys.readouterr()
    assert main(["evaluate", str(inside), files[1], "--out", str(tmp_path / "out")]) == 1
    assert "the input is in the folder of results" in capsys.readouterr().err


def test_hostile_names_stay_text(tmp_path, capsys):
    strange = {"dtd": "../../<b>&\\input{x}", "pets": "C:\\pets*", "cars": "a|b_c"}
    write(tmp_path, SCORES.replace(strange), TRUTH.replace(strange))
    evaluated(tmp_path)
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert "<b>&" not in page and "../../&lt;b&gt;&amp;" in page
    assert "\\input{x}" not in (tmp_path / "out/tables/table1.tex").read_text(encoding="utf-8")


def test_names_are_checked_in_python_too():
    with pytest.raises(InputError, match="two rows for dtd, byol, logme, none"):
        judge(pd.concat([SCORES, SCORES]), TRUTH)
