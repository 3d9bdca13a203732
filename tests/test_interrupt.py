"""Ctrl-C, SIGTERM and a closed terminal: one line, no traceback, and no process that goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pedrank.cli.workflow import environment
from pedrank.utils.paths import ROOT

DEFAULT = (signal.SIGINT, signal.SIGHUP)  # a background shell ignores them


def _start(*command: str, **options) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in DEFAULT],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        **options,
    )


def _gone(process: int) -> bool:
    """Whether a process ends within ten seconds; a zombie that nobody waits for has ended."""
    for _ in range(100):
        try:
            if "\nState:\tZ" in Path(f"/proc/{process}/status").read_text():
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("where", ["import", "main"])
def test_a_job_ends_by_ctrl_c_without_a_word(tmp_path, where):
    """Also while it imports its packages, before its own code could catch anything."""
    wait = "print('waits', flush=True); import time; time.sleep(60)"
    (tmp_path / "slow_package.py").write_text(wait if where == "import" else "")
    script = tmp_path / "script.py"
    script.write_text(f"import slow_package\n{wait}\n")
    job = _start("bash", "-c", f"trap '' INT; python() {{ command '{sys.executable}' '{ROOT}/pedrank/runtime/launch.py'"
                 f" \"$@\"; }}; python '{script}' --option")  # fmt: skip
    assert job.stdout.readline() == "waits\n"
    os.killpg(job.pid, signal.SIGINT)
    _, error = job.communicate(timeout=20)
    assert job.returncode != 0 and error == ""


def test_a_launched_script_sees_its_own_arguments_and_folder(tmp_path):
    (tmp_path / "beside.py").write_text("NAME = 'beside'")
    (tmp_path / "script.py").write_text("import sys, beside; print(beside.NAME, sys.argv[1:], __name__)")
    job = _start(sys.executable, str(ROOT / "pedrank/runtime/launch.py"), str(tmp_path / "script.py"), "--a", "b c")
    assert job.communicate(timeout=20) == ("beside ['--a', 'b c'] __main__\n", "")


def test_a_bug_in_a_launched_script_keeps_its_traceback(tmp_path):
    (tmp_path / "script.py").write_text("1 / 0")
    job = _start(sys.executable, str(ROOT / "pedrank/runtime/launch.py"), str(tmp_path / "script.py"))
    assert "ZeroDivisionError" in job.communicate(timeout=20)[1] and job.returncode == 1


@pytest.mark.parametrize("running", [False, True])
def test_ctrl_c_while_a_workflow_is_planned_is_one_line(running):
    program = f"from pedrank.runtime.interrupt import stop_in_one_line\nstop_in_one_line(lambda: {running})\n"
    program += (
        "import time\ntry:\n    print('plans')\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    print('caught')"
    )
    planning = _start(sys.executable, "-c", program)
    assert planning.stdout.readline() == "plans\n"
    planning.send_signal(signal.SIGINT)
    output, error = planning.communicate(timeout=20)
    if running:
        assert (output, error, planning.returncode) == ("caught\n", "", 0)
    else:
        assert error == "stopped before any job started; run the same command to continue\n"
        assert output == "" and planning.returncode == 130


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_rank_ends_its_workflow_and_all_jobs(tmp_path, sent):
    """The workflow here is a shell that waits for a job which ignores Ctrl-C and SIGTERM as well as it can."""
    pids = tmp_path / "pids"
    shell = f"(trap '' INT HUP; echo $BASHPID >> {pids}; sleep 60) & echo $$ >> {pids}; echo started; wait"
    program = (
        "import sys; from pathlib import Path; from pedrank.cli import workflow\n"
        f"workflow.Workflow.command = lambda *_: ['bash', '-c', {shell!r}]\n"
        "try:\n"
        f"    workflow.Workflow(Path({str(tmp_path)!r}), 'default', '1').run([])\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit('stopped')"
    )
    head = _start(sys.executable, "-c", program)
    while not pids.exists() or pids.read_text().count("\n") < 2:
        assert head.poll() is None, head.communicate()
        time.sleep(0.05)
    head.send_signal(sent)
    _, error = head.communicate(timeout=60)
    assert head.returncode == 1 and "Traceback" not in error and error.count("\n") == 1
    if sent != signal.SIGINT:
        assert error == f"error: stopped by {sent.name}; run the same command to continue\n"
    assert all(_gone(int(pid)) for pid in pids.read_text().split())


def test_rank_needs_no_writable_home(tmp_path, monkeypatch):
    """Snakemake cannot start without a cache folder."""
    home, out = tmp_path / "home", tmp_path / "out"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert "XDG_CACHE_HOME" not in environment(out)
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != home)  # root may write everywhere
    assert environment(out)["XDG_CACHE_HOME"] == str(out / ".snakemake/cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert environment(out)["XDG_CACHE_HOME"] == str(tmp_path / "cache")
