"""The ranking of checkpoints by the workflow: `pedrank rank` in a process of its own, with its progress and its answer.

A process of its own, because the command sets environment variables and signal handlers, which a notebook would keep.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGINT, SIGTERM
from typing import Any

from pedrank.cli.workflow import check_packages, end_group, environment
from pedrank.utils.errors import InputError

_OUT = "pedrank-results"  # as on the command line
_REFUSED = {"json": "the answer is an object", "dry_run": "a dry run has no answer; use the command line"}
_DONE = re.compile(r"^(\d+) of (\d+) steps", re.MULTILINE)


def rank_by_command(options: Mapping[str, Any]) -> dict[str, Any]:
    """Run `pedrank rank`, and return its answer.

    Args:
        options: The command's options by name, with underscores: a value, a list of values, True for an option without
            a value. None and False leave an option out.

    Returns:
        What `pedrank rank --json` prints.

    Raises:
        InputError: The command fails; the message is its own.
    """
    for name, why in _REFUSED.items():
        if name in options:
            raise InputError(f"rank: leave out {name}, since {why}")
    check_packages()
    out = Path(options.get("out") or _OUT)
    command = [sys.executable, "-m", "pedrank", "rank", "--json", *words(options)]
    start = time.time()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(out.resolve()),
        text=True,
        encoding="utf-8",
        errors="replace",
        process_group=0,  # so that an interrupt reaches the command once, and from here
    )
    try:
        answer, said = _wait(process, out / "pedrank.log", start)
    except BaseException as error:
        end_group(process, SIGINT if isinstance(error, KeyboardInterrupt) else SIGTERM)
        raise
    lines = said.strip().splitlines()
    if process.returncode != 0:
        wrong = next((line for line in reversed(lines) if "error: " in line), f"exit code {process.returncode}")
        raise InputError(wrong.partition("error: ")[2] or f"pedrank rank ended with {wrong}")
    for line in lines:  # notes, such as a missing GPU
        print(line, file=sys.stderr)
    return json.loads(answer)


def words(options: Mapping[str, Any]) -> list[str]:
    """Options as the words of a command line.

    Args:
        options: As for `rank_by_command`.

    >>> words({"images": "photos", "checkpoints": ["byol", "swav"], "skip_broken": True, "zoo": None})
    ['--images=photos', '--checkpoints', 'byol', 'swav', '--skip-broken']
    """
    found = []
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        if value is None or value is False:
            continue
        if value is True:
            found.append(option)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            found += [option, *map(str, value)]
        else:
            found.append(f"{option}={value}")
    return found


def _wait(process: subprocess.Popen[str], log: Path, start: float) -> tuple[str, str]:
    """Wait for a command, and show the steps of its workflow, which stand in the log."""
    from tqdm import tqdm

    with tqdm(desc="steps", file=sys.stderr, delay=1, leave=False) as bar:
        shown = None
        while True:
            try:
                return process.communicate(timeout=0.5)
            except subprocess.TimeoutExpired:
                done = _steps(log, start)
                if done and done != shown:
                    shown = bar.n, bar.total = done
                    bar.refresh()


def _steps(log: Path, start: float) -> tuple[int, int] | None:
    """Finished and all steps according to a log; None if it is older than `start`, or has no step yet."""
    with suppress(OSError):
        if log.stat().st_mtime >= start:
            found = _DONE.findall(log.read_text(encoding="utf-8", errors="replace"))
            return (int(found[-1][0]), int(found[-1][1])) if found else None
    return None
