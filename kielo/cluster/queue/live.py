"""What Slurm says of itself: its settings, partitions, nodes and the user's accounts; `kielo doctor` and `kielo profile new` read it."""

from __future__ import annotations

import getpass
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from kielo.cluster.queue import slurm
from kielo.errors import ClusterError

_PAIR = re.compile(r"(?:^|\s)([A-Za-z][A-Za-z0-9_:/]*)=")
_GPUS = re.compile(r"\bgpu(?::([^:,()]+))?:(\d+)")
_DAYS = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?")
_GONE = ("DOWN", "DRAIN", "FAIL", "NOT_RESPONDING", "UNKNOWN", "INVAL", "POWERED_DOWN", "FUTURE")


@dataclass(frozen=True)
class LiveNode:
    """A node as `scontrol show node` describes it, less what Slurm keeps for the system."""

    name: str
    partitions: tuple[str, ...]
    architecture: str
    cpus: int
    threads: int
    """Hardware threads of a core; `cpus` counts each."""
    memory_gb: float
    devices: Mapping[str, int]
    """By type; a type that Slurm does not name is ''."""
    available: bool

    @property
    def device_count(self) -> int:
        """Count the devices of all types."""
        return sum(self.devices.values())


@dataclass(frozen=True)
class LivePartition:
    """A partition as `scontrol show partition` describes it; None is no limit."""

    name: str
    up: bool
    default: bool
    hours: float
    nodes: int | None
    exclusive: bool
    allowed_accounts: tuple[str, ...] | None
    denied_accounts: tuple[str, ...]
    qos: str | None


@dataclass(frozen=True)
class Accounting:
    """What sacctmgr says of the user."""

    accounts: tuple[str, ...]
    qos: tuple[str, ...]
    job_limits: Mapping[str, int]
    """QOS -> most jobs a user may have queued and running, where there is a limit."""


@dataclass(frozen=True)
class LiveSlurm:
    """A cluster, as it is."""

    settings: Mapping[str, str]
    partitions: Mapping[str, LivePartition]
    nodes: tuple[LiveNode, ...]
    accounting: Accounting | None
    """None where Slurm keeps no accounts, or does not tell."""

    def nodes_of(self, partition: str) -> list[LiveNode]:
        """List the nodes of a partition."""
        return [node for node in self.nodes if partition in node.partitions]


def read_live() -> LiveSlurm:
    """Ask Slurm what it is.

    Raises:
        ClusterError: there is none on this machine, or it does not answer.
    """
    settings = dict(_setting(line) for line in _said("scontrol", "show", "config") if "=" in line)
    partitions = [_partition(pairs(line)) for line in _said("scontrol", "show", "partition", "-o") if line.strip()]
    nodes = [_node(pairs(line)) for line in _said("scontrol", "show", "node", "-o") if "NodeName=" in line]
    return LiveSlurm(settings, {each.name: each for each in partitions}, tuple(nodes), _accounting())


def pairs(line: str) -> dict[str, str]:
    """Read a line of `scontrol show -o`: key=value, where a value may hold blanks (`Reason=not responding`).

    Of a key that stands twice the first counts: a reason that somebody wrote may hold one, too.
    """
    found = list(_PAIR.finditer(line))
    ends = [each.start() for each in found[1:]] + [len(line)]
    values: dict[str, str] = {}
    for each, end in zip(found, ends, strict=True):
        values.setdefault(each[1], line[each.end() : end].strip())
    return values


def hours_of(written: str) -> float:
    """Read a time limit as Slurm writes it: `2-00:00:00`, `03:00:00`, `30:00` (minutes), `UNLIMITED`."""
    parts = _DAYS.fullmatch(written.strip())
    if parts is None:
        return math.inf
    days, first, second, third = parts.groups()
    if days is not None or third is not None:
        return int(days or 0) * 24 + int(first) + int(second or 0) / 60 + int(third or 0) / 3600
    return int(first) / 60 + int(second or 0) / 3600


def _said(*command: str) -> list[str]:
    done = slurm.call(list(command))
    if done.returncode != 0:
        raise ClusterError(f"{' '.join(command)} fails: {slurm.words(done)}")
    return done.stdout.splitlines()


def _setting(line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    return name.strip(), value.strip()


def _partition(said: Mapping[str, str]) -> LivePartition:
    nodes, qos = said.get("MaxNodes", ""), said.get("QoS", "N/A")
    return LivePartition(
        name=said.get("PartitionName", ""),
        up=said.get("State", "UP") == "UP",
        default=said.get("Default") == "YES",
        hours=hours_of(said.get("MaxTime", "")),
        nodes=int(nodes) if nodes.isdecimal() else None,
        exclusive=said.get("OverSubscribe", "").startswith("EXCLUSIVE"),
        allowed_accounts=None if said.get("AllowAccounts", "ALL") == "ALL" else _names(said["AllowAccounts"]),
        denied_accounts=_names(said.get("DenyAccounts", "")),
        qos=None if qos in ("N/A", "", "(null)") else qos,
    )


def _node(said: Mapping[str, str]) -> LiveNode:
    threads = _number(said.get("ThreadsPerCore")) or 1
    kept = _number(said.get("CoreSpecCount")) * threads
    devices: dict[str, int] = {}
    for kind, count in _GPUS.findall(said.get("Gres", "")):
        devices[kind] = devices.get(kind, 0) + int(count)
    return LiveNode(
        name=said.get("NodeName", ""),
        partitions=_names(said.get("Partitions", "")),
        architecture=said.get("Arch", ""),
        cpus=_number(said.get("CPUEfctv")) or _number(said.get("CPUTot")) - kept,
        threads=threads,
        memory_gb=(_number(said.get("RealMemory")) - _number(said.get("MemSpecLimit"))) / 1024,
        devices=devices,
        available=not any(word.strip("*~#!%$@^-") in _GONE for word in said.get("State", "").split("+")),
    )


def _names(written: str) -> tuple[str, ...]:
    return tuple(name for name in written.split(",") if name and name != "(null)")


def _number(written: str | None) -> int:
    return int(written) if written and written.isdecimal() else 0


def _accounting() -> Accounting | None:
    try:
        done = slurm.call(["sacctmgr", "-nP", "show", "assoc", f"user={getpass.getuser()}", "format=Account,QOS"])
        limits = slurm.call(["sacctmgr", "-nP", "show", "qos", "format=Name,MaxSubmitPU"])
    except ClusterError:
        return None
    rows = [line.split("|") for line in done.stdout.splitlines() if line.count("|") == 1]
    if done.returncode != 0 or not rows:
        return None
    of_qos = [line.split("|") for line in limits.stdout.splitlines() if line.count("|") == 1]
    return Accounting(
        accounts=tuple(dict.fromkeys(account for account, _ in rows if account)),
        qos=tuple(dict.fromkeys(name for _, written in rows for name in _names(written))),
        job_limits={name: int(most) for name, most in of_qos if most.isdecimal()},
    )
