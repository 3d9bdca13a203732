"""Reruns are exactly right: what an edit changes is made again, and nothing else.

One small study is run to its end, traced: every process writes down which files of the repository and of the results it
opened. Each of them must be in the digest of its job, among its inputs or outputs, or be a carrier.
"""

import base64
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from workflow import RUN, SMALL, copy_repository, environment, planned, snakemake, write_study

from pedrank.store.digest import CARRIERS
from pedrank.utils.paths import ROOT

TRACE = '''
"""Every process of a job appends the files that it opens to trace/LOG, LOG being where its stderr goes."""
import os, sys

root = os.path.dirname(os.path.abspath(__file__))
if sys.argv and "PEDRANK_HEAD" in os.environ:
    stderr = os.path.relpath(os.readlink("/proc/self/fd/2"), root).replace("/", "~")
    os.makedirs(f"{root}/trace", exist_ok=True)
    out = open(f"{root}/trace/{stderr}", "a", buffering=1)

    def note(event, arguments):
        if event == "open" and isinstance(arguments[0], (str, bytes)):
            path = os.path.abspath(os.fsdecode(arguments[0]))
            if path.startswith(root + os.sep) and not path.startswith(f"{root}/trace/"):
                out.write(os.path.relpath(path, root) + chr(10))

    sys.addaudithook(note)
'''
NOTED_DIGESTS = """

_plain = code_digest


def code_digest(*files):
    found = _plain(*files)
    with open(in_repository("digests.jsonl"), "ab", buffering=0) as out:  # one write: other processes append too
        out.write((__import__("json").dumps({found: closure(*files)}) + chr(10)).encode())
    return found
"""
# Files that a step may open though neither its digest nor its inputs name them, and why that is right.
MAY_OPEN = {
    r"pedrank/catalogue/(datasets|checkpoints)\.yaml": "the entry's fields that matter are in params",
    r"pedrank/checkpoints/tiny/.*\.safetensors": "shipped; the weights made from them are inputs",
    r"pyproject\.toml": "the version, which is recorded and decides nothing",
    r"\.snakemake/pedrank/.*\.json": "the study's configuration: its names and options that matter are in params",
    r"results/downloads/.*": "what the records among the inputs vouch for",
    r"(.*/)?\.[^/]*\.sha256": "seals",
    r"(.*/)?\.(tmp|features)-.*": "unfinished files of the step itself",
    r"results/.*/finetune/.*": "runs that are finished are taken from there by their own hash",
    r"\.snakemake/.*": "Snakemake's own",
    r"__editable__.*|digests\.jsonl": "of the installation and of this test",
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A copy of the repository in which a small study of the user's own accuracies has run, traced."""
    root = copy_repository(tmp_path_factory.mktemp("reruns") / "pedrank")
    shutil.copy(ROOT / "pyproject.toml", root)
    (root / "sitecustomize.py").write_text(TRACE)
    digest = root / "pedrank/store/digest.py"
    digest.write_text(digest.read_text() + NOTED_DIGESTS)
    write_study(root, **SMALL_HERE)
    done = snakemake(root, *RUN)
    assert done.returncode == 0, done.stdout
    return root


SMALL_HERE = {
    "datasets": ["digits"],
    "checkpoints": ["byol-tiny", "moco-tiny", "simclr-tiny"],
    "figures": SMALL["figures"] | {"ranks": {"metric": "logme", "refinement": "ped-0.3", "datasets": ["digits"]}},
}


def _copy(finished, tmp_path):
    root = tmp_path / "pedrank"
    shutil.copytree(finished, root, symlinks=True)
    return root


def _plan(root, *targets):
    plan = snakemake(root, *targets, *RUN, "-n")
    assert plan.returncode == 0, plan.stdout
    return planned(plan.stdout)


def _jobs(root: Path) -> dict[str, dict]:
    """By log, what Snakemake recorded of each job: rule, inputs, params and outputs (the names of its files)."""
    folder, jobs = root / ".snakemake/metadata", {}
    for file in folder.rglob("*"):
        if file.is_file() and not file.name.startswith("."):
            record = json.loads(file.read_text())
            name = "".join(part.removeprefix("@") for part in file.relative_to(folder).parts)
            log = record["log"][0] if record["log"] else file.name
            job = jobs.setdefault(log, {"rule": record["rule"], "input": set(), "output": set(), "params": set()})
            job["input"] |= set(record["input"])
            job["output"].add(base64.urlsafe_b64decode(name).decode())
            job["params"] |= set(map(str, record["params"]))
    return jobs


def test_every_file_that_a_step_opens_is_known_to_its_job(finished):
    closures = {}
    for line in (finished / "digests.jsonl").read_text().splitlines():
        closures |= json.loads(line)
    traces = {file.name.replace("~", "/"): file for file in (finished / "trace").iterdir()}
    jobs = {log: job for log, job in _jobs(finished).items() if log in traces}
    assert {job["rule"] for job in jobs.values()} >= {
        *("prepare", "checkpoint", "features", "ped", "score", "scores", "seconds", "baselines", "summary", "sweep"),
        *("ground_truth", "table1", "figure4", "figure6", "figures", "finetune", "page"),
    }
    unknown = set()
    for log, job in jobs.items():
        digested = {
            file
            for digest, files in closures.items()
            if any(digest in param for param in job["params"])
            for file in files
        }
        opened = set(traces[log].read_text().split("\n")) - {""}
        for path in {re.sub(r"__pycache__/(\w+)\.cpython-\d+\.pyc", r"\1.py", each) for each in opened}:
            known = path in digested | job["input"] | job["output"] | {log, "sitecustomize.py"}
            known = known or path.endswith(".py") and path.startswith(CARRIERS)
            known = known or any(re.fullmatch(pattern, path) for pattern in MAY_OPEN)
            if not known:
                unknown.add((job["rule"], path))
    assert not unknown, "\n".join(f"{rule}: {path}" for rule, path in sorted(unknown))


def test_a_finished_study_has_nothing_to_do(finished):
    assert _plan(finished) == {}


def test_editing_a_metric_sweeps_it_again(finished, tmp_path):
    root = _copy(finished, tmp_path)
    file = root / "pedrank/metrics/logme.py"
    file.write_text(file.read_text().replace("GUARD = 1e-5", "GUARD = 1e-2"))
    plan = _plan(root)
    assert plan["sweep"] == 1 and plan["score"] == 3 and plan["figure4"] == 1
    assert not plan.keys() & {"prepare", "checkpoint", "features", "finetune", "ped", "baselines"}


def test_editing_words_reruns_nothing(finished, tmp_path):
    root = _copy(finished, tmp_path)
    changed = 0
    for file in sorted(root.glob("pedrank/**/*.py")):
        text = file.read_text()
        new = re.sub(r'raise InputError\(\s*f?"', lambda found: found[0] + "reworded: ", text)
        new = re.sub(r'warnings\.warn\(\s*f?"', lambda found: found[0] + "reworded: ", new)
        changed += new != text
        file.write_text(new)
    assert changed > 50
    assert _plan(root) == {}


def test_another_lambda_sweeps_nothing(finished, tmp_path):
    root = _copy(finished, tmp_path)
    write_study(root, **SMALL_HERE, ped={"lambdas": [0.3, 0.5]})
    plan = _plan(root)
    assert plan["ped"] == 3 and plan["score"] == 6 and plan["table1"] == 1
    assert not plan.keys() & {"sweep", "ablation", "figure4", "figure5", "features", "finetune", "baselines"}


def test_options_of_a_metric_that_is_not_computed_rerun_nothing(finished, tmp_path):
    root = _copy(finished, tmp_path)
    write_study(root, **SMALL_HERE, metric_options={"nleep": {"seeds": 1}})
    assert _plan(root) == {}


def test_a_score_that_comes_back_reruns_no_table(finished, tmp_path):
    root = _copy(finished, tmp_path)
    for score in ("scores/logme/none/digits/byol-tiny.json", "baselines/digits/byol-tiny.csv"):
        path = root / "results/small" / score
        before = path.read_bytes()
        path.unlink()
        made = snakemake(root, str(path.relative_to(root)), *RUN)
        assert made.returncode == 0, made.stdout
        assert path.read_bytes() == before
    assert _plan(root) == {}


def test_the_users_accuracies_are_an_input(finished, tmp_path):
    root = _copy(finished, tmp_path)
    table = root / "mine.csv"

    def accuracies(*values):
        lines = [f"digits,{name},{value}" for name, value in zip(SMALL_HERE["checkpoints"], values, strict=True)]
        table.write_text("\n".join(["dataset,checkpoint,accuracy", *lines, ""]))

    write_study(root, **SMALL_HERE, ground_truth={"source": "file", "file": "mine.csv"})
    target = "results/small/summary.csv"
    accuracies(80, 81, 79)
    assert snakemake(root, target, *RUN).returncode == 0
    assert _plan(root, target) == {}
    accuracies(20, 10, 99)
    assert _plan(root, target).keys() >= {"ground_truth", "summary"}
    table.unlink()
    refused = snakemake(root, target, *RUN, "-n")
    assert refused.returncode != 0 and "mine.csv" in refused.stdout


def test_published_tables_and_captions_are_inputs():
    """Of the paper's study, which cannot be run here: Snakemake's own list of what each job reads."""
    shown = subprocess.run(
        [sys.executable, "-m", "snakemake"]
        + [f"results/paper/{name}" for name in ("ground_truth/dtd.csv", "tables/table1-published.csv", "report.html")]
        + ["--cores", "1", "-n", "-p", "--quiet", "reason"],
        cwd=ROOT,
        env=environment(ROOT),
        capture_output=True,
        text=True,
    )
    text = shown.stdout + shown.stderr
    inputs = dict(
        re.findall(r"^(?:local)?rule (ground_truth|table1_published|page):\n\s+input: (.*)$", text, re.MULTILINE)
    )
    assert "pedrank/published/accuracy.csv" in inputs["ground_truth"]
    assert "pedrank/published/table1.csv" in inputs["table1_published"]
    assert "pedrank/published/table1.csv" in inputs["page"] and "report/table1.rst" in inputs["page"]


def test_every_python_gives_the_same_digest():
    """Of all code of the repository, under those of 3.11 to 3.14 that are installed here."""
    program = (
        "import sys, types, importlib, glob; package = types.ModuleType('pedrank'); package.__path__ = ['pedrank'];"
        "sys.modules['pedrank'] = package; digest = importlib.import_module('pedrank.store.digest');"
        "files = sorted(glob.glob('pedrank/**/*.py', recursive=True) + glob.glob('scripts/*.py'));"
        "print(digest.code_digest(*files))"
    )
    names = [shutil.which(f"python3.{minor}") for minor in (11, 12, 13, 14)] + [sys.executable]
    names += sorted(map(str, (Path.home() / ".pyenv/versions").glob("3.1[1-9]*/bin/python3")))
    found = {}
    for name in dict.fromkeys(filter(None, names)):
        done = subprocess.run([name, "-c", program], cwd=ROOT, capture_output=True, text=True)
        if done.returncode == 0:
            found[name] = done.stdout.strip()
    assert found and len(set(found.values())) == 1, found
    if len(found) == 1:
        pytest.skip("one Python only is installed here")


def test_the_configuration_of_running_jobs_is_not_overwritten(finished, tmp_path):
    root = _copy(finished, tmp_path)
    before = {path.name: path.read_bytes() for path in (root / ".snakemake/pedrank").iterdir()}
    write_study(root, **SMALL_HERE, metrics=["logme"])
    _plan(root)
    after = {path.name: path.read_bytes() for path in (root / ".snakemake/pedrank").iterdir()}
    assert after.items() >= before.items() and len(after) == len(before) + 1


def test_results_move_with_their_checkout(finished, tmp_path):
    """Nothing that is recorded is an absolute path of the checkout: moved as a whole, there is nothing to do."""
    assert yaml.safe_load((finished / "results/small/config.yaml").read_text())["study"] == "small"
    assert _plan(_copy(finished, tmp_path)) == {}
