"""How much memory there is: the smallest of the control groups that a process is in."""

import pytest

from pedrank.utils.memory import _control_group, available_memory


def _group(folder, limit, used, names=("memory.max", "memory.current")):
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in zip(names, (limit, used), strict=True):
        (folder / name).write_text(f"{value}\n")


@pytest.fixture
def own(tmp_path):
    def write(text):
        (tmp_path / "cgroup").write_text(text)
        return tmp_path / "cgroup"

    return write


def test_the_narrowest_group_counts(own, tmp_path):
    _group(tmp_path / "fs/job_7", 1000, 100)
    _group(tmp_path / "fs/job_7/step_0", "max", 50)
    assert _control_group(own("0::/job_7/step_0\n"), tmp_path / "fs") == 900
    _group(tmp_path / "fs", 500, 100)
    assert _control_group(own("0::/job_7/step_0\n"), tmp_path / "fs") == 400


def test_version_1_and_a_container(own, tmp_path):
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
    _group(tmp_path / "fs/memory/slurm/job_7", 2**63 - 4096, 10, names)
    _group(tmp_path / "fs/memory/slurm", 3000, 1000, names)
    text = "4:cpu,cpuacct:/a\n3:rdma,memory:/slurm/job_7\n"
    assert _control_group(own(text), tmp_path / "fs") == 2000
    _group(tmp_path / "fs", 700, 0)  # the path of the host does not exist inside
    assert _control_group(own("0::/kubepods/pod1\n"), tmp_path / "fs") == 700


def test_pages_of_files_are_free(own, tmp_path):
    """Mapped features that were read fill a group up to its limit, and the kernel drops them when memory is needed."""
    _group(tmp_path / "fs/job_7", 1000, 900)
    (tmp_path / "fs/job_7/memory.stat").write_text("anon 100\ninactive_file 500\nactive_file 200\n")
    assert _control_group(own("0::/job_7\n"), tmp_path / "fs") == 800
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
    _group(tmp_path / "fs/memory/job_7", 1000, 900, names)
    stat = "inactive_file 1\nactive_file 1\ntotal_inactive_file 300\ntotal_active_file 100\n"
    (tmp_path / "fs/memory/job_7/memory.stat").write_text(stat)
    assert _control_group(own("3:rdma,memory:/job_7\n"), tmp_path / "fs") == 500


def test_no_group_and_no_linux(own, tmp_path):
    assert _control_group(tmp_path / "missing") is None
    assert _control_group(own("1:name=systemd:/\n"), tmp_path / "fs") is None
    assert available_memory() is None or available_memory() > 0
