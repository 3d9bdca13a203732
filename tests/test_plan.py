"""The plan: what the rules ask of a configuration, without Snakemake."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from pedrank.metrics import bytes_needed
from pedrank.store.artefacts import write_arrays
from pedrank.store.digest import closure
from pedrank.study.config import read_config
from pedrank.study.names import files, fill, finetuned, names, paths, refinements
from pedrank.study.plan import Plan, shipped, spare_parts, used_options
from pedrank.utils.errors import InputError
from pedrank.utils.paths import PACKAGE, ROOT

DEFAULTS = {"together": False, "metrics_together": False, "baselines": [], "metric_options": {}, "plugins": []}


def plan(*studies: str, **changes) -> Plan:
    """Of a study of the repository, with these of its keys changed; a default that Snakemake would fill in is here."""
    config = DEFAULTS | read_config(ROOT, *(ROOT / "studies" / f"{name}.yaml" for name in studies))
    config["finetune"] = {"crop_from": 256, "augmentation": "none"} | config["finetune"]
    return Plan(config | changes)


def job(**wildcards: str) -> SimpleNamespace:
    return SimpleNamespace(**wildcards)


def test_the_papers_study():
    paper = plan()
    assert not paper.ranked and not paper.one_job and paper.checkpoints_per_job == ["{checkpoint}"]
    assert list(paper.refined) == ["ped-0.3", "ped-0.6"] and len(paper.crops) == 12
    assert paper.tables == ["table1", "table1-published", "table2", "selection", "ground-truth"]
    assert len(paper.points) == 16 and paper.protocol.seeds == (0, 1, 2, 3, 4)
    assert paper.known_accuracies().endswith("pedrank/published/accuracy.csv")
    targets = paper.final_results(["figure4"])
    assert "results/paper/tables/table1-published.tex" in targets and "results/paper/figures/scatter-dtd.png" in targets


def test_a_study_whose_accuracies_are_published_has_their_scores():
    paper, quick = plan(), plan("quickstart")
    assert paper.tables_of("scores")[-1] == "results/{study}/scores/prior/{dataset}.csv"
    assert not [name for name in (*paper.tables_of("seconds"), *quick.tables_of("scores")) if "prior" in name]
    assert plan(checkpoints=["byol", "dino-vit-b16"]).prior_rows == ["prior"]  # no linear accuracy of a transformer
    assert plan(checkpoints=["byol", "byol-tiny"]).prior_rows == []
    assert plan(ground_truth={"source": "none"}, ranking={"metric": "logme"}).prior_rows == []
    assert "pedrank/published/timm-imagenet.csv" in paper.published_accuracies()
    assert json.loads(paper.known_weights())["byol"] == ["byol", 74.4]


def test_the_quickstart_is_one_job_per_dataset():
    quick = plan("quickstart", together=True)
    assert quick.one_job and quick.checkpoints_per_job == quick.config["checkpoints"]
    assert "table1-published" not in quick.tables
    assert quick.seen_images(job(dataset="mnist")) == "results/data/mnist/images-24.safetensors"
    assert quick.dataset_inputs(job(dataset="fashion-mnist"))[0].endswith("embedded/fashion-mnist.webp")
    assert quick.dataset_inputs(job(dataset="digits")) == []
    assert quick.checkpoint_inputs(job(checkpoint="byol-tiny"))[0].endswith("tiny/byol-tiny.safetensors")
    assert quick.reference_input(job(checkpoint="byol-tiny")).endswith("byol-tiny.reference.safetensors")


def test_checkpoints_that_see_other_images_are_jobs_of_their_own():
    mixed = plan("quickstart", together=True, checkpoints=["byol-tiny", "byol"])
    assert len(set(mixed.crops.values())) == 1  # both see what the study says
    assert plan("quickstart", together=False).checkpoints_per_job == ["{checkpoint}"]


def test_a_refinement_of_a_study_is_in_the_digest_of_its_rule_alone():
    def code(**refinement):
        study = plan(refinements={"x": refinement} if refinement else {})
        return study.refinements_code("ped", list(study.refined.values()))

    assert code() != code(by="sa")
    files_of_sa = closure("scripts/ped.py", "pedrank/refinements/ped.py", "pedrank/refinements/spread_attract.py")
    assert "pedrank/refinements/spread_attract.py" in files_of_sa
    assert "pedrank/refinements/spread_attract.py" not in closure("scripts/ped.py", "pedrank/refinements/ped.py")


def test_the_memory_of_a_score_follows_its_metrics_and_its_features(tmp_path):
    features = tmp_path / "features.safetensors"
    with pytest.raises(FileNotFoundError):  # Snakemake then prints <TBD>
        plan().megabytes_of(["gbc"], str(features))
    labels = np.arange(3000) % 5
    write_arrays(features, {"features": np.zeros((3000, 100), np.float32), "labels": labels}, {})
    size = features.stat().st_size
    for metrics in (["gbc"], ["gbc", "knn", "logme"]):
        promised = max(bytes_needed(name, 3000, 100, 5) for name in metrics)
        assert plan().megabytes_of(metrics, str(features)) == (size + promised) / 1e6
    features.write_bytes(features.read_bytes()[:-1])
    with pytest.raises(InputError, match="truncated"):
        plan().megabytes_of(["gbc"], str(features))


def test_one_metric_is_not_in_the_digest_of_another():
    paper = plan()
    codes = {name: paper.score_code(job(metric=name)) for name in paper.config["metrics"]}
    assert len(set(codes.values())) == len(codes)
    assert plan(metrics_together=True).score_code(job()) not in codes.values()


def test_plugins_are_in_the_digest_of_what_they_compute(tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text("X = 1\n")
    own = plan(plugins=[str(plugin)], metrics=["logme", "spread"])
    ours, theirs = own.metrics_code("score", ["logme"]), own.metrics_code("score", ["spread"])
    plugin.write_text("X = 22\n")
    own = plan(plugins=[str(plugin)], metrics=["logme", "spread"])
    assert own.metrics_code("score", ["logme"]) == ours and own.metrics_code("score", ["spread"]) != theirs


def test_titles_of_plugins_are_in_the_digest_of_what_prints_them(tmp_path):
    plugin = tmp_path / "mine.py"

    def codes(metrics):
        own = plan(plugins=[str(plugin)], metrics=metrics)
        printed = own.table_code("table1"), own.figure_code("cost"), own.page_code("study")
        return [*printed, own.ranking_code(), own.page_code("ranking"), own.page_code("trace")]

    plugin.write_text("X = 1\n")
    before, others = codes(["logme", "spread"]), codes(["logme"])
    plugin.write_text("X = 22\n")
    assert not set(before) & set(codes(["logme", "spread"]))
    assert codes(["logme"]) == others


def test_a_run_of_fine_tuning_depends_on_its_own_network_and_little_else():
    """Neither readers of other datasets, nor torch.hub, nor YAML decide its number."""
    quick = plan("quickstart")
    run = closure("pedrank/finetune/run.py", *quick._networks("byol-tiny"))
    assert "pedrank/networks/resnets.py" in run and "pedrank/finetune/cosine_schedule.py" in run
    for stranger in (
        "hub",
        "of_timm",
        "of_torchvision",
        "readers",
        "embedded",
        "yaml",
        "catalogue/catalogue",
        "user_data",
    ):
        assert not any(stranger in file for file in run), stranger
    assert len([file for file in run if not file.endswith("__init__.py")]) <= 22


def test_an_ablation_does_not_depend_on_the_studys_lambdas():
    one, other = (
        plan(ped=yaml.safe_load((ROOT / "config.yaml").read_text())["ped"] | {"lambdas": each})
        for each in ([0.3], [0.3, 0.9])
    )
    assert one.swept_ped() == other.swept_ped()
    assert "lambdas" not in json.loads(one.swept_ped())


def test_options_of_metrics_that_are_not_computed_are_left_out():
    config = {"metrics": ["logme"], "baselines": ["knn"], "metric_options": {"knn": {"k": 5}, "nleep": {"seeds": 1}}}
    assert used_options(config) == {"knn": {"k": 5}}


@pytest.mark.parametrize(
    "ground_truth, spare",
    [
        ({"source": "none"}, ["ablation", "figures", "finetune"]),
        ({"source": "none", "confirm": ["a"]}, ["ablation", "figures"]),
    ],
)
def test_a_ranking_has_no_use_for_figures_of_truth(ground_truth, spare):
    assert spare_parts({"ground_truth": ground_truth, "checkpoints": ["a", "b"]}) == spare
    assert spare_parts({"ground_truth": {"source": "file"}, "checkpoints": ["a", "b"]}) == []


def test_seeds_that_follow_ask_who_still_needs_them():
    study = plan(finetune=plan().config["finetune"] | {"early_stopping": True})
    first, third = (job(study="paper", dataset="dtd", seed=seed) for seed in ("0", "2"))
    assert study.seed_is_open(first) == []
    assert study.seed_is_open(third) == ["results/paper/finetune/dtd/open-2.json"]
    assert len(study.tests_before(third)) == 2 * 12


def test_patterns_are_filled_in_the_studys_order(tmp_path):
    study = tmp_path / "config.yaml"
    study.write_text(
        "checkpoints: [b, a]\ndatasets: [x, y]\nmetrics: [m]\nped: {lambdas: [0.6]}\nground_truth: {source: file}\n"
    )
    assert paths(["r/{checkpoint}.csv", "s.csv"], study) == [Path("r/b.csv"), Path("r/a.csv"), Path("s.csv")]
    assert [each for each, _ in files("{refinement}/{dataset}", study)][:2] == [
        {"refinement": "none", "dataset": "x"},
        {"refinement": "none", "dataset": "y"},
    ]
    assert names(yaml.safe_load(study.read_text()), "refined") == ["ped-0.6"]
    with pytest.raises(InputError, match="give the study's config.yaml as --study"):
        files("r/{checkpoint}.csv")
    assert fill("{a}/{b}", {"a": "1"}) == "1/{b}"


def test_who_is_fine_tuned():
    assert finetuned({"ground_truth": {"source": "finetune"}, "checkpoints": ["a", "b"]}) == ["a", "b"]
    assert finetuned({"ground_truth": {"source": "none"}, "checkpoints": ["a", "b"]}) == []
    assert refinements({"ped": {"lambdas": []}}) == {"none": {}}


def test_the_study_file_is_named_after_its_content(tmp_path):
    one, other = plan().write_study(tmp_path), plan(image_size=64).write_study(tmp_path)
    assert one != other and json.loads(one.read_text())["image_size"] == 224
    assert plan().write_study(tmp_path) == one


def test_shipped_files_are_relative_below_the_working_directory(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    assert shipped(PACKAGE / "published/table1.csv") == "pedrank/published/table1.csv"
    monkeypatch.chdir(tmp_path)
    assert shipped(PACKAGE / "published/table1.csv") == str(PACKAGE / "published/table1.csv")
