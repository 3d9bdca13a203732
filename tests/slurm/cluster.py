"""A private Slurm of four nodes on the loopback interface of this machine, with GPUs that are only device nodes.

Debian's packages, one slurmd per node, munge with a key of its own. Everything lies in one folder but slurm.conf and
gres.conf, which must be in /etc/slurm: the executor takes SLURM_CONF out of its jobs' environment.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PACKAGES = ["slurmctld", "slurmd", "slurm-client", "munge"]
NODES = ["n1", "n2", "n3", "n4"]
ETC = Path("/etc/slurm")
GUARD = Path("/usr/sbin/policy-rc.d")  # apt starts no daemon while this says so

CONF = """
ClusterName=pedrank
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=16817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# A short life of credentials lets the jobs of a failed node start again after seconds in place of two minutes.
AuthInfo=socket={folder}/munge.socket,cred_expire=10
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
SlurmdParameters=config_overrides
ReturnToService=2
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
PropagateResourceLimits=NONE
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=500
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,sched_min_interval=0,bf_interval=5
PriorityType=priority/basic
SlurmctldTimeout=120
# Long enough for daemons of a busy machine
SlurmdTimeout=120
MessageTimeout=60
KillWait=2
MinJobAge=7200
CompleteWait=0
JobRequeue=1
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
GresTypes=gpu
AccountingStorageType=accounting_storage/none
{nodes}
PartitionName=cpu Nodes=n[1-4] Default=YES MaxTime=1440 State=UP
PartitionName=gpu Nodes=n[1-2] MaxTime=1440 State=UP
"""
# The machine has two real cores and the nodes claim more: work is limited by the number of jobs, not by the nodes.
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=16 RealMemory=64000 State=UNKNOWN{gpus}"


def obstacle() -> str | None:
    """Why no cluster can be started here, or None."""
    if os.getuid() != 0:
        return "only root can start Slurm's daemons and make device nodes"
    if (ETC / "slurm.conf").exists():
        return f"{ETC}/slurm.conf is there: this machine belongs to a cluster"
    if _running("slurmctld") or _running("slurmd"):
        return "a Slurm runs on this machine"
    if not _installed() and shutil.which("apt-get") is None:
        return "Slurm is not installed, and there is no apt-get to install it"
    return None


def install() -> str | None:
    """Install Slurm where it is missing, without starting it; why that failed, or None."""
    if _installed():
        return None
    guarded = GUARD.exists()
    if not guarded:
        GUARD.write_text("#!/bin/sh\nexit 101\n")
        GUARD.chmod(0o755)
    try:
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *PACKAGES]):
            environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            done = subprocess.run(["apt-get", *command], env=environment, capture_output=True, text=True)
            if done.returncode != 0:
                return f"apt-get {command[0]} failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}"
    finally:
        if not guarded:
            GUARD.unlink()
    return None if _installed() else "the packages hold no slurmctld"


@contextmanager
def cluster(folder: Path) -> Iterator[None]:
    """The cluster, for as long as the context lasts, and what runs in the folder above `folder`.

    `folder` must be empty and its path short, for the socket; the folder above is the test's own.
    """
    host = socket.gethostname().split(".")[0]
    made_etc = not ETC.exists()
    try:
        _configure(folder, host)
        key = folder / "munge.key"
        munge = [f"--{name}={folder}/munge.{name.split('-')[0]}" for name in ("pid-file", "log-file", "seed-file")]
        _run("munged", f"--key-file={key}", f"--socket={folder}/munge.socket", *munge, "--num-threads=2")
        start_controller()
        for name in NODES:
            _run("slurmd", "-N", name)
        _wait_until_it_works()
        yield
    finally:
        _stop(folder)
        for name in ("slurm.conf", "gres.conf"):
            (ETC / name).unlink(missing_ok=True)
        if made_etc:
            with suppress(OSError):
                ETC.rmdir()


def start_controller() -> None:
    _run("slurmctld")


def stop_controller(folder: Path) -> None:
    _end(folder / "slurmctld.pid", signal.SIGTERM)


def _configure(folder: Path, host: str) -> None:
    folder.chmod(0o711)  # munged refuses a socket that others cannot reach
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o400)
    (folder / "state").mkdir()
    for name in NODES:
        (folder / f"spool.{name}").mkdir()
    for index in (0, 1):
        os.mknod(folder / f"nvidia{index}", 0o666 | 0o020000, os.makedev(1, 3))  # /dev/null by another name
    nodes = [
        NODE.format(name=name, host=host, port=17001 + index, gpus=" Gres=gpu:fake:2" if index < 2 else "")
        for index, name in enumerate(NODES)
    ]
    ETC.mkdir(exist_ok=True)
    (ETC / "slurm.conf").write_text(CONF.format(host=host, folder=folder, nodes="\n".join(nodes)))
    (ETC / "gres.conf").write_text(f"NodeName=n[1-2] Name=gpu Type=fake File={folder}/nvidia[0-1]\n")


def _wait_until_it_works(seconds: float = 60) -> None:
    """A job on all nodes at once: sinfo calls nodes idle before they answer."""
    limit = time.monotonic() + seconds
    while True:
        with suppress(subprocess.TimeoutExpired):
            done = subprocess.run(["srun", "-N4", "true"], capture_output=True, text=True, timeout=20)
            if done.returncode == 0:
                return
        if time.monotonic() > limit:
            raise RuntimeError(f"Slurm did not start within {seconds:.0f} s: {done.stderr}")
        time.sleep(1)


def _stop(folder: Path) -> None:
    subprocess.run(["scancel", "--user=root"], capture_output=True)
    names = [*(f"slurmd.{name}" for name in NODES), "slurmctld", "munge"]
    for name in names:
        pid = folder / ("munge.pid" if name == "munge" else f"{name}.pid")
        _end(pid, signal.SIGTERM)
    # Without control groups, what a job of a lost node has started outlives it.
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if Path(os.readlink(process / "cwd")).is_relative_to(folder.parent) and int(process.name) != os.getpid():
                os.kill(int(process.name), signal.SIGKILL)


def _end(pid_file: Path, number: signal.Signals, seconds: float = 20) -> None:
    """Signal the daemon and wait for its end."""
    with suppress(FileNotFoundError, ProcessLookupError, ValueError):
        pid = int(pid_file.read_text())
        os.kill(pid, number)
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            os.kill(pid, 0)
            time.sleep(0.1)


def _running(name: str) -> bool:
    comms = (path.read_text().strip() for path in Path("/proc").glob("[0-9]*/comm") if path.exists())
    return name in comms


def _installed() -> bool:
    return all(shutil.which(name) for name in ("slurmctld", "slurmd", "sbatch", "munged"))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")
