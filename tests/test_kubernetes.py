"""Jobs of Kubernetes, against a stand-in for kubectl: what is asked for, and what Snakemake is told. No cluster."""

import json
import os
import subprocess
import sys
import time

import pytest

from pedrank.utils.paths import ROOT

POD = ROOT / "profiles/kubernetes/pod.py"
ASKED = ["--image", "pedrank:1", "--claim", "results", "--mount", "/shared", "--cpus", "4", "--minutes", "90"]


@pytest.fixture
def kubectl(tmp_path, monkeypatch):
    """The stand-in on the path; returns the folder that it writes to."""
    folder = tmp_path / "kubectl"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/kubectl").symlink_to(ROOT / "tests/kubectl.py")
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("KUBECTL_FOLDER", str(folder))
    return folder


def _pod(*arguments: object, folder=None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, POD, *map(str, arguments)], cwd=folder, capture_output=True, text=True, timeout=60
    )


def _submit(script: str, folder, gpus: int = 0) -> str:
    (folder / "job.sh").write_text(script)
    done = _pod("submit", *ASKED, "--megabytes", 8300, "--gpus", gpus, "job.sh", folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _end(name: str) -> str:
    for _ in range(100):
        state = _pod("status", name).stdout.strip()
        if state != "running":
            return state
        time.sleep(0.1)
    raise AssertionError("the job does not end")


def test_a_job_gets_what_its_rule_asks_for(kubectl, tmp_path):
    name = _submit("pwd > where", tmp_path, gpus=1)
    assert _end(name) == "success"
    assert (tmp_path / "where").read_text().strip() == str(tmp_path)
    job = json.loads((kubectl / f"{name}.json").read_text())
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    wanted = {"cpu": "4", "memory": "8300M", "nvidia.com/gpu": "1"}
    assert container["resources"] == {"requests": wanted, "limits": wanted}
    assert container["volumeMounts"] == [{"name": "shared", "mountPath": "/shared"}]
    assert pod["volumes"] == [{"name": "shared", "persistentVolumeClaim": {"claimName": "results"}}]
    assert (job["spec"]["activeDeadlineSeconds"], job["spec"]["backoffLimit"]) == (5400, 0)


def test_a_job_without_a_gpu_asks_for_none(kubectl, tmp_path):
    name = _submit("true", tmp_path)
    text = (kubectl / f"{name}.json").read_text()
    assert "nvidia.com" not in text


def test_failed_and_missing_jobs_are_told(kubectl, tmp_path):
    assert _end(_submit("exit 3", tmp_path)) == "failed"
    name = _submit("sleep 0.2", tmp_path)
    cancel = subprocess.run([ROOT / "profiles/kubernetes/cancel.sh", name], capture_output=True, text=True)
    assert cancel.returncode == 0, cancel.stderr
    assert _pod("status", name).stdout.strip() == "failed"


def test_a_cluster_that_does_not_answer_is_one_line(kubectl, tmp_path):
    (kubectl / "bin/kubectl").unlink()
    (kubectl / "bin/kubectl").write_text("#!/bin/sh\necho 'no route to host' >&2; exit 1\n")
    (kubectl / "bin/kubectl").chmod(0o755)
    done = _pod("status", "pedrank-1")
    assert (done.returncode, done.stderr) == (1, "error: kubectl get job: no route to host\n")
