"""A real Slurm for tests: munge, a controller and four nodes with eight pretended GPUs each, on loopback, ended with the tests."""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
NODES = ("n1", "n2", "n3", "n4")
GPUS, CORES, MEMORY_MB = 8, 56, 480 * 1024
NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
_PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
FIRST_PORT, SLOTS, PORTS_OF_SLOT, JOBS_OF_SLOT = 10_000, 30, 16, 400
"""Slurms that run at once count their jobs from different numbers: from its number a job takes the port of its training."""
FINAL = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY", "DEADLINE")
# A file of a GRES must be a character device; a link to /dev/null passes for one. cred_expire + 1 s is what a requeued job waits.
_CONF = """\
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={root}/munge/munge.socket,cred_expire=5
SlurmctldPort={port}
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd-%n.pid
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool/%n
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd-%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=100000
ReturnToService=2
InactiveLimit=0
KillWait=3
MinJobAge=3600
FirstJobId={first_job}
SlurmctldTimeout=60
SlurmdTimeout=60
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
PropagateResourceLimits=NONE
MaxArraySize=1001
DefMemPerCPU=100
EnforcePartLimits=ALL
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
{nodes}
PartitionName=standard-g Nodes=ALL MaxTime=2-00:00:00 DefaultTime=00:10:00 OverSubscribe=EXCLUSIVE PriorityTier=10 PreemptMode=OFF
PartitionName=small-g Nodes=ALL MaxTime=3-00:00:00 DefaultTime=00:10:00 MaxNodes=4 PriorityTier=10 PreemptMode=OFF Default=YES
PartitionName=dev-g Nodes=ALL MaxTime=03:00:00 DefaultTime=00:10:00 PriorityTier=10 PreemptMode=OFF
PartitionName=scavenge Nodes=ALL MaxTime=1-00:00:00 DefaultTime=00:10:00 GraceTime=3 PriorityTier=1 PreemptMode=REQUEUE
PartitionName=small Nodes=ALL MaxTime=3-00:00:00 DefaultTime=00:10:00 MaxNodes=4 PriorityTier=10 PreemptMode=OFF
PartitionName=debug Nodes=ALL MaxTime=00:30:00 DefaultTime=00:10:00 PriorityTier=10 PreemptMode=OFF
PartitionName=standard Nodes=ALL MaxTime=2-00:00:00 DefaultTime=00:10:00 OverSubscribe=EXCLUSIVE PriorityTier=10 PreemptMode=OFF
PartitionName=gpu Nodes=ALL MaxTime=2-00:00:00 DefaultTime=00:10:00 PriorityTier=10 PreemptMode=OFF
PartitionName=cpu Nodes=ALL MaxTime=2-00:00:00 DefaultTime=00:10:00 PriorityTier=10 PreemptMode=OFF
"""


def missing_programs() -> list[str]:
    """List the programs of Slurm and munge that are not installed."""
    return [name for name in NEEDED if shutil.which(name, path=_PLACES) is None]


@dataclass
class Slurm:
    """A running Slurm; commands find it through `environment`."""

    root: Path
    conf: Path
    environment: Mapping[str, str]
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def call(self, *command: str, check: bool = True) -> str:
        """Run one of Slurm's commands and give what it prints."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        assert not check or done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout.strip()

    def states(self, job_ids: Sequence[str]) -> dict[str, str]:
        """Give the state of every job and element (`12`, `12_3`) of some jobs."""
        lines = self.call("squeue", "-h", "-r", "-t", "all", "-o", "%F|%K|%T").splitlines()
        rows = (line.split("|") for line in lines)
        return {f"{job}_{index}" if index != "N/A" else job: state for job, index, state in rows if job in job_ids}

    def wait_for(self, job_ids: Sequence[str], seconds: float = 60, states: Sequence[str] = FINAL) -> dict[str, str]:
        """Wait until every job and element is in one of `states` (default: has ended); returns their states."""

        def arrived() -> dict[str, str] | None:
            found = self.states(job_ids)
            return found if found and all(state in states for state in found.values()) else None

        found = until(arrived, seconds)
        assert found is not None, f"after {seconds} s: {self.states(job_ids)}"
        return found

    def kill_node(self, name: str) -> None:
        """End a node as a power cut does, its jobs with it, and tell the controller as its own time limit would."""
        self._stop(name, signal.SIGKILL)
        _kill({f"KIELO_TEST_NODE={name}", f"SLURMD_NODENAME={name}"}, self.conf)
        self.call("scontrol", "update", f"NodeName={name}", "State=DOWN", "Reason=test")

    def restart_node(self, name: str) -> None:
        """Start a killed node again and wait until it takes jobs."""
        self.start_node(name)
        # refused where the node has come back by itself; wait_for_nodes sees whether it has
        self.call("scontrol", "update", f"NodeName={name}", "State=RESUME", check=False)
        self.wait_for_nodes()

    def start_node(self, name: str) -> None:
        """Start the daemon of a node."""
        (self.root / "spool" / name).mkdir(parents=True, exist_ok=True)
        environment = {**self.environment, "KIELO_TEST_NODE": name}
        self.start(name, ["slurmd", "-D", "-f", str(self.conf), "-N", name], environment)

    def start(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        """Start a daemon as a child of the tests."""
        with (self.root / f"{name}.out").open("ab") as out:
            # it ends with the tests, however they end
            self.daemons[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip

    def wait_for_nodes(self) -> None:
        """Wait until no node is down or unknown to the controller."""

        def ready() -> bool | None:
            up = self.call("sinfo", "-h", "-N", "-p", "small-g", "-t", "idle,mix,alloc,comp", "-o", "%N", check=False)
            return set(up.split()) == set(NODES) or None

        logs = "\n".join(path.read_text(errors="replace")[-500:] for path in sorted(self.root.glob("*.out")))
        assert until(ready, 30), f"the nodes of the test's Slurm do not come up:\n{logs}"

    def stop(self) -> None:
        """Cancel all jobs and end every daemon, the nodes before the controller."""
        if (controller := self.daemons.get("slurmctld")) and controller.poll() is None:
            self.call("scancel", "--me", check=False)
        for name in reversed(list(self.daemons)):
            self._stop(name, signal.SIGTERM)
        _kill({f"KIELO_TEST_NODE={name}" for name in NODES} | {f"SLURMD_NODENAME={name}" for name in NODES}, self.conf)

    def _stop(self, name: str, how: signal.Signals) -> None:
        daemon = self.daemons.pop(name)
        daemon.send_signal(how)
        try:
            daemon.wait(10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def until(found: Callable[[], T | None], seconds: float) -> T | None:
    """Ask again and again until there is an answer; None when time is up."""
    end = time.monotonic() + seconds
    while (answer := found()) is None and time.monotonic() < end:
        time.sleep(0.1)
    return answer


def _kill(marks: set[str], conf: Path) -> None:
    """Kill the processes of this Slurm whose environment holds one of the marks."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            variables = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # ended meanwhile, or not ours
            continue
        if f"SLURM_CONF={conf}" in variables and marks & set(variables) and int(folder.name) != os.getpid():
            try:
                os.kill(int(folder.name), signal.SIGKILL)
            except ProcessLookupError:
                continue


@contextmanager
def running_slurm(root: Path) -> Iterator[Slurm]:
    """Start a Slurm under `root`; it ends with the block, however that ends."""
    conf = _configure(root)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "SBATCH_", "SQUEUE_"))}
    slurm = Slurm(root, conf, {**kept, "PATH": _PLACES, "SLURM_CONF": str(conf)})
    munge = root / "munge"
    keys = (f"--key-file={munge}/munge.key", f"--seed-file={munge}/munge.seed", f"--log-file={munge}/munged.log")
    places = (f"--socket={munge}/munge.socket", f"--pid-file={munge}/munged.pid")
    try:
        slurm.start(
            "munged",
            ["munged", "--foreground", "--force", *keys, *places, "--num-threads=2"],
            os.environ | {"PATH": _PLACES},
        )
        assert until(lambda: (munge / "munge.socket").exists() or None, 20), "munged does not start"
        slurm.start("slurmctld", ["slurmctld", "-D", "-f", str(conf)], slurm.environment)
        for name in NODES:
            slurm.start_node(name)
        slurm.wait_for_nodes()
        yield slurm
    finally:
        slurm.stop()


def _configure(root: Path) -> Path:
    for folder in ("state", "spool", "dev", "munge", "etc"):
        (root / folder).mkdir(mode=0o755, parents=True)
    root.chmod(0o755)
    key = root / "munge" / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(1024))
    for number in range(GPUS):
        (root / "dev" / f"gpu{number}").symlink_to("/dev/null")
    slot = _free_slot()
    host, port = socket.gethostname().split(".")[0], FIRST_PORT + slot * PORTS_OF_SLOT
    nodes = "\n".join(
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port + number} CPUs={CORES} Boards=1 SocketsPerBoard=1 "
        f"CoresPerSocket={CORES} ThreadsPerCore=1 RealMemory={MEMORY_MB} Gres=gpu:mi250:{GPUS}"
        for number, name in enumerate(NODES, 1)
    )
    conf = root / "etc" / "slurm.conf"
    values = {"host": host, "user": getpass.getuser(), "root": root, "port": port, "nodes": nodes}
    conf.write_text(_CONF.format(**values, first_job=1 + slot * JOBS_OF_SLOT), "utf-8")
    devices = f"NodeName={','.join(NODES)} Name=gpu Type=mi250 File={root}/dev/gpu[0-{GPUS - 1}] Flags=amd_gpu_env\n"
    (root / "etc" / "gres.conf").write_text(devices, "utf-8")
    return conf


def _free_slot() -> int:
    """Find a slot whose ports nobody uses; processes begin to look at different ones."""
    for number in range(SLOTS):
        slot = (os.getpid() + number) % SLOTS
        if all(_is_free(FIRST_PORT + slot * PORTS_OF_SLOT + offset) for offset in range(1 + len(NODES))):
            return slot
    raise RuntimeError(f"no free ports between {FIRST_PORT} and {FIRST_PORT + SLOTS * PORTS_OF_SLOT}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0
