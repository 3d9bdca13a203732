"""A process for each hostile input, in which a reader is watched.

It may read, and refuse in one line. It may not raise anything else, crash, go on for longer than LIMIT seconds, take
much memory, write outside its folder, start a program, open a connection, or run code that did not come with Python and
its packages.
"""

from __future__ import annotations

import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pedrank.utils.errors import InputError
from pedrank.utils.paths import ROOT

LIMIT = 20  # seconds of the processor, which other processes slow down; the slowest honest reading takes 0.5
PATIENCE = 300  # seconds, for one that waits without computing; the machine may be busy
MEMORY = 400  # MB more than before
TALLY: Counter[tuple[str, str]] = Counter()  # by reader: inputs, refused, and the most megabytes and milliseconds

_PROGRAMS = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.forkpty",
    "pty.spawn",
)
_CHANGES = (
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown",
    "os.utime", "shutil.rmtree", "shutil.move", "shutil.copyfile",
)  # fmt: skip
_TRUSTED = tuple(
    {str(ROOT), sys.prefix, sys.base_prefix, str(Path(os.__file__).parent), str(Path(sys.prefix).resolve())}
)


def caged(
    reader: str, contents: Mapping[str, bytes], call: Callable[[Path], Any], memory: int = MEMORY, named: str = ""
) -> str:
    """Call `call` on a folder of these files; the message it refuses them with, empty if it reads them.

    `named` is what the message must name; the first file if empty. AssertionError for whatever a reader may not do.
    """
    folder = Path(tempfile.mkdtemp(prefix="pedrank-fuzz-"))
    try:
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        outcome, message, megabytes, seconds = _watched(call, folder)
        TALLY[reader, "inputs"] += 1
        TALLY[reader, "ms"] = max(TALLY[reader, "ms"], round(1000 * seconds))
        TALLY[reader, "MB"] = max(TALLY[reader, "MB"], megabytes)
        assert outcome in ("read", "refused"), f"{outcome}: {message}"
        assert megabytes < memory, f"took {megabytes} MB"
        left = {path.name for path in folder.iterdir()}
        assert left == set(contents), f"left {left - set(contents)} in its folder, or took {set(contents) - left} away"
        if outcome == "refused":
            TALLY[reader, "refused"] += 1
            assert message and "\n" not in message and message.isprintable() and len(message) < 2100, message
            assert (named or next(iter(contents))) in message, message
        return message if outcome == "refused" else ""
    finally:
        shutil.rmtree(folder)


def _watched(call: Callable[[Path], Any], folder: Path) -> tuple[str, str, int, float]:
    """Outcome, its message, the memory (MB) and seconds of the processor that `call` takes in a child process."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(readable)
            before = _resident()  # less than its parent's: files that both have mapped do not count
            outcome = f"{before}:{_in_child(call, folder)}"
            os.write(writable, outcome.encode("utf-8", "backslashreplace")[:60_000])
        finally:
            os._exit(0)  # whatever happens, there are not two processes that run the tests
    os.close(writable)
    # It answers, or ends without an answer. Waits are counted, not seconds: this process may be stopped itself.
    answered = any(select.select([readable], [], [], 1.0)[0] for _ in range(PATIENCE))
    if not answered:
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    with open(readable, encoding="utf-8") as pipe:
        before, outcome, message = f"{pipe.read()}::".split(":", 2)
    if not answered:
        outcome, message = "hung", f"no end after {PATIENCE} s"
    elif status == signal.SIGXCPU:
        outcome, message = "hung", f"no end after {LIMIT} s of computing"
    elif not outcome:
        outcome, message = "crashed", f"status {status}"
    megabytes = usage.ru_maxrss // 1024 - int(before) if before else 0
    return outcome, message.removesuffix("::"), megabytes, usage.ru_utime + usage.ru_stime


def _in_child(call: Callable[[Path], Any], folder: Path) -> str:
    warnings.simplefilter("ignore")
    done: list[str] = []
    watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and (deed := _forbidden(event, arguments, folder)):
            done.append(deed)

    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT + 1))
    resource.setrlimit(resource.RLIMIT_AS, (_virtual() + 4 * 2**30,) * 2)
    sys.addaudithook(watch)
    try:
        call(folder)
        outcome = "read:"
    except InputError as error:
        outcome = f"refused:{error}"
    except BaseException:
        watching = False
        outcome = f"raised:{traceback.format_exc()}"
    watching = False
    return f"did:{done}" if done else outcome


def _forbidden(event: str, arguments: tuple[Any, ...], folder: Path) -> str:
    """What an audit event says that a reader may not do; empty for all others."""
    if event in _PROGRAMS or event.startswith("socket."):
        return f"{event} {arguments!r:.200}"
    if event == "open":
        path, _, flags = arguments
        writes = (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        return f"opened {path!r} to write" if writes and not _inside(path, folder) else ""
    if event in _CHANGES:
        return "" if all(_inside(path, folder) for path in arguments) else f"{event} {arguments!r:.200}"
    if event == "exec":  # of a module that is imported, as a rule
        file = getattr(arguments[0], "co_filename", "")
        return (
            ""
            if file.startswith((*_TRUSTED, "<frozen ", "<attrs generated ")) or _importing()
            else f"ran code of {file}"
        )
    return ""


def _importing() -> bool:
    """Whether a module is being imported, which was looked at itself: some make classes of texts as they come up."""
    frame = sys._getframe()
    while frame and (frame.f_code.co_filename, frame.f_code.co_name) != (
        "<frozen importlib._bootstrap_external>",
        "exec_module",
    ):
        frame = frame.f_back
    return frame is not None


def _inside(path: Any, folder: Path) -> bool:
    """Whether a path is in the folder; what is no path does not count."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        return True
    return f"{os.path.abspath(os.fsdecode(path))}/".startswith((f"{folder}/", "/dev/null/"))


def _resident() -> int:
    """This process's memory in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 2**20


def _virtual() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def figures() -> str:
    """Of each reader: inputs, how many it refused, and the most time and memory that one took."""
    readers = sorted({reader for reader, _ in TALLY})
    rows = [(reader, *(TALLY[reader, what] for what in ("inputs", "refused", "ms", "MB"))) for reader in readers]
    rows.append(
        (
            "all",
            *(sum(row[column] for row in rows) for column in (1, 2)),
            *(max(row[column] for row in rows) for column in (3, 4)),
        )
    )
    return "\n".join(
        ["reader                      inputs  refused  most ms  most MB"]
        + [f"{reader:26s} {inputs:7d}  {refused:7d}  {ms:7d}  {mb:7d}" for reader, inputs, refused, ms, mb in rows]
    )
