"""Which GPU a job gets: one of its own while there are enough. The devices are simulated."""

import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from pedrank.finetune.batches import fetched
from pedrank.runtime.device import claim_gpu, prepare_device, score_device, wait_for

PROGRAM = """
import sys, pathlib
from pedrank.runtime.device import claim_gpu
print(claim_gpu(int(sys.argv[1]), pathlib.Path(sys.argv[2])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Start a job on a machine of `count` GPUs; whatever is left of them ends with the test."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("PEDRANK_GPU_JOBS", raising=False)
    started = []

    def start(count: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PROGRAM, str(count), str(tmp_path)]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _device(process: subprocess.Popen[str]) -> int:
    return int(process.stdout.readline())


def test_each_job_gets_a_gpu_of_its_own_also_after_a_kill(job):
    jobs = [job(4) for _ in range(4)]
    held = [_device(process) for process in jobs]
    assert sorted(held) == [0, 1, 2, 3]
    waiting = job(4)
    jobs[2].send_signal(signal.SIGKILL)
    assert _device(waiting) == held[2]


def test_gpus_are_shared_where_the_profile_lets_more_jobs_run(job, monkeypatch):
    monkeypatch.setenv("PEDRANK_GPU_JOBS", "4")
    first = [job(2) for _ in range(2)]
    assert sorted(map(_device, first)) == [0, 1]
    second = [job(2) for _ in range(2)]
    assert sorted(map(_device, second)) == [0, 1]


def test_visible_devices_have_the_places_and_not_their_order(job, tmp_path, monkeypatch):
    """Two workflows that see GPUs 0,1 and 1,2 share the place of the one that both see."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert {_device(job(2)) for _ in range(2)} == {0, 1}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,2")
    assert _device(job(2)) == 1
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-GPU-1/2/0,MIG-GPU-1/3/0")
    assert _device(job(2)) == 0
    assert len(list(tmp_path.iterdir())) == 4


def test_a_job_with_one_gpu_to_see_takes_it(tmp_path):
    assert claim_gpu(1, tmp_path) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("gpu", [0, 1])
def test_without_a_gpu_everything_runs_on_the_cpu(gpu, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert prepare_device(torch.get_num_threads(), gpu) == torch.device("cpu")


def test_apples_gpu_is_used_where_a_job_has_one(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert prepare_device(1, gpu=1) == torch.device("mps")
    assert score_device(1, gpu=1) == score_device(1, gpu=0) == "cpu"  # without float64, scores stay on the CPU
    assert prepare_device(1, gpu=0) == torch.device("cpu")


def test_batches_reach_a_device_that_is_no_gpu_of_nvidia():
    """The meta device stands for Apple's: it computes nothing, but a tensor that stays on the CPU shows."""
    images, batches = np.zeros((4, 2, 2, 3), np.uint8), np.array([[0, 1], [2, 3]])
    assert {batch.device.type for batch in fetched(images, batches, torch.device("meta"))} == {"meta"}


def test_the_clock_waits_for_apples_gpu(monkeypatch):
    waited = []
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waited.append("mps"))
    wait_for(torch.device("cpu"))
    assert waited == []
    wait_for(torch.device("mps"))
    assert waited == ["mps"]
