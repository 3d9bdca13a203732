"""Published accuracies in a whole study: the paper's checkpoints on two of its datasets, with small features."""

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import weightedtau
from workflow import copy_repository, planned, snakemake

from pedrank.catalogue.catalogue import _catalogue
from pedrank.study.trace import trace_cell
from pedrank.utils.paths import PUBLISHED, ROOT

pytestmark = pytest.mark.slow
PAPER = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
DATASETS = ["dtd", "aircraft"]
RUN = ("--cores", "2", "--workflow-profile", "quickstart", "--configfile", "known.yaml")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A copy of the repository in which the study has run."""
    root, random = copy_repository(tmp_path_factory.mktemp("known")), np.random.default_rng(0)
    labels = np.arange(30) % 3
    for dataset in DATASETS:
        (root / dataset).mkdir()
        for checkpoint in [*PAPER["checkpoints"], "mine"]:
            features = random.normal(size=(30, 4)) + labels[:, None]
            np.savez(root / dataset / f"{checkpoint}.npz", features=features, labels=labels)
    datasets = {dataset: {"features": dataset} for dataset in DATASETS}
    entries = {"datasets": datasets, "checkpoints": {"mine": {"zoo": "features"}}}
    (root / "catalogue.yaml").write_text(yaml.safe_dump(entries), encoding="utf-8")
    write(root)
    done = snakemake(root, *RUN)
    assert done.returncode == 0, done.stdout
    return root


def write(root, **changes):
    figures = {"dataset": "dtd", "checkpoint": "byol", "refinement": "ped-0.3"}
    config = PAPER | {"study": "known", "catalogue": "catalogue.yaml", "datasets": DATASETS, "together": True}
    config |= {
        "reference": {"source": "self"},
        "metrics": ["logme"],
        "baselines": ["rankme"],
        "ped": {"lambdas": [0.3]},
    }
    config["ablation"] = PAPER["ablation"] | {"datasets": ["dtd"], "lam": 0.3}
    config["figures"] = {
        "tsne": figures,
        "ranks": {"metric": "logme", "refinement": "ped-0.3", "datasets": DATASETS},
    }
    (root / "known.yaml").write_text(yaml.safe_dump(config | changes), encoding="utf-8")


def test_both_rows_are_in_the_tables_and_scipy_agrees(root):
    results = root / "results/known"
    summary = pd.read_csv(results / "summary.csv", keep_default_na=False, na_values=[""])
    found = summary.set_index(["metric", "refinement", "dataset"])["tau_w"]
    truth = pd.read_csv(PUBLISHED / "accuracy.csv").query("regime == 'full'")
    truth = truth.pivot(index="checkpoint", columns="dataset", values="accuracy")
    linear = yaml.safe_load((ROOT / "pedrank/catalogue/checkpoints.yaml").read_text(encoding="utf-8"))
    imagenet = [linear[name]["linear"] for name in truth.index]
    for dataset, expected in (("dtd", 0.802), ("aircraft", 0.341)):
        tau = found["imagenet-accuracy", "none", dataset]
        assert tau == pytest.approx(weightedtau(imagenet, truth[dataset]).statistic, abs=1e-12)
        assert tau == pytest.approx(expected, abs=5e-4)
        scores = pd.read_csv(results / f"scores/prior/{dataset}.csv").set_index(["metric", "checkpoint"])["rank_score"]
        tau = weightedtau(scores["prior"][truth.index], truth[dataset]).statistic
        assert found["prior", "none", dataset] == pytest.approx(tau, abs=1e-12)
    for table in ("table1", "selection"):
        text = (results / f"tables/{table}.md").read_text(encoding="utf-8")
        assert "ImageNet accuracy" in text and "Prior" in text
    for figure in ("cost", "scatter-dtd", "agreement"):
        text = (results / f"figures/{figure}.csv").read_text(encoding="utf-8")
        assert "prior" in text.lower() and "imagenet" in text.lower()
    cost = pd.read_csv(results / "figures/cost.csv", keep_default_na=False, na_values=[""]).set_index("metric")
    assert cost.loc[["imagenet-accuracy", "prior"], "seconds"].isna().all()


def test_the_report_explains_the_rows(root):
    report = (root / "results/known/report.html").read_text(encoding="utf-8")
    assert "published ImageNet top-1 accuracy" in report and "published accuracies on other datasets" in report
    assert "Table 1 has no row" not in report


def test_a_cell_is_traced_to_the_published_tables(root, monkeypatch):
    monkeypatch.chdir(root)
    monkeypatch.setenv("PEDRANK_CATALOGUE", str(root / "catalogue.yaml"))
    _catalogue.cache_clear()
    for metric, source in (("prior", "prior.py"), ("imagenet-accuracy", "known_weights.py")):
        trace = trace_cell(root / "results", "known", metric, "none", "dtd")
        assert trace.warnings == () and trace.value.recomputed == pytest.approx(trace.value.tau_w)
        assert source in trace.formulas[-1].file
        files = {node.path for node in trace.checkpoints[0].score_file.children}
        assert {"pedrank/published/accuracy.csv", "pedrank/published/torchvision-imagenet.csv"} <= files
    _catalogue.cache_clear()


def test_a_checkpoint_without_published_accuracy_takes_the_rows_away_and_the_report_says_so(root):
    names = [*PAPER["checkpoints"], "mine"]
    write(root, checkpoints=names, ground_truth={"source": "file", "file": "accuracies.csv"})
    lines = [f"{dataset},{name},{50 + number}" for dataset in DATASETS for number, name in enumerate(names)]
    (root / "accuracies.csv").write_text("\n".join(["dataset,checkpoint,accuracy", *lines]), encoding="utf-8")
    done = snakemake(root, "results/known/report.html", *RUN)
    assert done.returncode == 0, done.stdout
    report = (root / "results/known/report.html").read_text(encoding="utf-8")
    assert "Table 1 has no row “ImageNet accuracy”" in report or "no row &#34;ImageNet accuracy&#34;" in report
    assert "no such number is published for mine." in report
    assert planned(done.stdout)["prior"] == 0
