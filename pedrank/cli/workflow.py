"""Run Snakemake on the workflow's Snakefile: show its progress and, if it fails, the reason in one line."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from pedrank.formats.yaml_file import read_yaml
from pedrank.utils.errors import InputError, without
from pedrank.utils.paths import INSTALLED, ROOT

UNKNOWN = "the workflow failed"
_BUILT_IN = ("local", "dryrun", "touch")  # executors that come with Snakemake
_DONE = re.compile(r"^(\d+) of (\d+) steps")
_STARTED = re.compile(r"^(?:local)?rule (\w+):")


@dataclass(frozen=True)
class Workflow:
    """One study in one folder: `out` holds study.yaml; results/ and pedrank.log are written there."""

    out: Path
    profile: str
    cores: str

    def command(self, *arguments: str) -> list[str]:
        """Snakemake's command line with further `arguments`; InputError if the profile does not exist."""
        folder = Path(self.profile) if os.sep in self.profile else ROOT / "profiles" / self.profile
        if not folder.is_dir():
            known = ", ".join(sorted(path.name for path in (ROOT / "profiles").iterdir() if path.is_dir()))
            raise InputError(f"--profile: no folder {folder}; choose from {known}")
        check_packages()
        check_executor(folder)
        return [
            *(sys.executable, "-m", "snakemake", *arguments),
            *("--snakefile", str(ROOT / "Snakefile"), "--directory", str(self.out)),
            *("--configfile", str(self.out / "study.yaml"), "--cores", self.cores),
            *("--workflow-profile", str(folder.resolve())),
        ]

    def run(self, targets: Sequence[str]) -> None:
        """Make `targets`, or the whole study if there are none.

        Raises:
            InputError: A job failed; the message has its first error and the path of the log.
        """
        log = self.out / "pedrank.log"
        with open(log, "w", buffering=1, encoding="utf-8") as file, _stopped_by_signals():
            process = subprocess.Popen(
                self.command(*targets),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=environment(self.out),
                encoding="utf-8",
                errors="replace",
                process_group=0,  # so that a signal reaches Snakemake and its jobs, and is sent once
            )
            try:
                assert process.stdout is not None  # it is a pipe
                for line in process.stdout:
                    file.write(line)
                    _show(line)
            except BaseException as error:
                end_group(process, signal.SIGINT if isinstance(error, KeyboardInterrupt) else signal.SIGTERM)
                raise
        _show("")
        if process.wait() != 0:
            raise InputError(f"{reason(log.read_text(encoding='utf-8'))} (log: {log})")

    def plan(self) -> int:
        """Print the jobs that would run, and return 0; InputError if Snakemake cannot plan them."""
        done = subprocess.run(
            self.command("--dry-run", "--quiet", "rules"),
            capture_output=True,
            text=True,
            env=environment(self.out),
            encoding="utf-8",
            errors="replace",
        )
        if done.returncode != 0:
            why = reason(done.stdout + done.stderr)
            raise InputError(f"{why}; run it without --dry-run to get a log" if why == UNKNOWN else why)
        print((done.stdout + done.stderr).strip())
        return 0


def check_packages() -> None:
    """Check that Snakemake is installed, which comes with all other packages of the workflow.

    Raises:
        InputError: It is not; the message names the command that installs them.
    """
    if importlib.util.find_spec("snakemake") is None:
        raise InputError(without("snakemake"))


def check_executor(profile: Path) -> None:
    """Check that the package of a profile's executor is installed.

    Args:
        profile: Folder of the profile.

    Raises:
        InputError: It is not; the message names the command that installs it.
    """
    settings = next(filter(Path.is_file, (profile / "profile.yaml", profile / "config.yaml")), None)
    executor = read_yaml(settings).get("executor", "local") if settings else "local"
    package = f"snakemake-executor-plugin-{executor}"
    if executor in _BUILT_IN or importlib.util.find_spec(package.replace("-", "_")):
        return
    raise InputError(f"profile {profile.name}: Snakemake's executor '{executor}' is missing; pip install {package}")


def end_group(process: subprocess.Popen[str], sent: signal.Signals, seconds: float = 30) -> None:
    """End a process and all that it has started in its process group.

    Args:
        process: A process that leads its group.
        sent: The signal; SIGTERM lets fine-tuning save its state.
        seconds: Time until the group is killed.
    """
    with suppress(ProcessLookupError):
        os.killpg(process.pid, sent)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=seconds)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Within the context, SIGTERM and SIGHUP (a closed terminal) end this process in one line."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(f"error: stopped by {signal.Signals(number).name}; run the same command to continue")

    numbers = (signal.SIGTERM, signal.SIGHUP)
    caught = [number for number in numbers if signal.getsignal(number) == signal.SIG_DFL]  # nohup ignores SIGHUP
    for number in caught:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in caught:
            signal.signal(number, signal.SIG_DFL)


def reason(output: str) -> str:
    """The reason of a failure in one line: the first job's error, or Snakemake's own.

    Args:
        output: All that Snakemake has printed.

    >>> reason("error: a.csv: empty\\nerror: b.csv: empty")
    'a.csv: empty (and 1 other error)'
    """
    lines = [line.strip() for line in output.splitlines()]
    said = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    if said:
        more = len(set(said)) - 1
        return said[0] + (f" (and {more} other error{'s' * (more > 1)})" if more else "")
    for number, line in enumerate(lines):
        if line.startswith("WorkflowError"):
            return next((text for text in lines[number + 1 :] if text), line)
    return UNKNOWN


def environment(out: Path) -> dict[str, str]:
    """This process's environment; in a checkout, with its package before an installed one.

    Snakemake cannot start without a cache folder; where the user's is not writable, it gets one in `out`.
    """
    added = {"PYTHONUNBUFFERED": "1"}
    if not INSTALLED:
        path = os.environ.get("PYTHONPATH")
        added["PYTHONPATH"] = f"{ROOT}{os.pathsep}{path}" if path else str(ROOT)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute()
    there = next(folder for folder in (cache, *cache.parents) if folder.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        added["XDG_CACHE_HOME"] = str(out / ".snakemake/cache")
    return os.environ | added


def _show(line: str) -> None:
    """Show the workflow's progress in one line of a terminal; an empty line clears it."""
    if not sys.stderr.isatty():
        return
    done, started = _DONE.match(line), _STARTED.match(line)
    if done:
        print(f"\r\033[K{done[1]} of {done[2]} steps", end="", file=sys.stderr, flush=True)
    elif started:
        print(f"\033[50G{started[1]}\033[K", end="", file=sys.stderr, flush=True)
    elif not line:
        print("\r\033[K", end="", file=sys.stderr, flush=True)
