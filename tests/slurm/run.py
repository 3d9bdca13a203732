"""Run the quickstart on a private Slurm and compare it with a local run; then break things and compare again.

`make test-slurm`. Needs root, and Debian's Slurm or apt-get; says so and ends with 0 where they are missing.
"""

import argparse
import importlib.util
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from cluster import cluster, install, obstacle, start_controller, stop_controller
from jobs import Job, jobs, running, wait_for
from study import ROOT, checkout, differences, finish, promises, start, wait

QUICKSTART = ("--workflow-profile", "slurm", "--configfile", "studies/quickstart.yaml")
SMALL = ("--workflow-profile", "slurm", "--configfile", "small.yaml")
LOCAL = ("--workflow-profile", "quickstart", "--cores", "all")
# What a test changes in the profile: numbers depend on threads, and jobs here end sooner than on a cluster.
PROFILE = {
    "set-threads": yaml.safe_load((ROOT / "profiles/quickstart/profile.yaml").read_text())["set-threads"],
    "slurm-init-seconds-before-status-checks": 8,
    "jobs": 6,
    "latency-wait": 20,
}
# Seconds without the controller. From ten on, the executor asks sacct in its place, which knows nothing without
# accounting: then it forgets the jobs and waits for ever (docs/reliability.md).
AWAY = 6
# megabytes, minutes and GPUs at the first attempt, as the rules promise them
PROMISED = {
    "prepare": (4300, 120, 0),
    "checkpoint": (6300, 30, 0),
    "features": (8300, 240, 1),
    "finetune": (8300, 480, 1),
}


def check(condition: object, message: str) -> None:
    if not condition:
        raise SystemExit(f"test-slurm failed: {message}")


def check_equal(root: Path, local: Path) -> None:
    """Every result of the two is the same byte for byte, timings aside."""
    found = differences(root, local)
    check(not found, f"{len(found)} files of {root} and {local} differ: {', '.join(found[:5])}")


def quickstart(folder: Path, finished: Path | None) -> list[str]:
    """The study on Slurm is the local one, and asked for what its rules promise."""
    local = finished or checkout(folder / "local")
    spent = finish(local, *LOCAL) if finished is None else None
    root = checkout(folder / "quickstart", PROFILE)
    seconds = finish(root, *QUICKSTART)
    check_equal(root, local)
    asked = check_promises(root)
    for rule, promised in PROMISED.items():
        found = {(job.megabytes, job.minutes, job.gpus) for job in asked if job.rule == rule}
        check(found == {promised}, f"{rule} asked for {found}, not {promised}")
    check(all(job.gpus == (job.rule in ("features", "finetune")) for job in asked), "a GPU for a rule that needs none")
    here = f", {spent:.0f} s without Slurm" if spent else ""
    return [f"quickstart: {len(asked)} Slurm jobs, {seconds:.0f} s{here}; equal to the local run byte for byte"]


def check_promises(root: Path) -> list[Job]:
    """All of Slurm's jobs: each has the memory, the minutes and the GPUs that Snakemake announced."""
    asked = jobs(root)
    promised, groups = promises((root / "run.log").read_text())
    single = {job.number: (job.megabytes, job.minutes, job.gpus) for job in asked if job.number in promised}
    check(single == promised, f"asked for {single}, announced {promised}")
    grouped = [(job.megabytes, job.minutes, job.gpus) for job in asked if job.number not in promised]
    check(sorted(grouped) == sorted(groups), f"groups asked for {grouped}, announced {groups}")
    return asked


def faults(folder: Path) -> list[str]:
    """A job cancelled, one over its memory, a node down and the controller away, in one run of the small study."""
    local = checkout(folder / "small-local")
    finish(local, *LOCAL, "--configfile", "small.yaml")
    # Features need some 800 MB here: the first attempt gets too little.
    root = checkout(folder / "small", PROFILE | {"set-resources": ["features:mem_mb=attempt * 600"]})
    begun = time.monotonic()
    workflow = start(root, *SMALL)

    cancelled = wait_for(root, running("prepare"))
    subprocess.run(["scancel", cancelled.number], check=True)
    again = wait_for(root, lambda job: job.rule == "prepare" and job.megabytes == 2 * cancelled.megabytes)

    lost = wait_for(root, running("finetune"))
    subprocess.run(["scontrol", "update", f"nodename={lost.node}", "state=down", "reason=test"], check=True)
    restarted = wait_for(root, lambda job: job.number == lost.number and job.restarts > 0)
    subprocess.run(["scontrol", "update", f"nodename={lost.node}", "state=resume"], capture_output=True)

    wait_for(root, running("features"))
    killed = wait_for(root, lambda job: job.rule == "features" and job.state in ("FAILED", "OUT_OF_MEMORY"))
    larger = wait_for(root, lambda job: job.rule == "features" and job.megabytes > killed.megabytes)

    wait_for(root, lambda job: job.state == "RUNNING")
    stop_controller(folder / "slurm")
    time.sleep(AWAY)
    start_controller()

    wait(workflow, root)
    seconds = time.monotonic() - begun
    check_equal(root, local)
    return [
        f"job {cancelled.number} of {cancelled.megabytes} MB cancelled: submitted again with {again.megabytes} MB",
        f"node {lost.node} down under job {restarted.number}: started again by Slurm",
        f"job {killed.number} over its {killed.megabytes} MB: submitted again with {larger.megabytes} MB",
        f"controller away for {AWAY} s",
        f"small study with these four: {len(jobs(root))} Slurm jobs, {seconds:.0f} s; equal to the undisturbed run",
    ]


def killed_head(folder: Path) -> list[str]:
    """Jobs that outlive a killed workflow keep the next one from starting; without them it ends as if undisturbed."""
    root = checkout(folder / "killed", PROFILE)
    workflow = start(root, *SMALL)
    wait_for(root, running("finetune"))
    workflow.send_signal(signal.SIGKILL)
    workflow.wait()
    left = unfinished(root)
    refused = start(root, *SMALL)
    check(refused.wait(timeout=120) == 1, "a second workflow started beside jobs of the first")
    named = re.search(r"scancel ([\d ]+)$", (root / "run.log").read_text(), re.MULTILINE)
    check(named and set(named[1].split()) <= set(left), f"it was refused without the remedy for {left}")
    subprocess.run(["scancel", *named[1].split()])  # complains of those that have ended in the meantime
    limit = time.monotonic() + 300
    while unfinished(root) and time.monotonic() < limit:
        time.sleep(0.5)
    check(not unfinished(root), f"jobs {unfinished(root)} did not end within 300 s of scancel")
    finish(root, *SMALL)
    check_equal(root, folder / "small-local")
    return [f"workflow killed over {len(left)} jobs: the next one refused, then went on and ended equal"]


def unfinished(root: Path) -> list[str]:
    return [job.number for job in jobs(root) if job.state in ("PENDING", "RUNNING", "COMPLETING")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--finished", type=Path, help="a checkout in which the quickstart has run already")
    arguments = parser.parse_args()
    why = obstacle() or install()
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        why = why or "snakemake-executor-plugin-slurm is not installed (pip install '.[slurm]')"
    if why:
        print(f"test-slurm skipped: {why}")
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("test-slurm failed: ended by SIGTERM"))  # and cleans up
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pedrank-slurm-") as name:
        folder = Path(name).resolve()
        (folder / "slurm").mkdir()
        folder.chmod(0o711)
        with cluster(folder / "slurm"):
            figures = faults(folder)
            figures += killed_head(folder)
            figures += quickstart(folder, arguments.finished)
    figures.append(f"{time.monotonic() - begun:.0f} s in all; jobs lost: 0, wrong results: 0")
    print("\n".join(["test-slurm passed", *figures]))


if __name__ == "__main__":
    main()
