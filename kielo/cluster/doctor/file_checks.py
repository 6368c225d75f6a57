"""`kielo doctor`: the files and folders that a profile names, as this login node sees them."""

from __future__ import annotations

import getpass
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from kielo.cluster.doctor.findings import Finding, Keyed
from kielo.cluster.hub.needs import usual_cache
from kielo.cluster.hub.prefetch import hub_cache
from kielo.cluster.profiles.profile import Profile
from kielo.cluster.profiles.reading import Keys
from kielo.errors import UsageError
from kielo.provenance import CHECKOUT

_ROOM_GB = 200
"""What a 34B model (68 GB in bf16), its data sets and a second model take."""
_QUOTA = re.compile(r"\s(\d+)\*?\s+(\d+)\s+(\d+)")
_FOLDERS = ("CACHE", "HOME", "DIR", "TMP")


def file_findings(profile: Profile, keyed: Keyed) -> Iterator[Finding]:
    """Look at what a profile names on disk."""
    yield from _checkout(profile, keyed)
    yield from _container(profile, keyed)
    yield from _modules(profile, keyed)
    yield from _hub_cache(profile, keyed)
    for name, written in profile.variables().items():
        if written.startswith("/") and ":" not in written and any(part in name for part in _FOLDERS):
            yield from _folder(profile, written, ("environment", name), keyed)


def filled(profile: Profile, written: str) -> str | None:
    """Put in what is known before any job: user, account and checkout; None if something else is asked for."""
    known = {"user": getpass.getuser(), "account": profile.account, "checkout": str(CHECKOUT)}
    parts = re.split(r"\{(\w+)\}", written)
    if any(known.get(name) is None for name in parts[1::2]):
        return None
    return "".join(str(known[part]) if place % 2 else part for place, part in enumerate(parts))


def _local(profile: Profile, path: Path) -> str | None:
    """Name the folder of `node_local` that a path lies under."""
    places = {Path(os.path.abspath(path)), path.resolve()}
    return next((local for local in profile.node_local if any(each.is_relative_to(local) for each in places)), None)


def _checkout(profile: Profile, keyed: Keyed) -> Iterator[Finding]:
    local = _local(profile, CHECKOUT) if profile.scheduler == "slurm" else None
    if local:
        yield Finding(
            "wrong",
            f"this checkout, {CHECKOUT}, lies under {local}, which other nodes do not see; clone it to a shared folder",
        )
    machine = platform.machine()
    if machine != profile.architecture and profile.scheduler == "slurm":
        yield keyed.wrong(
            ("architecture",),
            f"{profile.architecture}, and this machine is {machine}; submit from a login node like the nodes",
        )
    if profile.container is None:
        python = Path(profile.python or sys.executable)
        if os.access(python, os.X_OK):
            yield keyed.ok(("python",), str(python))
        else:
            yield keyed.wrong(("python",), f"{python} is no program here; name one that compute nodes see")
        if profile.scheduler == "slurm" and (local := _local(profile, python)):
            yield keyed.wrong(("python",), f"{python} lies under {local}, which other nodes do not see")


def _container(profile: Profile, keyed: Keyed) -> Iterator[Finding]:
    box = profile.container
    if box is None:
        return
    image = filled(profile, box.image)
    if image is None:
        yield keyed.look(("container", "image"), f"{box.image}: not known before a job, or without an account")
    elif Path(image).exists():
        yield keyed.ok(("container", "image"), image)
    else:
        yield keyed.wrong(("container", "image"), f"{image} is not there; list that folder and write a newer image")
    if shutil.which(box.command[0]) is None:
        yield keyed.look(("container", "command"), f"{box.command[0]} is not on PATH here; compute nodes may have it")
    for place, bind in enumerate(box.binds):
        source = filled(profile, bind.partition(":")[0])
        if source is not None and not Path(source).exists():
            yield keyed.wrong(
                ("container", "binds", place), f"{source} is not there; make it (docs/clusters.md), or take it out"
            )


def _modules(profile: Profile, keyed: Keyed) -> Iterator[Finding]:
    for place, folder in enumerate(profile.modules.use if profile.modules else ()):
        if not Path(folder).is_dir():
            yield keyed.wrong(("modules", "use", place), f"{folder} is not there")


def _hub_cache(profile: Profile, keyed: Keyed) -> Iterator[Finding]:
    try:
        home = hub_cache(profile) or usual_cache()
    except UsageError as error:
        yield keyed.wrong(("hub_cache",), str(error).rstrip("."))
        return
    yield from _folder(profile, str(home), ("hub_cache",), keyed)
    there = existing(home)
    free_gb = shutil.disk_usage(there).free / 1e9
    if free_gb < _ROOM_GB:
        yield keyed.look(
            ("hub_cache",), f"{free_gb:.0f} GB are free on the disk of {there}; a 34B model alone is 68 GB"
        )
    yield from _quota(there, keyed)


def _folder(profile: Profile, written: str, keys: Keys, keyed: Keyed) -> Iterator[Finding]:
    """Look whether a folder that all nodes share can be written; one on a node's own disk is made there."""
    path = filled(profile, written)
    named = path or written
    local = profile.scheduler == "slurm" and _local(profile, Path(named))
    if local and keys == ("hub_cache",):
        yield keyed.wrong(keys, f"{named} lies under {local}, which other nodes do not see; name a shared folder")
    if path is None or local:
        return
    there = existing(Path(path))
    if os.access(there, os.W_OK | os.X_OK):
        yield keyed.ok(keys, path if there == Path(path) else f"{path} can be made")
    else:
        yield keyed.wrong(keys, f"{path} cannot be written: {there} is closed to you; name another folder")


def existing(path: Path) -> Path:
    """Find the nearest folder above a path, or the path itself, that exists."""
    return next(each for each in (path, *path.parents) if each.exists())


def _quota(path: Path, keyed: Keyed) -> Iterator[Finding]:
    """Say what Lustre's quotas leave, of the user and of the project that the folder belongs to."""
    if shutil.which("lfs") is None:
        return
    project = re.match(r"\s*(\d+)", _lfs("project", "-d", str(path)))
    owners = {"you": ("-u", getpass.getuser()), **({"its project": ("-p", project[1])} if project else {})}
    for owner, option in owners.items():
        said = _QUOTA.search(_lfs("quota", "-q", *option, str(path)))
        used_kb, soft_kb, hard_kb = map(int, said.groups()) if said else (0, 0, 0)
        limit_kb = hard_kb or soft_kb
        if limit_kb:
            left_gb = (limit_kb - used_kb) * 1024 / 1e9
            found = keyed.look if left_gb < _ROOM_GB else keyed.ok
            yield found(
                ("hub_cache",), f"the quota of {owner} leaves {left_gb:,.0f} of {limit_kb * 1024 / 1e9:,.0f} GB"
            )


def _lfs(*arguments: str) -> str:
    try:
        return subprocess.run(
            ["lfs", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=30
        ).stdout
    except subprocess.TimeoutExpired:
        return ""
