"""What Kielo asks of Slurm: queue a script, list what is queued, cancel; every call an argument list."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kielo.errors import ClusterError

_OVERRIDES = ("SBATCH_", "SLURM_", "SQUEUE_", "SACCT_", "SCANCEL_")
"""Variables of these names would override what a script says, or change how a list is printed."""
_SECONDS = 120.0
_FIELDS = "%F|%K|%T|%P|%M|%r|%k"
WAITING = frozenset({"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT"})
RUNNING = frozenset(
    {"RUNNING", "CONFIGURING", "COMPLETING", "SUSPENDED", "STOPPED", "RESIZING", "SIGNALING", "STAGE_OUT"}
)
NEVER = "DependencyNeverSatisfied"


@dataclass(frozen=True)
class Queued:
    """A job, or one element of a job array, as Slurm lists it."""

    id: str
    element: int | None
    state: str
    partition: str = ""
    time: str = ""
    """It has run for, as Slurm writes it."""
    reason: str = ""
    comment: str = ""

    @property
    def waits(self) -> bool:
        """Whether it will run; not if it waits for what can no longer happen."""
        return self.state in WAITING and not self.is_stuck

    @property
    def runs(self) -> bool:
        """Whether it holds nodes."""
        return self.state in RUNNING

    @property
    def is_stuck(self) -> bool:
        """Whether it waits for a job that failed: for ever, unless Slurm takes it away."""
        return self.state in WAITING and self.reason == NEVER


def sbatch(script: Path, options: Sequence[str] = ()) -> str:
    """Queue a script; returns the job's number.

    Raises:
        ClusterError: Slurm refuses it, in Slurm's own words.
    """
    done = call(["sbatch", "--parsable", *options, str(script)])
    job = done.stdout.strip().splitlines()[-1:] or [""]
    number = job[0].partition(";")[0]
    if done.returncode != 0 or not number.isdecimal():
        raise ClusterError(f"Slurm refuses {script}: {words(done)}")
    return number


def try_out(script: Path) -> str:
    """Let Slurm look at a script without queueing it; returns when and where it would start.

    Raises:
        ClusterError: Slurm would refuse it, in Slurm's own words.
    """
    done = call(["sbatch", "--test-only", str(script)])
    if done.returncode != 0:
        raise ClusterError(f"Slurm refuses {script}: {words(done)}")
    return words(done)


def squeue() -> list[Queued]:
    """List the user's jobs that Slurm remembers, ended ones too, every element of an array by itself.

    Raises:
        ClusterError: Slurm does not answer.
    """
    done = call(["squeue", "--me", "-h", "-r", "-t", "all", "-o", _FIELDS])
    if done.returncode != 0:
        raise ClusterError(f"squeue fails: {words(done)}")
    return list(_queued(done.stdout.splitlines()))


def _queued(lines: Iterable[str]) -> Iterator[Queued]:
    """Read squeue's lines; what is none (a line end in another job's comment) is passed over."""
    for line in lines:
        fields = line.split("|", 6)
        if len(fields) == 7 and fields[0].isdecimal():
            job, element, state, *others = fields
            yield Queued(job, int(element) if element.isdecimal() else None, state.split()[0], *others)


def sacct(job_ids: Sequence[str]) -> list[Queued]:
    """List jobs that squeue has forgotten, from Slurm's accounting; nothing where there is none."""
    listed = ["-j", ",".join(job_ids), "-o", "JobID,State,Partition,Elapsed"]
    try:
        done = call(["sacct", "-X", "-n", "--parsable2", *listed])
    except ClusterError:
        return []
    rows = (line.split("|") for line in done.stdout.splitlines()) if done.returncode == 0 else ()
    found = []
    for row in rows:
        number, _, elements = row[0].partition("_")
        if len(row) == 4 and number.isdecimal() and row[1]:
            indices: Iterable[int | None] = parse_elements(elements.strip("[]")) if elements else (None,)
            found += [Queued(number, index, row[1].split()[0], *row[2:]) for index in indices]
    return found


def cluster_name() -> str:
    """Ask what Slurm calls the cluster that this machine belongs to.

    Raises:
        ClusterError: it does not say.
    """
    done = call(["scontrol", "show", "config"])
    found = re.search(r"^ClusterName\s*=\s*(\S+)", done.stdout, re.MULTILINE)
    if done.returncode != 0 or found is None:
        raise ClusterError(f"scontrol show config does not name the cluster: {words(done)}")
    return found[1]


def scancel(job_ids: Sequence[str]) -> None:
    """Cancel jobs and elements (`12`, `12_3`); those that have ended are none of Slurm's concern.

    Raises:
        ClusterError: Slurm refuses.
    """
    if not job_ids:
        return
    done = call(["scancel", "--quiet", *job_ids])
    if done.returncode != 0:
        raise ClusterError(f"scancel fails: {words(done)}")


def write_elements(elements: Iterable[int]) -> str:
    """Write elements of an array as Slurm does: `0-3,7`."""
    parts: list[list[int]] = []
    for element in sorted(elements):
        if parts and element == parts[-1][1] + 1:
            parts[-1][1] = element
        else:
            parts.append([element, element])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def parse_elements(written: str) -> list[int]:
    """Read elements of an array as Slurm writes them: `0-3,7%2`; what is no number is left out."""
    found: list[int] = []
    for part in written.partition("%")[0].split(","):
        first, _, last = part.partition("-")
        if first.isdecimal() and (last or first).isdecimal():
            found += range(int(first), int(last or first) + 1)
    return found


def is_here() -> bool:
    """Tell whether this machine has Slurm's commands."""
    return shutil.which("squeue") is not None


def refuse_absent() -> None:
    """Stop where no Slurm is.

    Raises:
        ClusterError: there is none.
    """
    if not is_here():
        raise ClusterError(_absent("squeue"))


def _absent(command: str) -> str:
    return f"{command} is not on this machine's PATH: run this on a login node of the cluster, or use --profile local."


def call(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run one of Slurm's commands, none of its variables but SLURM_CONF about it.

    Raises:
        ClusterError: it is not installed, or gives no answer.
    """
    kept = {name: value for name, value in os.environ.items() if not _overrides(name)}
    try:
        return subprocess.run(
            command,
            env=kept,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise ClusterError(_absent(command[0])) from error
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"{command[0]} gave no answer in {_SECONDS:.0f} s; try again when Slurm answers.") from error


def _overrides(name: str) -> bool:
    return name.startswith(_OVERRIDES) and name != "SLURM_CONF"


def words(done: subprocess.CompletedProcess[str]) -> str:
    """Give what Slurm said, in one line."""
    said = " ".join((done.stderr.strip() or done.stdout.strip()).split())
    return said.replace("sbatch: ", "").replace("error: ", "") or f"no reason given (exit code {done.returncode})"
