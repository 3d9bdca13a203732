"""Text that Snakemake and YAML make of numbers and truth values becomes what the schema asks for."""

import copy

import pytest
import yaml
from snakemake.cli import parse_config
from snakemake.utils import update_config

from pedrank.study.config import check_schema, check_targets, read_config
from pedrank.study.restore_types import restore_types, spelt
from pedrank.utils.errors import InputError
from pedrank.utils.paths import ROOT

SCHEMA = ROOT / "schemas/config.schema.yaml"
PAPER = yaml.safe_load((ROOT / "config.yaml").read_text())


def _with(*words: str) -> dict:
    """The paper's configuration after `snakemake --config WORDS`, read by Snakemake itself."""
    config = copy.deepcopy(PAPER)
    update_config(config, parse_config(words))
    restore_types(config, SCHEMA)
    check_schema(config, SCHEMA)
    return config


@pytest.mark.parametrize(
    "word, path, value",
    [
        ("finetune={seeds: 3}", "finetune.seeds", 3),
        ("finetune={early_stopping: true}", "finetune.early_stopping", True),
        ("finetune={weight_decays: [1e-4, 0, 1.0e-3]}", "finetune.weight_decays", [1e-4, 0, 1e-3]),
        ("together=false", "together", False),
        ("together=True", "together", True),
        ("image_size=96", "image_size", 96),
        ("ped={lambdas: [0.3, .5]}", "ped.lambdas", [0.3, 0.5]),
        ("metric_options={gbc: {variant: diagonal, guard: 1e-4}}", "metric_options.gbc.guard", 1e-4),
        ("metric_options={parc: {rows: 100, exact: false}}", "metric_options.parc", {"rows": 100, "exact": False}),
        ("refinements={sa-0.6: {by: sa, sigma: 0.6}}", "refinements.sa-0.6.sigma", 0.6),
    ],
)
def test_values_of_the_command_line_have_their_types(word, path, value):
    found, names = _with(word), path.split(".")
    if "refinements" in names:
        names = ["refinements", "sa-0.6", "sigma"]
    for name in names:
        found = found[name]
    assert found == value and type(found) is type(value)


def test_numbers_without_a_point_in_a_file_are_numbers(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("finetune: {weight_decays: [1e-4, 1E-3], learning_rates: [1e-2]}\nmetric_options: {gbc: {a: 1e3}}\n")
    assert yaml.safe_load(own.read_text())["finetune"]["weight_decays"] == ["1e-4", "1E-3"]  # YAML 1.1
    config = read_config(ROOT, own)
    assert config["finetune"]["weight_decays"] == [1e-4, 1e-3]
    assert config["metric_options"] == {"gbc": {"a": 1000.0}}


@pytest.mark.parametrize(
    "word, said",
    [
        ("finetune={seeds: x}", "finetune.seeds: 'x' is not of type 'integer'"),
        ("finetune={seeds: 2.5}", "finetune.seeds: '2.5' is not of type 'integer'"),
        ("together=maybe", "together: 'maybe' is not of type 'boolean'"),
        ("study=2024", 'study: 2024 must be text; write "2024" in a file for --configfile'),
        ("study=1_2", 'study: 12 must be text; write "12" in a file for --configfile'),
    ],
)
def test_what_spells_no_value_is_one_line(word, said):
    with pytest.raises(InputError) as raised:
        _with(word)
    assert said in str(raised.value)


def test_names_stay_text():
    assert _with("ground_truth={source: file, file: 2024}")["ground_truth"]["file"] == "2024"
    assert spelt("nan", "number") == "nan" and spelt("1_000", "integer") == "1_000" and spelt("", "any") == ""


def test_a_target_that_was_read_as_a_configuration_is_noticed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = tmp_path / "results/small/config.yaml"
    with pytest.raises(InputError, match=r"^results/small/config.yaml: --configfile takes every word .* --$"):
        check_targets([tmp_path / "small.yaml", result])
    check_targets([result])  # the configuration that a study was made with
    check_targets([tmp_path / "small.yaml", tmp_path / "more.yaml"])
    check_targets([])
