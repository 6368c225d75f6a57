"""RUN/jobs/manifest.json: every job of a run and under which numbers Slurm has it, written anew after each sbatch."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from kielo.cluster.frozen import MANIFEST, jobs_folder
from kielo.cluster.jobs.job import After, Job, Task
from kielo.cluster.queue.checkout import Code
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
    """Nothing of it is in the queue any more, or is about to leave it."""
    code: Code | None = None
    """Kielo's own at that moment; None where nobody looked."""


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
    cluster: str | None = None
    """Whose numbers these are, by Slurm's name for it; None until Kielo itself has queued something."""

    def job(self, name: str) -> Entry:
        """Look a job up."""
        return next(entry for entry in self.jobs if entry.name == name)

    def submission(self, number: str) -> Submission | None:
        """Look a submission up by Slurm's number."""
        return next((each for entry in self.jobs for each in entry.submissions if each.id == number), None)

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
    write_json(file_of(run), {**asdict(manifest), "jobs": [_row(entry) for entry in manifest.jobs]})


def remove(run: RunFolder) -> None:
    """Take the manifest away, before what its jobs go by is written anew."""
    file_of(run).unlink(missing_ok=True)


def read(run: RunFolder) -> Manifest | None:
    """Read the manifest; None where nothing was submitted.

    Raises:
        RunFolderError: it is damaged.
    """
    try:
        found = read_json(file_of(run))
        if found is None:
            return None
        manifest = _READER.validate_python({**found, "jobs": [_entry(row) for row in found["jobs"]]})
        _refuse_loose_ends(manifest)
    except (RunFolderError, ValueError, KeyError, TypeError, AttributeError) as error:
        if not file_of(run).is_file():
            raise
        raise RunFolderError(
            f"{file_of(run)}: damaged, and with it the numbers of this run's jobs are lost; end them by hand (squeue --me lists them, "
            "their names begin with kielo-), remove this file and submit the recipe again: what is complete stays."
        ) from error
    return manifest


def now() -> str:
    """Give the time, as records write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def file_of(run: RunFolder) -> Path:
    """Name the file."""
    return jobs_folder(run) / MANIFEST


def _row(entry: Entry) -> dict[str, Any]:
    return {**asdict(entry), "elements": [[str(task) for task in element] for element in entry.elements]}


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "elements": [[_task(written) for written in element] for element in row["elements"]]}


def _refuse_loose_ends(manifest: Manifest) -> None:
    """Raise ValueError where a job waits for none before it, or a submission has elements or a number that cannot be."""
    lengths: dict[str, int] = {}
    for entry in manifest.jobs:
        size = lengths[entry.name] = len(entry.elements)
        waits = [(lengths[after.job], after.elements or ()) for after in entry.after if after.job != entry.name]
        held = [(size, each.elements or ()) for each in entry.submissions if each.id.isdecimal()]
        sound = size > 0 and len(waits) == len(entry.after) and len(held) == len(entry.submissions)
        if not sound or any(not 0 <= one < of_all for of_all, elements in (*waits, *held) for one in elements):
            raise ValueError(entry.name)


def _task(written: str) -> Task:
    step, blank, shard = written.partition(" ")
    return Task(step, shard if blank else None)


_READER = TypeAdapter(Manifest)
