"""`kielo preflight`: a job of minutes that tries the network between two nodes, before a training finds out in hours."""

from __future__ import annotations

import argparse
import platform
import re
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kielo.cluster.jobs.job import Resources
from kielo.cluster.jobs.refusals import refuse_account, refuse_folder, refuse_other_architecture, refuse_resources
from kielo.cluster.jobs.resources import resources_of
from kielo.cluster.network.probe import LIMIT_SECONDS, failure_file, table
from kielo.cluster.profiles.options import add_profile, profile_of
from kielo.cluster.profiles.profile import Profile
from kielo.cluster.queue import slurm
from kielo.cluster.scripts.script import network_text
from kielo.errors import ClusterError, UsageError
from kielo.options.values import positive
from kielo.records import read_json, replacing

SCRIPT, RESULT = "network.sbatch", "network.json"
POLL_SECONDS = 3.0
_END_OF_LOG_LINES = 30
_LEFT_TO_WRITE_SECONDS = 30.0
"""How long a result may take to be seen here once the job has ended: shared disks are not at once the same everywhere."""
_NETWORK = re.compile(r"(?:Using network|Selected [Pp]rovider is) ([\w ./-]+)")
_SLOW = ("socket", "tcp", "sockets")
_MEANINGS = (
    ("meeting", "the processes did not find each other: is the first node's name or `master_address` of the profile right, "
     "and may nodes open ports to one another?"),
    ("second", "the default group works and a second one does not: a fault of the image that hangs DeepSpeed ZeRO, which makes "
     "one, in the middle of a run. Train with FSDP (the default), or take another image."),
    ("", "the processes met, but data do not pass: look at NCCL_SOCKET_IFNAME and NCCL_NET_GDR_LEVEL under `environments` of the "
     "profile; what an older image needs hangs a newer one."),
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_profile(parser)
    parser.add_argument(
        "--folder", type=Path, metavar="FOLDER", help="for script, log and result (default: runs/preflight-<profile>)"
    )
    parser.add_argument(
        "--limit-seconds", type=positive, default=int(LIMIT_SECONDS), metavar="S",
        help=f"of every exchange between processes (default: {LIMIT_SECONDS:.0f})",
    )  # fmt: skip
    parser.add_argument(
        "--wait", action=argparse.BooleanOptionalAction, default=True, help="wait for the job and say what it means"
    )


def run(arguments: argparse.Namespace) -> int:
    """Submit the job, wait for it, and print what it measured or what stopped it.

    Raises:
        UsageError: the profile has no two processes to try it with.
        ClusterError: Slurm refuses the job, or the network fails; the sentence says what that means.
    """
    profile = profile_of(arguments)
    folder: Path = (arguments.folder or Path("runs") / f"preflight-{profile.name}").absolute()
    resources = _resources(profile, folder)
    script = _written(profile, resources, folder, arguments.limit_seconds)
    job = slurm.sbatch(script)
    print(f"job {job}: {resources.nodes} nodes of {resources.partition}; log: {_log(folder, job)}", flush=True)
    if not arguments.wait:
        print(f"{folder / RESULT} holds what it measures, when it has.")
        return 0
    try:
        state = _wait(job)
    except KeyboardInterrupt:
        slurm.scancel([job])
        print(f"kielo: job {job} is cancelled.", file=sys.stderr)
        raise
    print("\n".join(_told(folder, job, state, resources)))
    return 0


def _resources(profile: Profile, folder: Path) -> Resources:
    """Work out what the job asks for, after everything that can be known wrong was looked at."""
    if profile.scheduler != "slurm":
        raise UsageError(f"profile {profile.name}: it has no Slurm, so there is no network between nodes to try.")
    refuse_account(profile)
    refuse_other_architecture(profile, platform.machine())
    refuse_folder(profile, folder, "--folder")
    resources = resources_of(profile, "preflight")
    refuse_resources(resources, "preflight", profile)
    if resources.nodes < 2:
        raise UsageError(
            f"profile {profile.name}: jobs.preflight.nodes: {resources.nodes}; the network is tried between two."
        )
    return resources


def _written(profile: Profile, resources: Resources, folder: Path, limit_seconds: int) -> Path:
    """Write the job's script, and take away what an earlier one left."""
    talkative = {"NCCL_DEBUG": "INFO", "NCCL_DEBUG_SUBSYS": "INIT,NET", **profile.environment}
    profile = profile.model_copy(update={"environment": talkative})
    text = network_text(profile, resources, folder, limit_seconds)
    for old in (folder / RESULT, *_failures(folder)):
        old.unlink(missing_ok=True)
    with replacing(folder / SCRIPT) as stream:
        stream.write(text.encode("utf-8"))
    return folder / SCRIPT


def _failures(folder: Path) -> list[Path]:
    return list(folder.glob(failure_file(Path(RESULT), "*").name))


def _log(folder: Path, job: str) -> Path:
    return folder / f"network-{job}.log"


def _wait(job: str) -> str:
    """Wait until a job has ended, with a line of where it stands; returns the state that Slurm gives it."""
    began, said = time.monotonic(), ""
    while True:
        try:
            found = next((each for each in slurm.squeue() if each.id == job), None)
        except ClusterError as error:
            raise ClusterError(f"{error} Job {job} goes on by itself; scancel {job} ends it.") from error
        if found is None:
            return "gone"
        if not (found.waits or found.runs):
            return found.state
        line = f"job {job}: {found.state}{f' ({found.reason})' if found.waits else ''}"
        if sys.stderr.isatty():
            print(f"\r{line}, {time.monotonic() - began:.0f} s\033[K", end="", file=sys.stderr, flush=True)
        elif line != said:
            print(line, file=sys.stderr, flush=True)
        said = line
        time.sleep(POLL_SECONDS)


def _told(folder: Path, job: str, state: str, resources: Resources) -> Iterator[str]:
    """Say what was measured and what looks wrong in it.

    Raises:
        ClusterError: nothing was measured; or every node measured by itself.
    """
    log = _log(folder, job)
    document = _result(folder, state)
    if document is None:
        raise ClusterError(f"job {job} ended ({state}) without a result: {_why(folder, log)}")
    nodes = {each["node"] for each in document["ranks"]}
    if len(nodes) < resources.nodes:
        raise ClusterError(
            f"job {job}: a world of {document['world']} on {len(nodes)} node, not of {resources.nodes * resources.processes} on "
            f"{resources.nodes}: the nodes worked by themselves; see {log}."
        )
    yield from table(document)
    if document["backend"] == "nccl":
        yield network_line(log.read_text("utf-8", "replace") if log.is_file() else "")
    yield f"The network between {len(nodes)} nodes works; a second process group, too."


def _result(folder: Path, state: str) -> Mapping[str, Any] | None:
    began = time.monotonic()
    while (found := read_json(folder / RESULT)) is None and state == "COMPLETED":
        if time.monotonic() - began > _LEFT_TO_WRITE_SECONDS:
            break
        time.sleep(1)
    return found


def _why(folder: Path, log: Path) -> str:
    """Say what the first process that gave up was at, and what that means; else show the end of the log."""
    failures = sorted(_failures(folder), key=lambda path: path.stat().st_mtime_ns)
    failure = read_json(failures[0]) if failures else None
    if failure is None:
        lines = log.read_text("utf-8", "replace").splitlines() if log.is_file() else ["(it is empty)"]
        return "\n".join((f"the end of {log}:", *lines[-_END_OF_LOG_LINES:]))
    meaning = next(text for word, text in _MEANINGS if word in failure["stage"])
    return (
        f"{failure['stage']}: {failure['reason']} ({len(failures)} processes). That means: {meaning} All of it: {log}."
    )


def network_line(log: str) -> str:
    """Say which network NCCL or RCCL took, by its own words."""
    said = sorted({match.strip() for match in _NETWORK.findall(log)})
    if not said:
        return "look: the log does not say which network was taken (NCCL_DEBUG=INFO says it); compare the bandwidth with what the cluster promises."
    if any(name.lower().split()[0] in _SLOW for name in said):
        return (
            f"look: data went over sockets ({', '.join(said)}), not over the fast network: its plugin is missing in the image or not "
            "bound into it. Trainings on several nodes would be many times slower."
        )
    return f"network: {', '.join(said)}"
