"""Kill a study at random points, again and again; what it then gives must be what it gives undisturbed.

    python tests/faults/kills.py --kills 200 --seed 0            the quickstart; about half an hour on two idle cores

Four kinds of SIGKILL, drawn by seed: of the workflow's head (its jobs are orphaned), of a random job (the workflow
goes on), of the whole process group, and of a job as soon as it has a file half written. After each the study goes on
by what `make resume` runs. Whenever it is complete, it starts over; its files are compared with those of an undisturbed
run at the end.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from workflow import command, copy_repository, environment, numbers

KINDS = ("head", "job", "group", "writer")
# To the next kill: so many jobs end, so that it falls into any stage on a machine of any speed; then so many seconds.
JOBS, SECONDS = (0, 0, 1, 2, 4, 8), (0.3, 1.0, 3.0)
RUN = ("--cores", "2", "--workflow-profile", "quickstart")


def start(root: Path, log: Path, *more: str) -> psutil.Popen:
    """What `make resume` runs, the second part of it in the background."""
    with open(log, "a") as file:
        verify = [sys.executable, "scripts/verify.py", "--delete"]
        subprocess.run(verify, cwd=root, env=environment(root), stdout=file, stderr=file, check=True)
        return psutil.Popen(
            command(*RUN, *more), cwd=root, env=environment(root), stdout=file, stderr=file, start_new_session=True
        )


def jobs(head: psutil.Popen) -> dict[int, str]:
    """The running scripts below a workflow: process and name."""
    found = {}
    try:
        for child in head.children(recursive=True):
            try:
                words = child.cmdline()
                if child.name().startswith("python") and len(words) > 1 and "/scripts/" in words[1]:
                    found[child.pid] = Path(words[1]).stem
            except psutil.Error:
                continue
    except psutil.Error:
        pass
    return found


def wait_for(condition: Callable[[], object], head: psutil.Popen, seconds: float, poll: float = 0.1) -> bool:
    """Whether the condition came true before the workflow ended or the time was over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and head.poll() is None:
        if condition():
            return True
        time.sleep(poll)
    return False


def ended(log: Path) -> int:
    """Jobs that have ended well, by the log of all runs."""
    return log.read_bytes().count(b"\nFinished jobid: ")


def writing(folder: Path) -> bool:
    """Whether a file that is not finished has been written to in the last tenth of a second."""
    try:
        return any(time.time() - path.stat().st_mtime < 0.1 for path in folder.rglob(".tmp-*"))
    except FileNotFoundError:
        return False


def kill(kind: str, head: psutil.Popen, root: Path, choose: random.Random) -> list[str] | None:
    """Kill as `kind` says; the rules that were running, or nothing where there was nothing left to kill."""
    if kind in ("job", "writer") and not wait_for(lambda: jobs(head), head, 30):
        return None
    if kind == "writer":
        wait_for(lambda: writing(root / "results"), head, 10, poll=0.01)
    running = jobs(head)
    if head.poll() is not None:
        return None
    try:
        if kind == "head":
            os.kill(head.pid, signal.SIGKILL)
        elif kind == "group":
            os.killpg(head.pid, signal.SIGKILL)
        elif running:
            os.kill(choose.choice(sorted(running)), signal.SIGKILL)
        else:
            return None
    except ProcessLookupError:
        return None
    return sorted(set(running.values())) or ["planning"]


def disturb(head: psutil.Popen, root: Path, log: Path, most: int, choose: random.Random) -> list[tuple[str, list[str]]]:
    """Kill up to `most` times while the workflow runs: the kinds, and the rules that were running."""
    done: list[tuple[str, list[str]]] = []
    while len(done) < most:
        kind, further, delay = choose.choice(KINDS), choose.choice(JOBS), choose.expovariate(1 / choose.choice(SECONDS))
        if choose.random() > 0.1:  # the other tenth may hit Snakemake while it plans
            wait_for(partial(jobs, head), head, 60)
        enough = ended(log) + further
        wait_for(lambda enough=enough: ended(log) >= enough, head, 600, poll=0.5)
        wait_for(lambda: False, head, delay)
        running = kill(kind, head, root, choose)
        if running is None:
            break
        done.append((kind, running))
        if kind in ("head", "group"):
            break
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--config", type=Path, help="another study than the quickstart")
    arguments = parser.parse_args()
    choose = random.Random(arguments.seed)
    more = ("--configfile", str(arguments.config.resolve())) if arguments.config else ()
    begin = time.monotonic()
    root = copy_repository(Path(tempfile.mkdtemp(prefix="pedrank-kills-")) / "pedrank")
    log = root / "kills.log"
    print(f"in {root}, seed {arguments.seed}", flush=True)
    kills: list[tuple[str, list[str]]] = []
    completed: list[dict[str, str]] = []
    while True:
        disturbed = len(kills) < arguments.kills or bool(list(root.glob("results/*")))
        head = start(root, log, *more)
        new = disturb(head, root, log, arguments.kills - len(kills), choose)
        for number, (kind, running) in enumerate(new, len(kills) + 1):
            print(f"{number}: {kind} during {', '.join(running)}, {time.monotonic() - begin:.0f} s", flush=True)
        kills += new
        code = head.wait()
        if code == 0:
            completed.append(numbers(root))
            agree(completed[0], completed[-1])
            print(f"complete ({len(completed)}) after {len(kills)} kills, {len(completed[-1])} files", flush=True)
            clean(root)
            if not disturbed:
                break
        elif not new:
            sys.exit(f"error: a run that nobody killed failed; see {log}")
    kinds, rules = Counter(kind for kind, _ in kills), Counter(rule for _, running in kills for rule in running)
    print("\nkills by kind: " + ", ".join(f"{kind} {kinds[kind]}" for kind in KINDS))
    print("kills while a rule was running: " + ", ".join(f"{rule} {count}" for rule, count in rules.most_common()))
    print(
        f"{len(kills)} kill points, {len(completed) - 1} studies completed in spite of them, all equal to the "
        f"undisturbed one in {len(completed[-1])} files, losses: 0 ({(time.monotonic() - begin) / 60:.0f} min)"
    )
    shutil.rmtree(root.parent)


def agree(one: dict[str, str], other: dict[str, str]) -> None:
    differing = sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))
    if differing:
        sys.exit(f"error: {len(differing)} files differ between two runs: {', '.join(differing[:5])}")


def clean(root: Path) -> None:
    for folder in ("results", ".snakemake"):
        shutil.rmtree(root / folder, ignore_errors=True)


if __name__ == "__main__":
    main()
