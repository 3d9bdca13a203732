"""The trace of a cell of Table 1: its numbers, the files behind them, and what has changed since they were made."""

import hashlib
import json
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml

from pedrank.cli import main
from pedrank.datasets.dataset import fingerprint
from pedrank.evaluation.correlation import weighted_tau
from pedrank.evaluation.summary import summarise
from pedrank.metrics import get_metric
from pedrank.report.pages.trace_page import cell_anchor, cell_link, trace_page
from pedrank.report.tables.html import fragment, html
from pedrank.report.tables.table1 import table1
from pedrank.store.artefacts import provenance, sha256, write_arrays, write_csv, write_json
from pedrank.study.plan import Plan
from pedrank.study.trace import plain, trace_cell, trace_study
from pedrank.study.trace_files import walk
from pedrank.user_data.images import fingerprint as names_and_sizes
from pedrank.utils.errors import InputError
from pedrank.utils.paths import PACKAGE, ROOT

CHECKPOINTS = ["byol-tiny", "moco-tiny", "pcl-tiny", "byol"]
DATASETS = ["digits", "cifar10"]  # carried by a package, downloaded
FILE = "byol_pretrain_res50x1.pkl"  # what "byol" is converted from
RESULTS, STUDY = Path("results"), Path("results/small")


def _config(**changes):
    config = {"plugins": []}
    config |= yaml.safe_load((ROOT / "config.yaml").read_text())
    config |= yaml.safe_load((ROOT / "studies/quickstart.yaml").read_text())
    config |= {"study": "small", "datasets": DATASETS, "checkpoints": CHECKPOINTS, "metrics": ["logme", "gbc"]}
    config |= {"baselines": ["knn"], "reference": {"source": "self"}, "metrics_together": False, "metric_options": {}}
    config["ped"] |= {"lambdas": [0.3, 0.6]}
    return config | changes


def _downloaded(name, content):
    """A download and its record; returns the sha256."""
    found = hashlib.sha256(content).hexdigest()
    (RESULTS / "downloads").mkdir(parents=True, exist_ok=True)
    (RESULTS / f"downloads/{name}").write_bytes(content)
    (RESULTS / f"downloads/{name}.sha256").write_text(f"{found}  {name}\n")
    return found


def _write(folder, monkeypatch, **changes):
    """A small finished study below `folder`, as the workflow would leave it; returns its scores and accuracies."""
    monkeypatch.chdir(folder)
    config = _config(**changes)
    plan, random = Plan(config), np.random.default_rng(0)
    write = SimpleNamespace(array={"x": np.arange(4.0)})
    STUDY.mkdir(parents=True)
    (STUDY / "config.yaml").write_text(yaml.safe_dump(config))
    for checkpoint in CHECKPOINTS:
        made_by = {}
        if checkpoint == "byol":
            made_by = {
                "made_by": provenance({"checkpoint": checkpoint}) | {"inputs": {FILE: _downloaded(FILE, b"weights")}}
            }
        write_arrays(RESULTS / f"checkpoints/{checkpoint}.safetensors", write.array, made_by)
    scores, truth = [], []
    for dataset in config["datasets"]:
        made = {}
        if dataset == "photos":
            made = provenance({"size": 24}) | {"inputs": {"images": names_and_sizes(folder / "photos")}}
        if dataset == "cifar10":
            made = provenance({"size": 24}) | {
                "inputs": {"cifar-10-python.tar.gz": _downloaded("cifar-10-python.tar.gz", b"images")}
            }
        for checkpoint in CHECKPOINTS:
            images = Path(plan.seen_images(SimpleNamespace(dataset=dataset, checkpoint=checkpoint)))
            if not images.exists():
                write_arrays(images, write.array, {"made_by": made})
            weights = Path(f"results/checkpoints/{checkpoint}.safetensors")
            features = STUDY / f"features/{dataset}/{checkpoint}.safetensors"
            statistics = features.with_name(f"{checkpoint}.statistics.safetensors")
            by = provenance({"mode": "as_released"}, [weights] if made else [images, weights]) | {"images": made}
            for path in (features, statistics):
                write_arrays(path, {"x": random.normal(size=3)}, by)
            reference = STUDY / f"reference/{dataset}/{checkpoint}.safetensors"
            write_arrays(reference, write.array, provenance({"images": "itself"}, [statistics]))
            together = {}
            for name, options in plan.refinements.items():
                inputs = [features]
                if name != "none":
                    moved = STUDY / f"ped/{dataset}/{checkpoint}/{name}.safetensors"
                    write_arrays(moved, write.array, {"made_by": provenance(options, [statistics, reference])})
                    inputs.append(moved)
                for metric in config["metrics"]:
                    score = float(random.normal())
                    record = {"score": score, "rank_score": score, "made_by": provenance({"metric": metric}, inputs)}
                    together.setdefault(metric, {})[name] = record
                    scores.append((dataset, checkpoint, metric, name, score, score))
                    if not config["metrics_together"]:
                        write_json(STUDY / f"scores/{metric}/{name}/{dataset}/{checkpoint}.json", record)
            if config["metrics_together"]:
                write_json(STUDY / f"scores/{dataset}/{checkpoint}.json", together)
            knn = (dataset, checkpoint, "knn", "none", *random.random(1).repeat(2))
            scores.append(knn)
            columns = ["dataset", "checkpoint", "metric", "refinement", "score", "rank_score"]
            write_csv(STUDY / f"baselines/{dataset}/{checkpoint}.csv", pd.DataFrame([knn], columns=columns))
            accuracies = 90 + random.random(2)
            for seed, accuracy in enumerate(accuracies):
                run = {"stage": "test", "seed": seed, "accuracy": accuracy, "diverged": False, "pedrank": "0.1.0"}
                run |= {"options": {"learning_rate": 0.1, "weight_decay": 1e-4, "steps": 32}}
                run |= {"images": fingerprint(images), "checkpoint": sha256(weights)}
                write_json(STUDY / f"finetune/{dataset}/{checkpoint}/test-seed{seed}.json", run)
            truth.append((dataset, checkpoint, accuracies.mean(), accuracies.std(ddof=1), 2, 0.1, 1e-4, 0))
    scores = pd.DataFrame(scores, columns=columns)
    truth = pd.DataFrame(
        truth, columns=["dataset", "checkpoint", "accuracy", "sd", "seeds", "lr", "weight_decay", "diverged"]
    )
    tables = []
    for dataset in config["datasets"]:
        here = scores[scores["dataset"] == dataset]
        knn = here["metric"] == "knn"
        tables += [STUDY / f"scores/{dataset}.csv", STUDY / f"scores/baselines/{dataset}.csv"]
        write_csv(tables[-2], here[~knn])
        write_csv(tables[-1], here[knn])
        write_csv(STUDY / f"finetune/{dataset}.csv", truth[truth["dataset"] == dataset])
        if config["ground_truth"]["source"] != "none":
            tables.append(STUDY / f"ground_truth/{dataset}.csv")
            write_csv(tables[-1], truth[truth["dataset"] == dataset])
    if config["ground_truth"]["source"] != "none":
        write_csv(STUDY / "summary.csv", summarise(scores, truth))
        write_json(STUDY / "summary.made-by.json", provenance({"seed": 0}, tables))
    return scores, truth


@pytest.fixture
def written(tmp_path, monkeypatch):
    return _write(tmp_path, monkeypatch)


def _paths(trace, checkpoint="byol-tiny"):
    """The files of one checkpoint of a trace, by their paths."""
    origin = next(each for each in trace.checkpoints if each.checkpoint == checkpoint)
    return {node.path: node for node in walk(origin.score_file, origin.accuracy_file)}


def _refused(capsys, *arguments):
    assert main(["trace", *arguments]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1
    return said


def test_the_value_and_the_numbers_of_a_cell(written):
    scores, truth = written
    trace = trace_cell(RESULTS, "small", "logme", "ped-0.6", "digits")
    here = scores.query("dataset == 'digits' and metric == 'logme' and refinement == 'ped-0.6'")
    accuracies = truth.query("dataset == 'digits'")
    assert [each.checkpoint for each in trace.checkpoints] == CHECKPOINTS
    assert [each.rank_score for each in trace.checkpoints] == list(here["rank_score"])
    assert [each.accuracy for each in trace.checkpoints] == pytest.approx(list(accuracies["accuracy"]))
    expected = weighted_tau(here["rank_score"].to_numpy(), accuracies["accuracy"].to_numpy())
    assert trace.value.tau_w == pytest.approx(expected) and trace.value.recomputed == pytest.approx(expected)
    assert trace.value.n == 4 and trace.warnings == ()
    files = {each.role: each.file for each in trace.formulas}
    assert files["value"] == "pedrank/evaluation/weighted_tau.py"
    assert files["score"] == "pedrank/metrics/logme.py" and files["refinement"] == "pedrank/refinements/ped.py"
    assert all((ROOT / file).is_file() for file in files.values())
    assert "Eq. 4-7" in next(each.source for each in trace.formulas if each.role == "refinement")
    assert getattr(get_metric("logme"), "title", "LogME") == next(e.title for e in trace.formulas if e.role == "score")
    assert trace.options["refinement"]["lam"] == 0.6 and trace.options["ground truth"]["source"] == "finetune"


def test_files_lead_back_to_packages_and_downloads(written):
    trace = trace_cell(RESULTS, "small", "logme", "ped-0.6", "cifar10", "byol")
    found = _paths(trace, "byol")
    images = next(path for path in found if path.startswith("results/data/cifar10/"))
    assert set(found) == {
        "results/small/scores/logme/ped-0.6/cifar10/byol.json",
        "results/small/features/cifar10/byol.safetensors",
        "results/small/features/cifar10/byol.statistics.safetensors",
        "results/small/ped/cifar10/byol/ped-0.6.safetensors",
        "results/small/reference/cifar10/byol.safetensors",
        "results/checkpoints/byol.safetensors",
        images,
        f"results/downloads/{FILE}.sha256",
        "results/downloads/cifar-10-python.tar.gz.sha256",
        "results/small/ground_truth/cifar10.csv#byol",
        "results/small/finetune/cifar10.csv#byol",
        "results/small/finetune/cifar10/byol/test-seed0.json",
        "results/small/finetune/cifar10/byol/test-seed1.json",
    }
    for path, node in found.items():
        file = Path(path.partition("#")[0])
        if path.startswith("results/downloads/"):
            file = file.with_suffix("")  # the record has the hash of the file beside it
        if path != images:  # known by what it was made from
            assert node.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    score = found["results/small/scores/logme/ped-0.6/cifar10/byol.json"]
    assert score.version and score.options == {"metric": "logme"}
    assert score.recorded == {node.path: node.sha256 for node in score.children}
    assert "seed 1, learning rate 0.1" in found["results/small/finetune/cifar10/byol/test-seed1.json"].note
    digits = _paths(trace_cell(RESULTS, "small", "logme", "none", "digits"))
    shipped = "pedrank/checkpoints/tiny/byol-tiny.safetensors"
    assert digits[shipped].sha256 == sha256(PACKAGE / "checkpoints/tiny/byol-tiny.safetensors")
    assert "from the package scikit-learn" in digits["scikit-learn (digits)"].note


def test_all_metrics_in_one_file_give_the_same_numbers(tmp_path, monkeypatch):
    (tmp_path / "apart").mkdir(), (tmp_path / "together").mkdir()
    _write(tmp_path / "apart", monkeypatch)
    apart = trace_cell(RESULTS, "small", "gbc", "ped-0.3", "digits")
    _write(tmp_path / "together", monkeypatch, metrics_together=True)
    together = trace_cell(RESULTS, "small", "gbc", "ped-0.3", "digits")
    assert together.value == apart.value and together.warnings == ()
    node = together.checkpoints[0].score_file
    assert node.path == "results/small/scores/digits/byol-tiny.json#gbc/ped-0.3"
    assert node.sha256 == sha256(STUDY / "scores/digits/byol-tiny.json")
    assert [each.path for each in node.children] == [each.path for each in apart.checkpoints[0].score_file.children]


@pytest.mark.parametrize(
    "metric, refinement, dataset",
    [("knn", "none", "digits"), ("static-ranker", "none", "digits"), ("random", "none", "cifar10"),
     ("logme", "ped-consensus", "digits"), ("gbc", "ped-oracle", "mean"), ("knn", "none", "mean")],
)  # fmt: skip
def test_every_kind_of_cell(written, capsys, metric, refinement, dataset):
    trace = trace_cell(RESULTS, "small", metric, refinement, dataset)
    assert trace.warnings == ()
    if metric != "random":
        assert trace.value.recomputed == pytest.approx(trace.value.tau_w)
    assert [part.dataset for part in trace.parts] == (DATASETS if dataset == "mean" else [])
    if refinement == "ped-consensus":
        assert trace.value.chosen in trace.checkpoints[0].score_file.path
    assert main(["trace", "small", metric, refinement, dataset]) == 0
    assert "warning" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "file, said",
    [("results/small/features/digits/byol-tiny.safetensors", "not as it was written"),
     ("results/checkpoints/byol-tiny.safetensors", "not as it was written"),
     ("results/small/finetune/digits/byol-tiny/test-seed0.json", "not as it was written"),
     ("results/small/scores/digits.csv", "not as it was written")],
)  # fmt: skip
def test_a_changed_file_is_flagged(written, capsys, file, said):
    content = bytearray(Path(file).read_bytes())
    place = content.index(b"0.1,") if file.endswith("0.json") else -2
    content[place] = content[place] ^ 1
    Path(file).write_bytes(bytes(content))
    trace = trace_cell(RESULTS, "small", "logme", "none", "digits")
    assert any(warning.startswith(f"{file}: ") and said in warning for warning in trace.warnings)
    assert main(["trace", "small", "logme", "none", "digits"]) == 0
    assert f"warning: {file}: " in capsys.readouterr().out


def test_a_file_that_was_made_again_is_flagged(written):
    """Whole and sealed, but another than the one that the score was made from."""
    path = STUDY / "features/digits/byol-tiny.safetensors"
    before = sha256(path)
    write_arrays(path, {"x": np.zeros(3)}, provenance({}, []))
    said = trace_cell(RESULTS, "small", "logme", "none", "digits").warnings
    changed = next(
        each for each in said if "changed since results/small/scores/logme/none/digits/byol-tiny.json" in each
    )
    assert before in changed and sha256(path) in changed


def test_a_score_and_a_table_that_differ_are_flagged(written):
    scores, _ = written
    path = STUDY / "scores/digits.csv"
    table = scores.query("dataset == 'digits' and metric != 'knn'").copy()
    table.loc[table.index[0], "rank_score"] = 99.0
    write_csv(path, table)
    first = table.iloc[0]
    trace = trace_cell(RESULTS, "small", first["metric"], first["refinement"], "digits")
    assert any("rank_score" in each and "99.0 in results/small/scores/digits.csv" in each for each in trace.warnings)
    assert any("changed since results/small/summary.csv" in each for each in trace.warnings)


def test_an_accuracy_that_is_not_the_mean_of_its_runs_is_flagged(written):
    path = STUDY / "finetune/digits/byol-tiny/test-seed1.json"
    write_json(path, json.loads(path.read_text()) | {"accuracy": 12.5})
    said = trace_cell(RESULTS, "small", "logme", "none", "digits").warnings
    assert any("of byol-tiny, but the mean of its 2 test runs is" in each for each in said)


def test_images_and_downloads_that_changed_are_flagged(written):
    images = next(Path("results/data/cifar10").glob("*.safetensors"))
    write_arrays(images, {"x": np.zeros(2)}, {"made_by": provenance({"size": 99})})
    _downloaded(FILE, b"other weights")
    said = trace_cell(RESULTS, "small", "logme", "none", "cifar10").warnings
    assert any(each.startswith(f"{images}: changed since results/small/features/cifar10/") for each in said)
    assert any(f"{FILE} has been fetched again" in each for each in said)


@pytest.mark.parametrize(
    "cell, said",
    [(["smal", "logme", "none", "digits"], "unknown study 'smal' in results; did you mean 'small'?"),
     (["small", "LogME", "none", "digits"], "unknown metric 'LogME' of study 'small'; did you mean 'logme'?"),
     (["small", "logme", "ped-0.5", "digits"], "did you mean 'ped-0.6'?"),
     (["small", "knn", "ped-0.6", "digits"], "unknown refinement 'ped-0.6' of metric 'knn'; choose from none"),
     (["small", "logme", "none", "digit"], "did you mean 'digits'?"),
     (["small", "logme", "none", "digits", "byol-tin"], "did you mean 'byol-tiny'?")],
)  # fmt: skip
def test_unknown_names_are_one_line(written, capsys, cell, said):
    assert said in _refused(capsys, *cell)


def test_without_a_finished_study(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert "no study is there" in _refused(capsys, "small", "logme", "none", "digits")
    _write(tmp_path, monkeypatch)
    (STUDY / "summary.csv").unlink()
    assert "study 'small' is not finished" in _refused(capsys, "small", "logme", "none", "digits")


def test_a_study_without_ground_truth_has_scores(tmp_path, monkeypatch, capsys):
    ranking = {"metric": "logme", "refinement": "none"}
    _write(tmp_path, monkeypatch, ground_truth={"source": "none"}, ranking=ranking)
    trace = trace_cell(RESULTS, "small", "logme", "none", "digits", "byol-tiny")
    assert trace.value is None and trace.summary is None and trace.warnings == ()
    origin = trace.checkpoints[0]
    assert origin.accuracy is None and origin.accuracy_file is None and np.isfinite(origin.score)
    assert main(["trace", "small", "logme", "none", "digits"]) == 0
    assert "no ground truth" in capsys.readouterr().out
    with pytest.raises(InputError, match="no Table 1"):
        trace_study(RESULTS, "small")


def test_accuracies_of_a_table_of_ones_own(tmp_path, monkeypatch):
    own = tmp_path / "mine.csv"
    own.write_text("dataset,checkpoint,accuracy\n")
    _write(tmp_path, monkeypatch, ground_truth={"source": "file", "file": str(own)})
    node = trace_cell(RESULTS, "small", "logme", "none", "digits", "byol-tiny").checkpoints[0].accuracy_file
    assert [each.path for each in node.children] == [f"{own}#byol-tiny"]
    assert node.children[0].sha256 == sha256(own)


def test_images_of_ones_own(tmp_path, monkeypatch):
    """The catalogue is found beside results/, where `pedrank rank` puts it, after the folder has moved."""
    for name in ("cat/1.jpg", "dog/2.jpg"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True)
        (tmp_path / "photos" / name).write_bytes(b"an image")
    (tmp_path / "catalogue.yaml").write_text(yaml.safe_dump({"datasets": {"photos": {"images": "photos"}}}))
    monkeypatch.setenv("PEDRANK_CATALOGUE", str(tmp_path / "catalogue.yaml"))
    _write(tmp_path, monkeypatch, datasets=["digits", "photos"], catalogue="/gone/catalogue.yaml")
    trace = trace_cell(RESULTS, "small", "logme", "none", "photos", "byol-tiny")
    leaf = _paths(trace)[str(tmp_path / "photos")]
    assert names_and_sizes(tmp_path / "photos") in leaf.note and trace.warnings == ()
    (tmp_path / "photos/cat/3.jpg").write_bytes(b"another")
    names_and_sizes.cache_clear()  # as in another process
    (said,) = trace_cell(RESULTS, "small", "logme", "none", "photos", "byol-tiny").warnings
    assert said.startswith(f"{tmp_path / 'photos'}: these images have changed since")


def test_json_holds_whole_hashes(written, capsys):
    assert main(["trace", "small", "logme", "ped-0.6", "digits", "pcl-tiny", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (cell,) = found["cells"]
    score = found["files"][cell["checkpoints"][0]["score_file"]]
    assert all(len(each["recorded"]) == 64 for each in score["inputs"])
    assert {each["path"] for file in found["files"].values() for each in file["inputs"]} <= set(found["files"])


def test_the_page_has_every_cell_and_every_file(written):
    page = trace_page(plain(trace_study(RESULTS, "small")))
    opened, anchors, links = [], [], set()

    class Checker(HTMLParser):
        def handle_starttag(self, tag, attributes):
            given = dict(attributes)
            if tag not in {"meta", "link"}:
                opened.append(tag)
            anchors.extend(filter(None, [given.get("id")]))
            links.add(given.get("href", ""))

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Checker().feed(page)
    assert opened == [] and len(anchors) == len(set(anchors))
    assert {link[1:] for link in links if link.startswith("#")} <= set(anchors)
    summary = pd.read_csv(STUDY / "summary.csv", keep_default_na=False)
    cells = zip(summary["metric"], summary["refinement"], summary["dataset"], strict=True)
    assert {cell_anchor(*cell) for cell in cells} <= set(anchors)
    assert page.count(f"SHA-256 <code>{sha256(STUDY / 'features/digits/byol-tiny.safetensors')}") == 1
    assert "Warning" not in page


def test_only_the_report_links_to_the_page(written):
    summary = summarise(*written)
    assert 'href="trace.html#gbc--ped-oracle--mean"' in fragment(table1(summary, cell_link))
    assert "href" not in html(table1(summary))
