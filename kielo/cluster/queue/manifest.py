"""RUN/jobs/manifest.json: every job of a run and under which numbers Slurm has it, written anew after each sbatch."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from kielo.cluster.frozen import MANIFEST, jobs_folder
from kielo.cluster.jobs.job import After, Job, Task
from kielo.cluster.queue.slurm import Queued, parse_elements, write_elements
from kielo.errors import RunFolderError
from kielo.records import read_json, write_json
from kielo.run_folder import RunFolder


@dataclass(frozen=True)
class Submission:
    """One sbatch of a job: its number, and which elements of its array (None: all)."""

    id: str
    elements: tuple[int, ...] | None
    at: str
    cancelled: bool = False


@dataclass(frozen=True)
class Entry:
    """A job as it was written down, with all its submissions, the newest last."""

    name: str
    file: str
    use: str
    partition: str
    elements: tuple[tuple[Task, ...], ...]
    after: tuple[After, ...] = ()
    at_once: int | None = None
    submissions: tuple[Submission, ...] = ()

    @property
    def is_array(self) -> bool:
        """Whether Slurm runs it as a job array."""
        return len(self.elements) > 1

    def held(self, submission: Submission) -> tuple[int, ...]:
        """List the elements of a submission."""
        return tuple(range(len(self.elements))) if submission.elements is None else submission.elements


@dataclass(frozen=True)
class Manifest:
    """The jobs of one submit; `id` stands in the comment of each, so that Slurm can be asked for them."""

    id: str
    recipe: str
    profile: str
    jobs: tuple[Entry, ...]

    def job(self, name: str) -> Entry:
        """Look a job up."""
        return next(entry for entry in self.jobs if entry.name == name)

    def with_submission(self, name: str, submission: Submission) -> Manifest:
        """Add a submission to a job."""
        added = (
            replace(entry, submissions=(*entry.submissions, submission)) if entry.name == name else entry
            for entry in self.jobs
        )
        return replace(self, jobs=tuple(added))

    def with_cancelled(self, job_ids: Iterable[str]) -> Manifest:
        """Mark submissions as cancelled."""
        marked = frozenset(job_ids)
        return replace(
            self,
            jobs=tuple(
                replace(
                    entry,
                    submissions=tuple(
                        replace(each, cancelled=each.cancelled or each.id in marked) for each in entry.submissions
                    ),
                )
                for entry in self.jobs
            ),
        )

    def comment(self, entry: Entry, elements: tuple[int, ...] | None) -> str:
        """Write what Slurm keeps with a job: `kielo:<id>/<job>/<elements>`, by which it is found again."""
        return f"kielo:{self.id}/{entry.name}/{'all' if elements is None else write_elements(elements)}"

    def adopt(self, queue: Sequence[Queued]) -> Manifest:
        """Add what Slurm has queued of this manifest and a crash kept from being written down."""
        known = {each.id for entry in self.jobs for each in entry.submissions}
        names = {entry.name for entry in self.jobs}
        grown = self
        for job in queue:
            own, _, rest = job.comment.partition("/")
            name, _, elements = rest.rpartition("/")
            if own == f"kielo:{self.id}" and name in names and job.id not in known:
                known.add(job.id)
                held = None if elements == "all" else tuple(parse_elements(elements))
                grown = grown.with_submission(name, Submission(job.id, held, now()))
        return grown


def begun(recipe: str, profile: str, jobs: Sequence[Job], files: Sequence[str]) -> Manifest:
    """Begin a manifest for jobs of which nothing is queued yet."""
    entries = (
        Entry(job.name, file, job.use, job.resources.partition, job.elements, job.after, job.at_once)
        for job, file in zip(jobs, files, strict=True)
    )
    return Manifest(secrets.token_hex(4), recipe, profile, tuple(entries))


def write(run: RunFolder, manifest: Manifest) -> None:
    """Write the manifest, at once or not at all."""
    write_json(_file(run), {**asdict(manifest), "jobs": [_row(entry) for entry in manifest.jobs]})


def read(run: RunFolder) -> Manifest | None:
    """Read the manifest; None where nothing was submitted.

    Raises:
        RunFolderError: it is damaged.
    """
    found = read_json(_file(run))
    if found is None:
        return None
    try:
        return Manifest(found["id"], found["recipe"], found["profile"], tuple(_entry(row) for row in found["jobs"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise RunFolderError(f"{_file(run)}: damaged; remove this file and submit the recipe again.") from error


def now() -> str:
    """Give the time, as records write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _file(run: RunFolder) -> Path:
    return jobs_folder(run) / MANIFEST


def _row(entry: Entry) -> dict[str, Any]:
    return {**asdict(entry), "elements": [[str(task) for task in element] for element in entry.elements]}


def _entry(row: dict[str, Any]) -> Entry:
    after = tuple(
        After(each["job"], None if each["elements"] is None else tuple(each["elements"]), each["matching"])
        for each in row["after"]
    )
    made = tuple(
        Submission(
            each["id"], None if each["elements"] is None else tuple(each["elements"]), each["at"], each["cancelled"]
        )
        for each in row["submissions"]
    )
    elements = tuple(tuple(_task(written) for written in element) for element in row["elements"])
    return Entry(row["name"], row["file"], row["use"], row["partition"], elements, after, row["at_once"], made)


def _task(written: str) -> Task:
    step, blank, shard = written.partition(" ")
    return Task(step, shard if blank else None)
