"""A study's configuration: every mistake is one line with the remedy."""

import copy
from itertools import combinations

import numpy as np
import pytest
import yaml
from golden import clusters

from pedrank.catalogue.catalogue import catalogue
from pedrank.observation.statistics import ClassStatistics, ReferenceStatistics
from pedrank.refinements import move
from pedrank.study.config import check_all_options, check_names, check_schema, read_config
from pedrank.study.names import refinements
from pedrank.utils.errors import InputError
from pedrank.utils.paths import ROOT

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
        (["baselines"], ["logme"], "'logme' is a metric and a baseline"),
        (["metric_options"], {"gbc2": {}}, "unknown metric 'gbc2'"),
        (["reference", "source"], "shipped", "no statistics are shipped with 'byol'"),
        (["figures", "tsne", "refinement"], "ped-0.9", "unknown figure refinement 'ped-0.9'"),
        (["figures", "tsne", "refinement"], "none", "unknown figure refinement 'none'; choose from ped-0.3, ped-0.6"),
        (["refinements"], {"x": {"by": "sb"}}, "unknown refinement 'sb'; choose from ped, sa"),
        (["refinements"], {"ped-1": {"by": "sa"}}, "refinements: 'ped-1' is a reserved name"),
        (["baselines"], ["logme"], "baselines: 'logme' is a metric and a baseline"),
        (["figures", "ranks", "datasets"], ["mnist"], "unknown figure dataset 'mnist'; choose from"),
        (["ablation", "datasets"], ["mnist"], "unknown ablation dataset 'mnist'"),
    ],
)
def test_unknown_names_get_a_suggestion(path, value, message):
    with pytest.raises(InputError, match=message) as error:
        check_names(_with(path, value), METRICS)
    assert "\n" not in str(error.value)


def test_a_plugins_metric_cannot_have_the_name_of_a_row():
    with pytest.raises(InputError, match="metrics: 'prior' is a reserved name; rename the metric in its plugin"):
        check_names(_with(["metrics"], ["logme", "prior"]), [*METRICS, "prior"])


def test_a_studys_file_changes_parts_of_the_papers(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("study: own\nablation: {datasets: [dtd]}\n")
    config = read_config(ROOT, own)
    assert config["study"] == "own"
    assert config["ablation"] == PAPER["ablation"] | {"datasets": ["dtd"]}


@pytest.mark.parametrize("content", ["a: [", "- a list", "word", b"\xff\xfe"])
def test_what_is_no_configuration_is_refused(tmp_path, content):
    own = tmp_path / "own.yaml"
    own.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=r"own\.yaml"):
        read_config(ROOT, own)
    with pytest.raises(InputError, match="no such"):
        read_config(ROOT, tmp_path / "another.yaml")


RANKING = {
    name: PAPER[name] for name in ("study", "datasets", "checkpoints", "image_size", "reference", "features", "metrics")
} | {"ground_truth": {"source": "none"}, "ranking": {"metric": "logme"}, "metric_options": {}, "ped": {"lambdas": []}}


def test_a_study_without_ground_truth_needs_no_fine_tuning_and_no_figures():
    check_schema(RANKING, SCHEMA)
    check_names(RANKING, METRICS)
    check_names(RANKING | {"reference": {"source": "shipped"}}, METRICS)  # raw features need no statistics
    assert list(refinements(RANKING)) == ["none"]


@pytest.mark.parametrize("missing", ["finetune", "ablation", "figures"])
def test_a_study_with_ground_truth_needs_them(missing):
    with pytest.raises(InputError, match=f"'{missing}' is a required property"):
        check_schema({name: part for name, part in PAPER.items() if name != missing}, SCHEMA)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"ranking": {"metric": "logmee"}}, "unknown ranking metric 'logmee'; did you mean 'logme'"),
        ({"ranking": {"metric": "knn"}}, "unknown ranking metric 'knn'"),  # known, but not among the study's
        ({"ranking": {"metric": "logme", "refinement": "ped-0.6"}}, "unknown ranking refinement 'ped-0.6'"),
        ({"ground_truth": {"source": "none", "confirm": ["byoll"]}}, "unknown checkpoint to confirm 'byoll'; did you"),
    ],
)
def test_a_ranking_names_what_the_study_has(changes, message):
    with pytest.raises(InputError, match=message):
        check_names(RANKING | changes, METRICS)


def test_the_combination_takes_no_refinement():
    combined = {"by": "combination", "metric": "logme", "refinement": "ped-0.6"}
    with pytest.raises(InputError, match="the combination uses raw features; remove refinement: ped-0.6, or set by: m"):
        check_names(RANKING | {"ranking": combined, "ped": {"lambdas": [0.6]}}, METRICS)
    check_names(RANKING | {"ranking": combined | {"refinement": "none"}}, METRICS)


def test_a_study_without_ground_truth_says_what_ranks():
    with pytest.raises(InputError, match="'ranking' is a required property"):
        check_schema({name: part for name, part in RANKING.items() if name != "ranking"}, SCHEMA)


@pytest.mark.parametrize(
    "part, value, message",
    [
        (
            "metric_options",
            {"gbc": {"varient": "x"}},
            "metric_options.gbc: unknown option 'varient'; did you mean 'var",
        ),
        ("metric_options", {"lda": {"k": 1}}, "lda: unknown option 'k'; leave it out: no options exist"),
        ("refinements", {"x": {"by": "sa", "sigmo": 1}}, "refinements.x: unknown option 'sigmo'; did you mean 'sigma'"),
        ("refinements", {"x": {"by": "ped", "lamda": 1}}, "refinements.x: unknown option 'lamda'; did you mean 'lam'"),
    ],
)
def test_a_misspelt_option_is_found_before_anything_runs(part, value, message):
    with pytest.raises(InputError, match=message):
        check_all_options(RANKING | {part: value})


def test_options_that_are_there_are_taken():
    ped = {"by": "ped", "lam": 0.5, "mode": "paper", "clamp": True}
    check_all_options(RANKING | {"metric_options": {"knn": {"k": 3}}, "refinements": {"x": ped, "y": {"by": "sa"}}})


def test_no_two_refinements_of_the_full_study_move_classes_alike():
    """With its ten classes, the modes of PED alone would: no move falls to half of the first one."""
    features, labels = clusters(400, 80, 10, apart=0.3)
    features = features + 3 * (labels == 0)[:, None]  # one class is apart, all others overlap
    statistics, reference = ClassStatistics.from_features(features, labels), ReferenceStatistics.from_features(features)
    listed = refinements(read_config(ROOT, ROOT / "studies/full.yaml"))
    moved = {name: move(statistics, reference, **options).displacement for name, options in listed.items() if options}
    assert {"ped-0.3", "ped-0.6", "overlap", "sa-0.6"} < set(moved)
    for one, other in combinations(moved, 2):
        assert not np.allclose(moved[one], moved[other]), (one, other)
    np.testing.assert_array_equal(moved["ped-0.6"], move(statistics, reference, "ped", mode="paper").displacement)


def test_the_full_study_is_the_quickstart_with_further_rows():
    full, quickstart = (yaml.safe_load((ROOT / f"studies/{name}.yaml").read_text()) for name in ("full", "quickstart"))
    assert quickstart["metrics"] == ["nleep", "parc", "logme", "sfda", "gbc"]
    assert full["metrics"][:5] == quickstart["metrics"] and full["baselines"][:3] == quickstart["baselines"]
    more = {"study", "metrics", "baselines", "plugins", "refinements", "metrics_together"}
    assert {key: value for key, value in full.items() if key not in more} == {
        key: value for key, value in quickstart.items() if key not in more
    }
