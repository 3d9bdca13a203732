"""The lock dies with its holder, jobs die with their workflow, and bad input ends a script in one line."""

import os
import signal
import subprocess
import sys
import time

import pytest

from pedrank.runtime.lock import hold
from pedrank.runtime.slurm import leftovers, refuse_leftovers
from pedrank.utils.errors import InputError, about


def _python(program: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )


def test_a_second_holder_is_refused_until_the_first_is_gone(tmp_path):
    path = tmp_path / "deep" / "lock"
    program = "import sys, time; from pathlib import Path; from pedrank.runtime.lock import hold\n"
    program += "lock = hold(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    first = _python(program, path)
    assert first.stdout.readline() == "held\n"
    with pytest.raises(InputError, match="another workflow runs"):
        hold(path)
    first.send_signal(signal.SIGKILL)
    first.wait()
    hold(path).close()


def test_a_job_ends_soon_after_its_workflow():
    head = _python("import time; time.sleep(60)")
    program = (
        "import time; from pedrank.runtime.command import run; "
        "run(lambda: (print('works', flush=True), time.sleep(60)))"
    )
    job = _python(program, PEDRANK_HEAD=str(head.pid))
    assert job.stdout.readline() == "works\n"
    time.sleep(0.5)
    assert job.poll() is None
    head.kill()
    head.wait()
    assert job.wait(timeout=10) == 1


@pytest.mark.parametrize(
    "raised, line",
    [
        ("InputError('features.npz: 3 values are not finite; check the checkpoint')", "error: features.npz: 3 values"),
        ("OSError(28, 'No space left on device', 'a.csv')", "error: a.csv: No space left on device"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_1(raised, line):
    program = "from pedrank.runtime.command import run\nfrom pedrank.utils.errors import InputError\n"
    program += f"def main():\n    raise {raised}\nrun(main)"
    script = _python(program)
    _, error = script.communicate()
    assert script.returncode == 1
    assert error.startswith(line)
    assert error.count("\n") == 1


def test_a_bug_keeps_its_traceback():
    script = _python("from pedrank.runtime.command import run\nrun(lambda: 1 / 0)")
    _, error = script.communicate()
    assert script.returncode == 1
    assert "ZeroDivisionError" in error and "Traceback" in error


def test_a_message_gets_the_name_of_its_file():
    with pytest.raises(InputError, match="^a.safetensors: row 3 holds NaN$"), about("a.safetensors"):
        raise InputError("row 3 holds NaN")


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """A function that puts a squeue of that output and exit code on the path."""

    def write(output: str, code: int = 0) -> None:
        program = tmp_path / "bin/squeue"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\nexit {code}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")

    return write


def test_jobs_of_a_killed_workflow_are_told_from_all_others(queue, tmp_path):
    here = tmp_path / "a folder"
    here.mkdir()
    queue(f"12 pedrank_0aa-1 {here}\n13 pedrank_0aa-1 {tmp_path}\n14 bash {here}\n15 pedrank_0bb-2 {here}/.")
    assert leftovers(here) == ["12", "15"]
    with pytest.raises(InputError, match="2 Slurm jobs .* scancel 12 15$"):
        refuse_leftovers(here)


def test_a_slurm_that_does_not_answer_stops_nobody(queue, tmp_path):
    queue(f"12 pedrank_0aa-1 {tmp_path}", code=1)
    refuse_leftovers(tmp_path)
    queue("")
    refuse_leftovers(tmp_path)
