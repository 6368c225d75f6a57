"""`kielo doctor`: whether file locks hold between nodes where a run lies, by trying one and by what the mount says."""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kielo.cluster.doctor.findings import Finding

_MOUNTS = Path("/proc/mounts")
_NFS_LOCAL = {"nolock", "local_lock=all", "local_lock=flock"}
_MEANS = "start `kielo run` on one node at a time, and no `kielo step` beside jobs: nothing would keep two nodes from one step"


@dataclass(frozen=True)
class _Mount:
    point: str
    kind: str
    options: frozenset[str]


def lock_findings(folder: Path) -> Iterator[Finding]:
    """Look at the file system of a run folder, or of the nearest folder above it that exists."""
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.is_dir())
    mount = _mount_of(there)
    where = f"run folder: {there}" + (f" ({mount.kind} at {mount.point})" if mount else "")
    if not os.access(there, os.W_OK | os.X_OK):
        yield Finding("look", f"{where} cannot be written; submit with --run and another folder")
        return
    reason = _refusal(there) or (mount and _said(mount))
    if reason:
        yield Finding("look", f"{where}: {reason}; {_MEANS}")
    else:
        yield Finding("ok", f"{where} takes file locks")


def _refusal(folder: Path) -> str | None:
    """Try a lock; say why it was not taken."""
    with tempfile.TemporaryFile(dir=folder) as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return f"it takes no file locks ({error.strerror})"
    return None


def _said(mount: _Mount) -> str | None:
    """Say what a mount's own options tell of locks that one node alone sees."""
    if mount.kind == "lustre" and "flock" not in mount.options:
        return f"it is mounted {'with localflock' if 'localflock' in mount.options else 'without flock'}, so that file locks do not hold between nodes"
    if mount.kind in ("nfs", "nfs4") and (local := sorted(_NFS_LOCAL & mount.options)):
        return f"it is mounted with {local[0]}, so that file locks do not hold between nodes"
    return None


def _mount_of(folder: Path) -> _Mount | None:
    """Find the mount that a folder lies on: the longest one above it, the last of those at one place."""
    found: _Mount | None = None
    real = folder.resolve()
    for line in _MOUNTS.read_text("utf-8", "surrogateescape").splitlines() if _MOUNTS.is_file() else ():
        _, point, kind, options, *_ = line.split(" ")
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), point)
        if real.is_relative_to(point) and (found is None or len(point) >= len(found.point)):
            found = _Mount(point, kind, frozenset(options.split(",")))
    return found
