"""How much memory a text generator takes at most: of this process, of its device, or of the servers that it started."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from kielo.schema import Engine

_STATUS = Path("/proc/self/status")
_TELLING_SECONDS = 20.0
_MIB = 1 << 20
NVIDIA = ("nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits")
ROCM = ("rocm-smi", "--showpids")


@dataclass(frozen=True)
class Peak:
    """The most memory, None where nothing tells; `how` says how it was measured, or why not."""

    bytes: int | None
    how: str


Gauge = Callable[[], Peak]
"""Reads what was taken at most so far."""


@dataclass(frozen=True)
class Resident:
    """Bytes of memory that a process holds, and the most it ever held."""

    now: int
    most: int


def resident() -> Resident | None:
    """Read what this process holds in memory; None where the system does not say."""
    if not _STATUS.is_file():
        return None
    found = dict(re.findall(r"^(VmRSS|VmHWM):\s*(\d+) kB$", _STATUS.read_text("ascii", "replace"), re.MULTILINE))
    return Resident(int(found["VmRSS"]) * 1024, int(found["VmHWM"]) * 1024)


def gauge_here(before: Resident | None) -> Gauge:
    """Make the gauge of a model that was loaded in this process; `before` is what `resident` said before it was."""
    return _on_device() or _OfProcess(before)


def gauge_elsewhere() -> Peak:
    """Say that nothing tells of a server that somebody else runs."""
    return Peak(None, "the server is not Kielo's, so nothing tells its memory")


def gauge_servers(groups: Collection[int]) -> Peak:
    """Ask the driver's tool what the processes of some groups hold; vLLM takes its share of a device at the start."""
    for command, read in ((NVIDIA, _nvidia), (ROCM, _rocm)):
        used = [size for process, size in read(_told(command)).items() if _group_of(process) in groups]
        if sum(used):
            how = (
                f"device memory of the servers' processes ({command[0]}); vLLM reserves it at the start, needed or not"
            )
            return Peak(sum(used), how)
    return Peak(None, "neither nvidia-smi nor rocm-smi tells what the servers' processes hold")


def device_of(engine: Engine) -> str | None:
    """Name what an opened engine runs on; None where nothing tells."""
    if engine.kind == "hf":
        import torch

        return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    if engine.kind == "openai":
        return None
    names = _told(("nvidia-smi", "--query-gpu=name", "--format=csv,noheader"))
    return names.splitlines()[0].strip() if names.strip() else None


def _on_device() -> Gauge | None:
    """Measure what PyTorch takes of the device from now on; None where there is none (ROCm's are called cuda, too)."""
    import torch

    if not torch.cuda.is_available():
        return None
    torch.cuda.reset_peak_memory_stats()
    how = "device memory that PyTorch held at most, weights included (torch.cuda.max_memory_reserved)"
    return lambda: Peak(torch.cuda.max_memory_reserved(), how)


class _OfProcess:
    """What this process holds, Python and its libraries included.

    Its growth would tell less: a second model finds the memory that the first one has left, and seems to take none.
    """

    how = "resident memory of this process at most while it generated, Python and its libraries included"

    def __init__(self, before: Resident | None) -> None:
        self.before, self.seen = before, 0

    def __call__(self) -> Peak:
        """Read the system's high-water mark; where that was left at an earlier time, the most that was seen at these looks."""
        found = resident()
        if found is None or self.before is None:
            return Peak(None, "this system does not tell a process's memory in /proc")
        self.seen = max(self.seen, found.now)
        return Peak(found.most if found.most > self.before.most else self.seen, self.how)


def _nvidia(text: str) -> Mapping[int, int]:
    """Read lines of `pid, MiB`; a process on several devices has several."""
    found: dict[int, int] = {}
    for process, size in re.findall(r"^(\d+), (\d+)$", text, re.MULTILINE):
        found[int(process)] = found.get(int(process), 0) + int(size) * _MIB
    return found


def _rocm(text: str) -> Mapping[int, int]:
    """Read lines of process, name, devices, VRAM in bytes, SDMA, occupancy; what it cannot tell it calls UNKNOWN."""
    lines = (line.split() for line in text.splitlines())
    return {
        int(cells[0]): int(cells[-3])
        for cells in lines
        if len(cells) >= 6 and cells[0].isdecimal() and cells[-3].isdecimal()
    }


def _told(command: tuple[str, ...]) -> str:
    """Run a tool of the driver; nothing where there is none, or it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_TELLING_SECONDS)
    except (FileNotFoundError, PermissionError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _group_of(process: int) -> int | None:
    try:
        return os.getpgid(process)
    except (ProcessLookupError, PermissionError):
        return None
