"""Profiles name rules that exist, agree where they should, and ask for the resources of every rule."""

import argparse
import ast
import importlib.util
import re
import subprocess
import sys
from collections import Counter

import pytest
import yaml
from workflow import copy_repository, planned, snakemake

from pedrank.cli.workflow import check_executor
from pedrank.runtime.arguments import add_config
from pedrank.store.digest import closure
from pedrank.utils.errors import InputError
from pedrank.utils.paths import ROOT

PROFILES = {path.parent.name: path for path in sorted((ROOT / "profiles").glob("*/profile.yaml"))}
TEXT = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
PARENTS = {name: parent for parent, name in re.findall(r"^ *use rule (\w+) as (\w+) with:", TEXT, re.M)}
RULES = {*re.findall(r"^ *rule (\w+):", TEXT, re.M), *PARENTS}
# What a workstation and a cluster have in common.
COMMON = ("scheduler", "rerun-incomplete", "nolock", "keep-going", "show-failed-logs", "max-checksum-file-size")


def _profile(name: str) -> dict:
    return yaml.safe_load(PROFILES[name].read_text())


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_agree_and_name_rules_that_exist(name):
    profile = _profile(name)
    assert {key: profile[key] for key in COMMON} == {key: _profile("default")[key] for key in COMMON}
    named = [*profile.get("set-threads", []), *profile.get("groups", []), *profile.get("set-resources", [])]
    assert {re.split("[=:]", entry)[0] for entry in named} <= RULES


def test_a_gpu_partition_is_suggested_for_every_rule_with_a_gpu():
    bodies = dict(re.findall(r"^ *rule (\w+):\n(.*?)(?=^ *(?:use )?rule |\Z)", TEXT, re.M | re.S))
    bodies |= {name: bodies[parent] for name, parent in PARENTS.items()}
    with_gpu = {rule for rule, body in bodies.items() if "--gpu {resources.gpu}" in body}
    assert {rule for rule, body in bodies.items() if "gpu=1," in body} == with_gpu - {"score", "baselines"}
    suggested = re.findall(r"^# +- (\w+):slurm_partition=gpu$", PROFILES["slurm"].read_text(), re.M)
    assert sorted(suggested) == sorted(with_gpu)
    for rule in with_gpu:
        assert "mem_mb=megabytes(" in bodies[rule] and "runtime=minutes(" in bodies[rule], rule


@pytest.mark.parametrize("rule", ["score", "baselines", "halves", "sweep"])
def test_jobs_that_compute_metrics_request_what_these_promise(rule):
    body = re.search(rf"^rule {rule}:\n(.*?)(?=^ *(?:use )?rule |\Z)", TEXT, re.M | re.S)[1]
    assert re.search(r"mem_mb=megabytes\(1000, metrics=", body)


def _asked(plan: str) -> dict[str, set[str]]:
    """Resources of each rule, as a dry run prints them."""
    asked, rule = {}, ""
    for line in plan.splitlines():
        if found := re.match(r" *(?:local)?rule (\w+):$", line):
            rule = found[1]
        elif line.strip().startswith("resources: "):
            asked.setdefault(rule, set()).add(line.strip())
    return asked


@pytest.mark.parametrize(
    "name, plugin",
    [("slurm", "snakemake_executor_plugin_slurm"), ("kubernetes", "snakemake_executor_plugin_cluster_generic")],
)
def test_a_cluster_is_asked_for_memory_and_time_by_every_rule(tmp_path, name, plugin):
    if importlib.util.find_spec(plugin) is None:
        pytest.skip(f"{plugin} is not installed")
    root = copy_repository(tmp_path / "pedrank")
    plan = snakemake(root, "-n", "--workflow-profile", name, "--config", "ground_truth={source: finetune}")
    assert plan.returncode == 0, plan.stdout
    assert planned(plan.stdout).items() >= Counter(finetune_point=1920, finetune_seed=600, score=600).items()
    assert "RuntimeWarning" not in plan.stdout
    asked = _asked(plan.stdout)
    for rule, lines in asked.items():
        assert all("mem_mb=" in line and "runtime=" in line for line in lines), rule
    assert all("mem_mb=8300" in line and "gpu=1" in line for line in asked["finetune_point"])


def test_an_executor_that_is_missing_is_named_with_its_installation(tmp_path):
    profile = tmp_path / "mine"
    profile.mkdir()
    check_executor(profile)  # no file: Snakemake reports it
    for executor in ("local", "touch"):
        (profile / "profile.yaml").write_text(f"executor: {executor}\n")
        check_executor(profile)
    (profile / "profile.yaml").write_text("executor: no-such-cluster\n")
    with pytest.raises(InputError, match="is missing; pip install snakemake-executor-plugin-no-such-cluster$"):
        check_executor(profile)


def test_scores_find_their_packages_in_both_conda_environments():
    """With `score:gpu=1` they run in the environment of torch, else in the one without."""
    conda_names = {"sklearn": "scikit-learn", "yaml": "pyyaml", "torch": "pytorch"}
    metrics = (path.relative_to(ROOT) for path in (ROOT / "pedrank/metrics").glob("*.py"))
    imported = set()
    for file in closure("scripts/score.py", *map(str, metrics)):
        for node in ast.walk(ast.parse((ROOT / file).read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            imported |= {name.partition(".")[0] for name in names}
    needed = {conda_names.get(name, name) for name in imported - set(sys.stdlib_module_names) - {"pedrank"}}
    assert {"numpy", "pytorch"} <= needed
    for file, without in (("torch", set()), ("core", {"pytorch"})):
        listed = yaml.safe_load((ROOT / f"envs/{file}.yaml").read_text())["dependencies"]
        assert needed - without <= {re.split("[<>=]", item)[0] for item in listed if isinstance(item, str)}, file


def test_make_passes_on_all_configurations():
    """Snakemake's last `--configfile` replaces those before it, so one option must name them all."""
    make = [
        "make",
        "--dry-run",
        "CONFIG=a.yaml b.yaml",
        "--assume-old=.venv/workflow",
        "resume",
        "fetch-list",
        "estimate",
    ]
    lines = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    lines = [line for line in lines if "a.yaml" in line]
    assert len(lines) == 4
    assert all(re.search(r"--config(file)? a.yaml b.yaml$", line) for line in lines)


def test_repeated_configurations_are_all_kept():
    parser = argparse.ArgumentParser()
    add_config(parser)
    given = parser.parse_args(["--config", "a", "b", "--config", "c"]).config
    assert [str(path) for path in given] == ["a", "b", "c"]
    assert parser.parse_args([]).config == []
