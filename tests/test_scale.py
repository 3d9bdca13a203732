"""What keeps large studies fast to plan and possible to run: few jobs, short commands, a light and single parse."""

import json
import subprocess
import sys
from collections import Counter

import pytest
from workflow import environment, planned

from pedrank.utils.paths import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import simulated

CHECKPOINTS, DATASETS, METRICS = 40, 2, 3
# Plans a study in this process, then says what it imported, beside what Snakemake's own plugins do (Slurm's executor
# takes pandas), and how often it parsed each of the package's files.
PLAN = """
import json, sys
from collections import Counter
from snakemake.cli import main

plugins = set(sys.modules)
from pedrank.store import digest
parsed, parse = Counter(), digest.ast.parse
def count(text, *rest, **options):
    if sys._getframe(1).f_globals["__name__"] == "pedrank.store.digest":
        parsed[text] += 1
    return parse(text, *rest, **options)
digest.ast.parse = count
try:
    main()
except SystemExit as end:
    code = end.code
heavy = sorted({"torch", "torchvision", "matplotlib", "pandas", "scipy", "sklearn"} & (set(sys.modules) - plugins))
most = max(times for text, times in parsed.items() if text.strip())
json.dump({"code": code, "heavy": heavy, "files": len(parsed), "parsed": most}, open(sys.argv[1], "w"))
"""


def _plan(folder, **changes):
    """The output of a dry run with every job's command, and what PLAN found."""
    study = simulated.write(folder, CHECKPOINTS, DATASETS, METRICS, **changes)
    arguments = ["-n", "-p", "--configfile", str(study), "--workflow-profile", str(ROOT / "profiles/default")]
    done = subprocess.run(
        [sys.executable, "-c", PLAN.replace("sys.argv[1]", repr(str(folder / "found.json"))), *arguments]
        + ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)],
        env=environment(ROOT),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout, json.loads((folder / "found.json").read_text())


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    grid = {"learning_rates": [0.1], "weight_decays": [1e-4], "seeds": 4, "steps": 1, "batch_size": 1}
    return _plan(
        tmp_path_factory.mktemp("scale"),
        ground_truth={"source": "finetune"},
        finetune=grid | {"early_stopping": True},
        metrics_together=True,
    )


def test_a_pair_of_checkpoint_and_dataset_is_four_jobs_besides_fine_tuning(plan):
    pairs = CHECKPOINTS * DATASETS
    expected = {"features": pairs, "ped": pairs, "score": pairs, "baselines": pairs, "scores": DATASETS}
    assert planned(plan[0]).items() >= expected.items()


def test_planning_parses_each_file_once_and_imports_nothing_heavy(plan):
    assert plan[1]["code"] == 0
    assert plan[1]["heavy"] == []
    assert plan[1]["files"] > 30
    assert plan[1]["parsed"] == 1


def test_no_command_outgrows_what_linux_takes_at_a_thousand_checkpoints(plan):
    """Linux refuses an argument of 128 KiB, and a command is one; lengths are at most linear in the checkpoints."""
    commands = Counter(line.split('"$PEDRANK/scripts/')[1].split(".py")[0] for line in _commands(plan[0]))
    assert len(commands) > 20
    longest = max(_commands(plan[0]), key=len)
    assert len(longest) * 1000 / CHECKPOINTS < 128 * 1024, longest[:300]


def _commands(output):
    return [line for line in output.splitlines() if 'python "$PEDRANK/scripts/' in line]


def test_jobs_of_each_metric_without_metrics_together(tmp_path):
    output, found = _plan(tmp_path, plugins=[])
    assert planned(output)["score"] == CHECKPOINTS * DATASETS * METRICS
    assert found["parsed"] == 1
