"""The cores beside each device of a node: a job's script hands their masks on, trainings and servers bind themselves by them."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable

VARIABLE = "KIELO_CPU_MASKS"
"""Hexadecimal masks of cores, by commas, in the order of the devices; set by the script of a job that has whole nodes."""


def cores_beside(devices: Iterable[int], warn: bool = True) -> frozenset[int]:
    """Name the cores beside some devices of this node; none where no masks are set.

    All masks hold, or none does, with one sentence to standard error if `warn`: processes that are bound beside ones
    that are not would share cores.
    """
    written = os.environ.get(VARIABLE)
    if not written or sys.platform != "linux":
        return frozenset()
    try:
        masks = [_cores(mask) for mask in written.split(",")]
        mine = frozenset().union(*(masks[device] for device in devices))
    except (ValueError, IndexError):
        return _unbound(f"{VARIABLE}={written!r} is no list of masks of all devices", warn)
    absent = frozenset().union(*masks) - os.sched_getaffinity(0)
    if absent:
        listed = ", ".join(map(str, sorted(absent)[:8])) + (", ..." if len(absent) > 8 else "")
        return _unbound(f"cpu_masks of the profile name cores that this job may not use ({listed})", warn)
    return mine


def bind_rank() -> None:
    """Bind this process of a training to the cores beside its device; to be called before any thread is started."""
    rank = os.environ.get("LOCAL_RANK", "")
    cores = cores_beside([int(rank)], warn=rank == "0") if rank.isdecimal() else None
    if cores and sys.platform == "linux":
        os.sched_setaffinity(0, cores)


def _cores(mask: str) -> frozenset[int]:
    bits = int(mask, 16)
    if bits <= 0:
        raise ValueError("a mask without cores")
    return frozenset(core for core in range(bits.bit_length()) if bits >> core & 1)


def _unbound(why: str, warn: bool) -> frozenset[int]:
    if warn:
        print(f"{socket.gethostname()}: {why}; nothing is bound to cores.", file=sys.stderr)
    return frozenset()
