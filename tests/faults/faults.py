"""Faults injected into a study: each is named or survived, and `make resume` brings the undisturbed numbers.

    pytest -rA tests/faults/faults.py

Not collected by `pytest` alone: it takes minutes, and the faults of disks need root to mount a small file system.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from workflow import RUN, SMALL, command, copy_repository, environment, numbers, planned, snakemake, write_study

DATASET = {
    "datasets": ["digits"],
    "figures": SMALL["figures"] | {"ranks": SMALL["figures"]["ranks"] | {"datasets": ["digits"]}},
}


def fresh(target: Path) -> Path:
    root = copy_repository(target / "pedrank")
    write_study(root, **DATASET)
    return root


def begin(root: Path) -> subprocess.Popen[bytes]:
    """The workflow in a process group of its own, and running its first job."""
    log = open(root / "begun.log", "wb")  # noqa: SIM115 (the workflow writes to it)
    run = command(*RUN)
    head = subprocess.Popen(
        run,
        cwd=root,
        env=environment(root),
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background shell has it ignored
    )
    while not (root / "results/small").exists():
        assert head.poll() is None, (root / "begun.log").read_text()
        time.sleep(0.05)
    return head


def verify(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = [sys.executable, "scripts/verify.py", *arguments]
    return subprocess.run(script, cwd=root, env=environment(root), capture_output=True, text=True)


def resume(root: Path) -> list[str]:
    """What `make resume` runs; the files that it found damaged."""
    checked = verify(root, "--delete")
    assert checked.returncode == 0, checked.stderr
    done = snakemake(root, *RUN)
    assert done.returncode == 0, done.stdout
    return [line.removeprefix("deleted ") for line in checked.stdout.splitlines() if line.startswith("deleted ")]


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    root = fresh(tmp_path_factory.mktemp("undisturbed"))
    done = snakemake(root, *RUN)
    assert done.returncode == 0, done.stdout
    return root


@pytest.fixture
def finished(undisturbed, tmp_path):
    """A copy of a finished study, to be damaged."""
    return Path(shutil.copytree(undisturbed, tmp_path / "pedrank"))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) * 2 // 3] ^= 4
    path.write_bytes(content)


def edit(path: Path) -> None:
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"score": record["score"] + 0.1}, indent=1, sort_keys=True) + "\n")


def edit_cell(path: Path) -> None:
    lines = path.read_text().splitlines()
    cells = lines[1].split(",")
    cells[2] = str(float(cells[2]) + 1)
    path.write_text("\n".join([lines[0], ",".join(cells), *lines[2:], ""]))


def swap(path: Path) -> None:
    """With the same file of another checkpoint."""
    other, kept = Path(str(path).replace("byol-tiny", "simclr-tiny")), path.with_name("kept")
    path.rename(kept)
    other.rename(path)
    kept.rename(other)


SCORES = "results/small/scores/logme/ped-0.3/digits"
DAMAGE = {
    "a truncated file of features": (
        lambda path: os.truncate(path, path.stat().st_size // 2),
        "results/small/features/digits/byol-tiny.safetensors",
        ["results/small/features/digits/byol-tiny.safetensors"],
    ),
    "a flipped bit in features": (
        flip,
        "results/small/features/digits/byol-tiny.safetensors",
        ["results/small/features/digits/byol-tiny.safetensors"],
    ),
    "a flipped bit in images": (
        flip,
        "results/data/digits/images-32.safetensors",
        ["results/data/digits/images-32.safetensors"],
    ),
    "a flipped bit in a figure": (flip, "results/small/figures/figure7.png", ["results/small/figures/figure7.png"]),
    "two files of features swapped": (
        swap,
        "results/small/features/digits/byol-tiny.safetensors",
        [f"results/small/features/digits/{name}-tiny.safetensors" for name in ("byol", "simclr")],
    ),
    "two displacements swapped": (
        swap,
        "results/small/ped/digits/byol-tiny/ped-0.3.safetensors",
        [f"results/small/ped/digits/{name}-tiny/ped-0.3.safetensors" for name in ("byol", "simclr")],
    ),
    "two scores swapped": (
        swap,
        f"{SCORES}/byol-tiny.json",
        [f"{SCORES}/byol-tiny.json", f"{SCORES}/simclr-tiny.json"],
    ),
    "a score edited by hand": (edit, f"{SCORES}/byol-tiny.json", [f"{SCORES}/byol-tiny.json"]),
    "a cell of the ground truth edited": (
        edit_cell,
        "results/small/ground_truth/digits.csv",
        ["results/small/ground_truth/digits.csv"],
    ),
}


@pytest.mark.parametrize("damage, path, expected", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_named_by_the_next_run_and_mended_by_resume(finished, undisturbed, damage, path, expected):
    """Also where the date of the file stays what it was, so that Snakemake sees nothing to do."""
    before = (finished / path).stat()
    damage(finished / path)
    if damage is not edit:
        os.utime(finished / path, ns=(before.st_atime_ns, before.st_mtime_ns))
    run = snakemake(finished, *RUN)
    assert run.returncode == 1
    named = {line.split(": ")[1] for line in run.stdout.splitlines() if line.startswith("error: ")}
    assert named == set(expected)
    assert "make resume" in run.stdout and "Traceback" not in run.stdout
    assert sorted(resume(finished)) == sorted(expected)
    # Snakemake makes a step between again when something needs it; here, when it is asked for.
    whole = numbers(undisturbed)
    assert numbers(finished).items() <= whole.items()
    assert whole.keys() - numbers(finished).keys() <= set(expected)
    assert snakemake(finished, *expected, *RUN).returncode == 0
    assert numbers(finished) == whole


@pytest.fixture
def small_disk(tmp_path):
    """A function that mounts a file system of so many megabytes as `results` of a study."""
    mounted = []

    def mount(root: Path, megabytes: float) -> Path:
        results = root / "results"
        results.mkdir(exist_ok=True)
        size = f"size={int(megabytes * 1024)}k"
        if subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", results], capture_output=True).returncode:
            pytest.skip("no right to mount a file system here")
        mounted.append(results)
        return results

    yield mount
    for results in mounted:
        subprocess.run(["umount", "--lazy", results], check=True)


@pytest.mark.parametrize("megabytes", [4, 8])
def test_a_full_disk_is_named_and_nothing_half_written_stays(tmp_path, undisturbed, small_disk, megabytes):
    root = fresh(tmp_path)
    results = small_disk(root, megabytes)
    run = snakemake(root, *RUN)
    assert run.returncode == 1
    assert "No space left on device" in run.stdout
    assert verify(root).returncode == 0  # what has its final name is whole
    subprocess.run(["mount", "-o", "remount,size=100m", results], check=True)
    assert resume(root) == []
    assert numbers(root) == numbers(undisturbed)


def test_a_limit_of_file_size_is_named(tmp_path, undisturbed):
    root = fresh(tmp_path)
    limit = (300_000, 300_000)
    limited = snakemake(root, *RUN, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    assert limited.returncode == 1
    assert "File too large" in limited.stdout
    assert resume(root) == []
    assert numbers(root) == numbers(undisturbed)


def test_read_only_results_are_named(tmp_path, undisturbed, small_disk):
    root = fresh(tmp_path)
    results = small_disk(root, 100)
    assert snakemake(root, "results/small/scores/digits.csv", *RUN).returncode == 0
    subprocess.run(["mount", "-o", "remount,ro", results], check=True)
    run = snakemake(root, *RUN)
    assert run.returncode == 1
    assert "Read-only file system" in run.stdout
    subprocess.run(["mount", "-o", "remount,rw", results], check=True)
    assert resume(root) == []
    assert numbers(root) == numbers(undisturbed)


def test_of_two_workflows_started_at_once_one_is_refused_and_the_other_finishes(tmp_path, undisturbed):
    root = fresh(tmp_path)
    with ThreadPoolExecutor(2) as pool:
        runs = sorted(pool.map(lambda _: snakemake(root, *RUN), range(2)), key=lambda run: run.returncode)
    assert [run.returncode for run in runs] == [0, 1]
    assert "another workflow runs in this directory" in runs[1].stdout
    assert numbers(root) == numbers(undisturbed)


@pytest.mark.parametrize("years", [-30, 30])
def test_dates_in_the_past_and_in_the_future_change_no_number(finished, undisturbed, years):
    """The clock was wrong while half of the files were written."""
    when = time.time() + years * 365 * 86_400
    for path in sorted((finished / "results").rglob("*"))[::2]:
        os.utime(path, (when, when))
    assert resume(finished) == []
    assert numbers(finished) == numbers(undisturbed)
    assert not planned(snakemake(finished, *RUN, "-n").stdout)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_finished(tmp_path, undisturbed, sent):
    """SIGINT as from Ctrl-C: to the whole group. SIGTERM as from a batch system: to the head."""
    root = fresh(tmp_path)
    head = begin(root)
    time.sleep(3)
    os.killpg(head.pid, sent) if sent == signal.SIGINT else head.send_signal(sent)
    assert head.wait(60) != 0
    assert resume(root) == []
    assert numbers(root) == numbers(undisturbed)


def test_a_job_that_outlives_its_killed_workflow_is_named(tmp_path, undisturbed):
    """It is stopped, so that it cannot see that its workflow has gone: as a job that hangs in a file system."""
    root = fresh(tmp_path)
    head = begin(root)
    while not (jobs := _scripts(root)):
        time.sleep(0.05)
    os.kill(jobs[0], signal.SIGSTOP)
    head.kill()
    head.wait()
    try:
        refused = verify(root, "--delete")
        assert refused.returncode == 1
        assert f"end them: kill -9 {jobs[0]}" in refused.stderr
    finally:
        os.kill(jobs[0], signal.SIGKILL)
    assert resume(root) == []
    assert numbers(root) == numbers(undisturbed)


def _scripts(root: Path) -> list[int]:
    """Running scripts of the workflow in `root`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(root / "scripts") in (process / "cmdline").read_text():
                found.append(int(process.name))
        except OSError:
            continue
    return found
