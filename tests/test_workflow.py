"""The workflow: it plans every study, runs a small one to the end, reruns what an edit changes, and survives a kill."""

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml
from workflow import RUN, SMALL, command, copy_repository, environment, numbers, planned, snakemake, write_study

from pedrank.runtime.lock import alone
from pedrank.utils.paths import ROOT


def _tables(root: Path) -> dict[str, str]:
    """Hashes of all that must be identical from run to run, also of studies that are not run together."""
    skipped = ("small/config.yaml", "chosen", "validation.json")
    return {path: digest for path, digest in numbers(root).items() if not any(word in path for word in skipped)}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A copy of the repository in which the small study has run; tests must leave it as it was."""
    root = copy_repository(tmp_path_factory.mktemp("finished") / "pedrank")
    write_study(root)
    done = snakemake(root, *RUN)
    assert done.returncode == 0, done.stdout
    return root


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ((), {"features": 120, "score": 600, "ped": 120, "baselines": 120, "table1_published": 1, "prepare": 11}),
        (
            ("--config", "ground_truth={source: finetune}"),  # 12 x 10 x (16 + 5) runs
            {"features": 120, "finetune_point": 1920, "finetune_choice": 120, "finetune_seed": 600},
        ),
        (
            ("--workflow-profile", "quickstart"),
            {"features": 3, "score": 180, "finetune": 3, "prepare": 3, "baselines": 3, "page": 1},
        ),
        (("--workflow-profile", "quickstart", "--configfile", "studies/example.yaml"), {"features": 10, "score": 20}),
        (
            ("--workflow-profile", "quickstart", "--configfile", "studies/full.yaml"),
            {"features": 3, "score": 36, "baselines": 3, "per_checkpoint": 1},
        ),
    ],
    ids=["paper", "paper with fine-tuning", "quickstart", "example", "full"],
)
def test_every_study_is_planned_offline(tmp_path, arguments, expected):
    root = copy_repository(tmp_path / "pedrank")
    start = time.monotonic()
    plan = snakemake(root, "--cores", "2", "-n", *arguments)
    seconds = time.monotonic() - start
    assert plan.returncode == 0, plan.stdout
    assert planned(plan.stdout).items() >= expected.items()
    print(f"planned in {seconds:.1f} s")


def test_the_small_study_is_complete(finished):
    results = finished / "results/small"
    for table in ("table1", "table2", "selection", "ground-truth"):
        for extension in ("csv", "md", "tex", "html"):
            assert (results / f"tables/{table}.{extension}").stat().st_size > 0
    figures = ["figure4", "figure5", "figure6", "figure7", "motion", "critical-difference", "cost", "agreement"]
    for figure in [*figures, "scatter-digits", "scatter-mnist"]:
        assert (results / f"figures/{figure}.csv").stat().st_size > 0
        assert (results / f"figures/{figure}.pdf").read_bytes().startswith(b"%PDF")
        assert (results / f"figures/{figure}.png").read_bytes().startswith(b"\x89PNG")
    assert "For digits, fine-tune" in (results / "report.html").read_text()
    rows = {line.split(",")[1] for line in (results / "summary.csv").read_text().splitlines()[1:]}
    assert rows == {"logme", "gbc", "knn", "static-ranker", "random"}
    scored = [line.split(",")[:4] for line in (results / "per-checkpoint.csv").read_text().splitlines()]
    assert scored[0] == ["dataset", "checkpoint", "metric", "refinement"]
    assert {tuple(row[2:]) for row in scored[1:]} >= {("logme", "none"), ("logme", "ped-0.3"), ("knn", "none")}
    assert yaml.safe_load((results / "config.yaml").read_text())["ped"]["exit_ratio"] == 0.5
    leftovers = [path for path in (finished / "results").rglob(".tmp-*")]
    assert leftovers == []


def test_a_finished_study_has_nothing_to_do(finished):
    again = snakemake(finished, *RUN)
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout


def test_a_study_run_from_elsewhere_is_the_same(finished, tmp_path):
    """By `--directory`, and by `-s` from a folder without a configuration: config.yaml of the checkout counts."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "config.yaml").write_text("study: unrelated\n", encoding="utf-8")
    made = ["results/small/config.yaml", "results/small/scores/logme/ped-0.3/digits/byol-tiny.json"]
    done = snakemake(finished, *made, *RUN, "--directory", str(elsewhere))
    assert done.returncode == 0, done.stdout
    assert [(elsewhere / file).read_bytes() for file in made] == [(finished / file).read_bytes() for file in made]
    there = ("-s", str(finished / "Snakefile"), "--cores", "2", "--workflow-profile", "quickstart")
    again = snakemake(elsewhere, *made, *there, "--configfile", str(finished / "small.yaml"), "-n")
    assert again.returncode == 0 and "Nothing to be done" in again.stdout, again.stdout
    plan = snakemake(elsewhere, *there, "-n")  # the profile's own study
    assert plan.returncode == 0 and planned(plan.stdout)["score"] == 180, plan.stdout


def _plan_after(finished, tmp_path, edit):
    """What would run after `edit(root)` of a copy of the finished study."""
    root = tmp_path / "pedrank"
    shutil.copytree(finished, root, symlinks=True)
    edit(root)
    plan = snakemake(root, *RUN, "-n")
    assert plan.returncode == 0, plan.stdout
    return planned(plan.stdout)


def _append(root, file, text):
    with open(root / file, "a") as source:
        source.write(text)


def test_editing_a_metric_reruns_its_scores_alone(finished, tmp_path):
    plan = _plan_after(finished, tmp_path, lambda root: _append(root, "pedrank/metrics/gbc.py", "\nEDITED = 1\n"))
    assert plan["score"] == 6  # 2 datasets x 3 checkpoints, of one metric of two
    assert not plan.keys() & {"prepare", "checkpoint", "features", "finetune", "ground_truth", "ped", "sweep"}


def test_editing_a_comment_reruns_nothing(finished, tmp_path):
    def edit(root):
        for file in (
            "pedrank/metrics/gbc.py",
            "pedrank/refinements/ped.py",
            "pedrank/finetune/train.py",
            "scripts/score.py",
        ):
            _append(root, file, "\n# a comment\n")

    assert _plan_after(finished, tmp_path, edit) == {}


def test_adding_a_metric_adds_its_scores_and_the_tables(finished, tmp_path):
    plan = _plan_after(finished, tmp_path, lambda root: write_study(root, metrics=["logme", "gbc", "parc"]))
    assert plan["score"] == 6
    assert plan["table1"] == 1
    assert not plan.keys() & {"prepare", "checkpoint", "features", "finetune", "ground_truth", "ped", "sweep"}


def test_all_metrics_of_a_pair_in_one_job_give_the_same_table(finished, tmp_path):
    root = shutil.copytree(finished, tmp_path / "pedrank")
    write_study(root, metrics_together=True)
    target = "results/small/scores/digits.csv"
    done = snakemake(root, target, *RUN)
    assert done.returncode == 0, done.stdout
    assert planned(done.stdout) == {"score": 3, "scores": 1}  # 3 checkpoints, whatever the metrics
    assert (root / target).read_bytes() == (finished / target).read_bytes()
    costs = [pd.read_csv(folder / "results/small/seconds/digits.csv") for folder in (root, finished)]
    times = ["seconds", "refinement_seconds"]
    pd.testing.assert_frame_equal(*(cost.drop(columns=times) for cost in costs))
    assert not planned(snakemake(root, *RUN, "-n", target).stdout)


def test_a_users_own_metric_and_refinement(finished, tmp_path):
    root = shutil.copytree(finished, tmp_path / "pedrank")
    (root / "mine.py").write_text(
        "from pedrank.metrics import metric\nfrom pedrank.refinements import refinement\n\n\n"
        "@metric(needs='statistics')\ndef spread(observation, scale=1.0):\n"
        "    return scale * observation.means.std()\n\n\n"
        "@refinement\ndef apart(statistics, reference, factor):\n"
        "    return factor * (statistics.means - statistics.means.mean(axis=0))\n"
    )
    refinements = {"sa-0.6": {"by": "sa", "sigma": 0.6}, "twice": {"by": "apart", "factor": 1.0}}
    write_study(root, metrics=["logme", "spread"], plugins=["mine.py"], refinements=refinements)
    target = "results/small/scores/digits.csv"
    done = snakemake(root, target, *RUN)
    assert done.returncode == 0, done.stdout
    scores = pd.read_csv(root / target).query("metric == 'spread'")
    assert set(scores["refinement"]) == {"none", "ped-0.3", "sa-0.6", "twice"}
    by_refinement = scores.pivot(index="checkpoint", columns="refinement", values="score")
    assert (by_refinement["twice"] > by_refinement["none"]).all()
    assert not planned(snakemake(root, *RUN, "-n", target).stdout)
    (root / "mine.py").write_text((root / "mine.py").read_text().replace("std()", "var()"))
    assert planned(snakemake(root, *RUN, "-n", target).stdout).keys() >= {"score", "scores"}


def test_deleting_a_table_remakes_it_byte_for_byte(finished, tmp_path):
    root = tmp_path / "pedrank"
    shutil.copytree(finished, root, symlinks=True)
    made = [root / "results/small/report.html", *(root / "results/small").glob("tables/*")]
    made += (root / "results/small").glob("figures/*")
    before = {path: path.read_bytes() for path in made} | _tables(root)
    for file in ("tables/table1.csv", "tables/table2.tex", "figures/figure7.png", "figures/cost.pdf", "summary.csv"):
        (root / "results/small" / file).unlink()
    (root / "results/small/report.html").unlink()
    assert snakemake(root, *RUN).returncode == 0
    assert {path: path.read_bytes() for path in made} | _tables(root) == before


@pytest.mark.parametrize("seconds", [4, 18])
def test_a_killed_workflow_is_finished_by_the_same_command(finished, tmp_path, seconds):
    """SIGKILL of the head alone, so that its jobs are orphaned; then the same command, at once.

    `make test-faults` kills 200 times, of all kinds and at all stages.
    """
    root = copy_repository(tmp_path / "pedrank")
    write_study(root, together=True)
    head = subprocess.Popen(
        command(*RUN), cwd=root, env=environment(root), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(seconds)
    head.send_signal(signal.SIGKILL)
    head.wait()
    done = snakemake(root, *RUN)
    assert done.returncode == 0, done.stdout
    assert _tables(root) == _tables(finished)


def test_a_grid_at_a_price_runs_and_says_what_it_saved(tmp_path):
    root = copy_repository(tmp_path / "pedrank")
    changes = {"halving": 2, "early_stopping": True, "seeds": 3, "steps": 4}
    write_study(
        root,
        datasets=["digits"],
        checkpoints=["byol-tiny", "moco-tiny"],
        together=False,
        finetune=SMALL["finetune"] | changes,
        figures=SMALL["figures"] | {"ranks": SMALL["figures"]["ranks"] | {"datasets": ["digits"]}},
    )
    done = snakemake(root, "results/small/ground_truth/digits.csv", *RUN)
    assert done.returncode == 0, done.stdout
    cost = json.loads((root / "results/small/finetune/digits.cost.json").read_text())
    seeds = pd.read_csv(root / "results/small/ground_truth/digits.csv")["seeds"]
    assert seeds.isin([2, 3]).all()
    assert cost["runs"] == 2 * 2 + seeds.sum()
    assert cost["steps"] == 2 * 2 * 2 + 4 * seeds.sum()
    assert cost["full_steps"] == 2 * (2 + 3) * 4
    assert len(list((root / "results/small/finetune/digits").glob("*/test-seed*[0-9].json"))) == 6


def test_two_workflows_at_once_are_refused_in_one_line(tmp_path):
    root = copy_repository(tmp_path / "pedrank")
    write_study(root)
    first = subprocess.Popen(
        command(*RUN), cwd=root, env=environment(root), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    lock = root / "results/.pedrank.lock"
    while not lock.exists():
        assert first.poll() is None
        time.sleep(0.05)
    second = snakemake(root, *RUN)
    first.kill()
    first.wait()
    assert second.returncode == 1
    assert "another workflow runs in this directory" in second.stdout


MISTAKES = {
    "unknown key": ({"dataset": ["digits"]}, "unknown key 'dataset'; did you mean 'datasets'"),
    "misspelt dataset": ({"datasets": ["digit", "mnist"]}, "unknown dataset 'digit'; did you mean 'digits'"),
    "misspelt checkpoint": ({"checkpoints": ["byol-tiny", "mocco-tiny"]}, "did you mean 'moco-tiny'"),
    "unknown metric": ({"metrics": ["logme", "accuracy"]}, "unknown metric 'accuracy'; choose from"),
    "one checkpoint": ({"checkpoints": ["byol-tiny"]}, "checkpoints: ['byol-tiny'] is too short"),
    "negative lambda": ({"ped": {"lambdas": [-0.3]}}, "ped.lambdas.0: -0.3 is less than or equal to the minimum"),
    "no epochs but steps": ({"finetune": SMALL["finetune"] | {"epochs": 3}}, "unknown key 'epochs'"),
}


@pytest.mark.parametrize("changes, message", MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_in_the_configuration_are_one_line(tmp_path, changes, message):
    root = copy_repository(tmp_path / "pedrank")
    write_study(root, **changes)
    run = snakemake(root, *RUN)
    assert run.returncode == 1
    assert message in run.stdout
    assert "Traceback" not in run.stdout


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda content: content[: len(content) // 2], "truncated"),
        (lambda content: b"<!DOCTYPE html>" + content, "not a safetensors file"),
    ],
    ids=["truncated", "html"],
)
def test_a_damaged_artefact_is_named_with_the_remedy(finished, tmp_path, damage, message):
    root = tmp_path / "pedrank"
    shutil.copytree(finished, root, symlinks=True)
    target = "results/small/features/digits/byol-tiny.safetensors"
    features = root / target
    features.write_bytes(damage(features.read_bytes()))
    run = snakemake(root, *RUN)
    assert run.returncode == 1
    (line,) = {line.strip() for line in run.stdout.splitlines() if "error:" in line and "byol-tiny.safetensors" in line}
    assert message in line
    assert "delete it and run again" in line
    features.unlink()
    assert snakemake(root, target, *RUN).returncode == 0
    assert _tables(root) == _tables(finished)


def test_the_workflow_is_linted_and_formatted():
    for arguments in ((), ("--workflow-profile", "quickstart")):
        lint = snakemake(ROOT, "--lint", *arguments)
        assert lint.returncode == 0, lint.stdout


def test_results_without_snakemakes_records_are_never_mixed(finished, tmp_path):
    """Without .snakemake, the same study has nothing to do, and another one is refused; with it, that one reruns."""
    root = tmp_path / "pedrank"
    shutil.copytree(finished, root, symlinks=True)
    (root / ".snakemake").rename(tmp_path / "records")
    again = snakemake(root, *RUN)
    assert again.returncode == 0 and "Nothing to be done" in again.stdout
    write_study(root, finetune=SMALL["finetune"] | {"steps": 9})
    for arguments in ((), ("-n",), ("--touch", "--forceall")):
        run = snakemake(root, *RUN, *arguments)
        assert run.returncode == 1 and "Traceback" not in run.stdout
        assert "results/small: made with finetune.steps: 3, which is 9 now" in run.stdout
    shutil.rmtree(root / ".snakemake")
    (tmp_path / "records").rename(root / ".snakemake")
    assert planned(snakemake(root, *RUN, "-n").stdout)["finetune"] == 2


def test_a_checkout_with_any_name_runs_and_is_found_as_a_module(tmp_path):
    """Quotes, blanks, dollars and braces in its path; then another workflow uses it with its own configuration."""
    root = copy_repository(tmp_path / 'it\'s {a} $HOME "p"')
    write_study(root)
    target = "results/small/config.yaml"
    done = snakemake(root, target, "results/checkpoints/byol-tiny.safetensors", *RUN)
    assert done.returncode == 0, done.stdout
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "study.yaml").write_text((root / target).read_text())
    (mine / "Snakefile").write_text(
        f'configfile: "study.yaml"\n\n\nmodule ped:\n    snakefile:\n        {str(root / "Snakefile")!r}\n'
        "    config:\n        config\n\n\nuse rule * from ped as ped_*\n"
    )
    plain = "it's"
    shutil.copytree(root, tmp_path / plain, ignore=shutil.ignore_patterns("results", ".snakemake"))
    (mine / "Snakefile").write_text((mine / "Snakefile").read_text().replace(root.name, plain).replace('\\"', '"'))
    made = snakemake(mine, target, "--cores", "2")
    assert made.returncode == 0, made.stdout
    assert yaml.safe_load((mine / target).read_text()) == yaml.safe_load((root / target).read_text())


def test_a_second_checkout_with_the_same_results_waits_for_the_first(tmp_path):
    for name in ("one", "two"):
        root = copy_repository(tmp_path / name)
        write_study(root)
        (tmp_path / "shared").mkdir(exist_ok=True)
        (root / "results").symlink_to(tmp_path / "shared")
    locks = alone(tmp_path / "one")
    target = "results/checkpoints/byol-tiny.safetensors"
    second = snakemake(tmp_path / "two", target, *RUN)
    assert second.returncode == 1 and "another workflow runs" in second.stdout and "Traceback" not in second.stdout
    assert not (tmp_path / "shared/checkpoints").exists()
    for lock in locks:
        lock.close()
    assert snakemake(tmp_path / "two", target, *RUN).returncode == 0


def test_values_of_the_command_line_and_targets_among_configurations(tmp_path):
    root = copy_repository(tmp_path / "pedrank")
    write_study(root)
    plan = snakemake(root, *RUN, "-n", "--config", "finetune={seeds: 3, weight_decays: [1e-4]}", "together=false")
    assert plan.returncode == 0, plan.stdout
    assert planned(plan.stdout)["finetune_seed"] == 2 * 3 * 3  # datasets x checkpoints x seeds
    target = "results/small/config.yaml"
    assert snakemake(root, target, *RUN).returncode == 0
    swallowed = snakemake(root, *RUN, target)
    assert swallowed.returncode == 1 and f"{target}: --configfile takes every word" in swallowed.stdout


@pytest.mark.parametrize("rule", ["score", "baselines"])
def test_a_score_on_a_gpu_uses_the_environment_with_torch(tmp_path, rule):
    root = copy_repository(tmp_path / "pedrank")
    with open(root / "Snakefile", "a") as file:
        file.write(f'\nprint("environment:", workflow.get_rule("{rule}").conda_env)\n')
    for more, name in ((f"{rule}:mem_mb=900", "core"), (f"{rule}:gpu=1", "torch"), (f"{rule}:gpu=0", "core")):
        plan = snakemake(root, "-n", "--workflow-profile", "quickstart", "--cores", "2", "--set-resources", more)
        assert plan.returncode == 0 and f"environment: {root}/envs/{name}.yaml" in plan.stdout, plan.stdout


def test_broken_records_and_odd_surroundings(finished, tmp_path):
    """Half a record, a broken mark of a running job, and a temporary folder that does not exist."""
    root = tmp_path / "pedrank"
    shutil.copytree(finished, root, symlinks=True)
    record = next(path for path in (root / ".snakemake/metadata").iterdir() if path.is_file() and path.name[0] != ".")
    record.write_text('{"half')
    plan = snakemake(root, *RUN, "-n", env=environment(root) | {"TMPDIR": "/no/such/folder"})
    assert plan.returncode == 0 and "Traceback" not in plan.stdout, plan.stdout
    (root / ".snakemake/incomplete" / record.name).write_text('{"external_jobid": null}74"}')
    plan = snakemake(root, *RUN, "-n")
    assert plan.returncode == 0 and "Traceback" not in plan.stdout, plan.stdout
