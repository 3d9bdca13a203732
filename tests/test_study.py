"""A study's configuration: every mistake is one line with the remedy."""

import copy

import pytest
import yaml

from pedrank.catalogue import catalogue
from pedrank.digest import ROOT
from pedrank.errors import InputError
from pedrank.study import check_names, check_schema, refinements

SCHEMA = ROOT / "schemas/config.schema.yaml"
PAPER = yaml.safe_load((ROOT / "config.yaml").read_text())
METRICS = ["nleep", "parc", "logme", "sfda", "gbc", "knn", "rankme", "feature_norm"]


def test_the_papers_study_is_the_papers():
    check_schema(PAPER, SCHEMA)
    check_names(PAPER | {"metric_options": {}}, METRICS)
    assert len(PAPER["checkpoints"]) == 12
    assert len(PAPER["datasets"]) == 10
    assert list(refinements(PAPER)) == ["none", "ped-0.3", "ped-0.6"]
    assert refinements(PAPER)["ped-0.3"] == {
        "lam": 0.3, "dt": 0.1, "k": 1.0, "max_steps": 6, "exit_ratio": 0.5, "mode": "as_released"
    }  # fmt: skip


def test_the_catalogues_name_what_the_paper_compares():
    ssl = {name for name, entry in catalogue("checkpoints").items() if entry["zoo"] == "ssl"}
    assert ssl == set(PAPER["checkpoints"])
    assert set(PAPER["datasets"]) <= set(catalogue("datasets"))


def _with(path, value):
    config = copy.deepcopy(PAPER) | {"metric_options": {}}
    part = config
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return config


@pytest.mark.parametrize(
    "path, value, message",
    [
        (["dataset"], ["cars"], "unknown key 'dataset'; did you mean 'datasets'"),
        (["finetune", "lr"], [0.1], "finetune: unknown key 'lr'"),
        (["ped", "lambdas"], [0], "ped.lambdas.0: 0 is less than or equal to the minimum"),
        (["ped", "mode"], "papers", "ped.mode: 'papers' is not one of"),
        (["datasets"], [], "datasets: .* non-empty"),
        (["checkpoints"], ["byol"], "checkpoints: .* too short"),
        (["finetune", "steps"], "many", "finetune.steps: 'many' is not of type 'integer'"),
        (["study"], "../elsewhere", "study: .* does not match"),
        (["study"], "downloads", "study: "),
        (["ground_truth"], {"source": "file"}, "ground_truth: 'file' is a required property"),
    ],
)
def test_schema_mistakes_are_one_line(path, value, message):
    with pytest.raises(InputError, match=message) as error:
        check_schema(_with(path, value), SCHEMA)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "path, value, message",
    [
        (["datasets"], ["carz"], "unknown dataset 'carz'; did you mean 'cars'"),
        (["checkpoints"], ["byol", "moco"], "unknown checkpoint 'moco'; did you mean 'moco-"),
        (["metrics"], ["logme", "sdfa"], "unknown metric 'sdfa'; did you mean 'sfda'"),
        (["baselines"], ["knm"], "unknown metric 'knm'; did you mean 'knn'"),
        (["baselines"], ["logme"], "'logme' is among the metrics already"),
        (["metric_options"], {"gbc2": {}}, "unknown metric 'gbc2'"),
        (["reference", "source"], "shipped", "no statistics are shipped with 'byol'"),
        (["figures", "tsne", "refinement"], "ped-0.9", "unknown figure refinement 'ped-0.9'"),
        (["figures", "tsne", "refinement"], "none", "unknown figure refinement 'none'; choose from ped-0.3, ped-0.6"),
        (["refinements"], {"x": {"by": "sb"}}, "unknown refinement 'sb'; choose from ped, sa"),
        (["refinements"], {"ped-1": {"by": "sa"}}, "refinements: 'ped-1' is taken"),
        (["baselines"], ["logme"], "baselines: 'logme' is among the metrics already"),
        (["figures", "ranks", "datasets"], ["mnist"], "unknown figure dataset 'mnist'; choose from"),
        (["ablation", "datasets"], ["mnist"], "unknown ablation dataset 'mnist'"),
    ],
)
def test_unknown_names_get_a_suggestion(path, value, message):
    with pytest.raises(InputError, match=message) as error:
        check_names(_with(path, value), METRICS)
    assert "\n" not in str(error.value)
