"""The lock dies with its holder, jobs die with their workflow, and bad input ends a script in one line."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pedrank.runtime.lock import alone, hold, wait_for_orphans
from pedrank.runtime.slurm import leftovers, refuse_leftovers
from pedrank.runtime.writable import check_writable
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


def test_two_directories_with_the_same_results_exclude_each_other(tmp_path):
    """Their results/ are links to one folder, or only the folder of one study is."""
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    (tmp_path / "shared/study").mkdir(parents=True)
    for folder in (one, two):
        folder.mkdir()
        (folder / "results").symlink_to(tmp_path / "shared")
    (three / "results").mkdir(parents=True)
    (three / "results/study").symlink_to(tmp_path / "shared/study")
    (two / "results/linked").symlink_to(tmp_path / "shared/study")
    locks = alone(one)
    with pytest.raises(InputError, match="another workflow runs .* on the same results"):
        alone(two)
    with pytest.raises(InputError, match="another workflow runs"):
        alone(three)
    for lock in locks:
        lock.close()
    alone(two)


def test_jobs_of_a_killed_workflow_are_found_from_another_checkout(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "results").symlink_to(tmp_path)
    job = subprocess.Popen(["sleep", "60"], cwd=tmp_path / "one", env=os.environ | {"PEDRANK_HEAD": "1"})
    try:
        while b"PEDRANK_HEAD" not in Path(f"/proc/{job.pid}/environ").read_bytes():  # empty while the program is loaded
            time.sleep(0.01)
        with pytest.raises(InputError, match=f"jobs of a killed workflow still write in .*kill -9 {job.pid}"):
            wait_for_orphans(tmp_path / "two", seconds=0)
    finally:
        job.kill()
        job.wait()


def test_a_lock_file_that_cannot_be_opened_is_one_line(tmp_path):
    (tmp_path / "lock").mkdir()
    with pytest.raises(
        InputError, match=r"lock: the lock cannot be taken \(Is a directory\); .* belongs to "
    ) as raised:
        hold(tmp_path / "lock")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_a_warning(tmp_path, monkeypatch, capsys, number):
    def refuse(file, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    hold(tmp_path / "lock").close()
    warning = capsys.readouterr().err
    assert warning.startswith(f"warning: {tmp_path}: this file system has no locks") and warning.count("\n") == 1


def without_power(program: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program as a user whom modes of files bind, root included."""
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"] if os.getuid() == 0 else []
    if drop and shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    return subprocess.run([*drop, sys.executable, "-c", program], capture_output=True, text=True)


def test_a_lock_file_that_only_its_owner_may_write_is_locked_for_reading(tmp_path):
    path = tmp_path / "lock"
    path.touch(mode=0o444)
    program = (
        f"from pathlib import Path; from pedrank.runtime.lock import hold; hold(Path({str(path)!r})); print('held')"
    )
    assert without_power(program).stdout == "held\n"
    lock = hold(path)
    assert "another workflow runs" in without_power(program).stderr
    lock.close()


@pytest.mark.parametrize("closed", ["", "metadata", "iocache", "incomplete"])
def test_records_that_cannot_be_written_are_one_line(tmp_path, closed):
    records = tmp_path / ".snakemake"
    (records / closed).mkdir(parents=True)
    (records / closed).chmod(0o555)
    done = without_power(
        "from pathlib import Path; from pedrank.runtime.writable import check_writable\n"
        f"check_writable(Path({str(records)!r}))"
    )
    (records / closed).chmod(0o755)
    last = done.stderr.strip().splitlines()[-1]
    assert "InputError: " in last and "Snakemake cannot write its records there" in last and "mode 555" in last
    check_writable(records)


def test_a_checkout_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "results").write_text("")  # a file where a folder must be
    with pytest.raises(InputError, match="cannot write its records"):
        check_writable(tmp_path / "results/.snakemake")
    with pytest.raises(InputError, match="Not a directory|File exists"):
        hold(tmp_path / "results/lock")
