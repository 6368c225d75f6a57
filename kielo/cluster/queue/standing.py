"""Where every job stands: by its results in the run folder first, and for what is missing by what Slurm says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from kielo.cluster.queue import slurm
from kielo.cluster.queue.checkout import Code
from kielo.cluster.queue.manifest import Entry, Manifest, Submission
from kielo.cluster.queue.results import Results
from kielo.cluster.queue.slurm import Queued
from kielo.errors import ClusterError
from kielo.plan import Step
from kielo.run_folder import RunFolder

State = Literal["done", "running", "waiting", "failed", "lost", "unknown", "not submitted"]
FOLLOWS, CANCELLED = "a job before it failed", "cancelled"
Element = tuple[str, int]
"""A job and the number of one of its elements."""


@dataclass(frozen=True)
class ElementStanding:
    """Where an element of a job stands, under which number Slurm has it, and why it does not run."""

    state: State
    id: str | None = None
    reason: str = ""
    partition: str = ""
    time: str = ""
    is_ending: bool = False
    """It was cancelled and is still being ended: whoever makes it again waits for that."""

    @property
    def is_alive(self) -> bool:
        """Whether it runs or will run."""
        return self.state in ("running", "waiting")

    @property
    def is_missing(self) -> bool:
        """Whether its result will not come unless it is submitted."""
        return self.state in ("failed", "lost", "not submitted")


@dataclass(frozen=True)
class Look:
    """All jobs of a run at one moment."""

    manifest: Manifest
    """With what a crash kept from being written down."""
    elements: Mapping[Element, ElementStanding]
    in_queue: Mapping[str, str]
    """Numbers that Slurm still has to run or to end -> their jobs."""
    silence: str | None = None
    """Why Slurm could not be asked."""

    def of(self, entry: Entry) -> list[ElementStanding]:
        """List the elements of a job."""
        return [self.elements[entry.name, number] for number in range(len(entry.elements))]

    def alive(self) -> Iterator[tuple[Element, str]]:
        """Yield what runs or will run, with its number."""
        for element, standing in self.elements.items():
            if standing.is_alive and standing.id is not None:
                yield element, standing.id

    def codes(self) -> Iterator[Code | None]:
        """Yield the code that each submission with something alive was queued by."""
        numbers = {number.partition("_")[0] for _, number in self.alive()}
        for entry in self.manifest.jobs:
            yield from (each.code for each in entry.submissions if each.id in numbers)

    def given_up(self, numbers: Sequence[str]) -> Look:
        """See elements that are being cancelled as failed."""
        failed = {
            element: replace(standing, state="failed") if standing.id in numbers else standing
            for element, standing in self.elements.items()
        }
        return replace(self, elements=failed)


def look(run: RunFolder, plan: Sequence[Step], manifest: Manifest, must_answer: bool = True) -> Look:
    """Ask Slurm once for all jobs, and the run folder for all results.

    Raises:
        ClusterError: Slurm does not answer, or this is another cluster, and it must.
    """
    queue, silence = _queue(manifest, must_answer)
    return _seen(run, plan, manifest.adopt(queue), queue, silence)


def _seen(
    run: RunFolder, plan: Sequence[Step], manifest: Manifest, queue: Sequence[Queued], silence: str | None
) -> Look:
    results = Results(run, {step.name: step for step in plan})
    tasks = {(job.name, number): made for job in manifest.jobs for number, made in enumerate(job.elements)}
    done = {element: results.done(made) for element, made in tasks.items()}
    found = {(job.id, job.element): job for job in [*queue, *_forgotten(manifest, queue, done, silence)]}
    elements = {
        (name, number): _standing(manifest.job(name), number, done[name, number], found, silence)
        for name, number in tasks
    }
    return Look(manifest, elements, _in_queue(manifest, queue), silence)


def unasked(run: RunFolder, plan: Sequence[Step], manifest: Manifest) -> Look:
    """Look at the results alone, where nothing of a manifest can be in the queue."""
    return _seen(run, plan, manifest, [], None)


def jobs_in_queue(manifest: Manifest) -> Mapping[str, str]:
    """Ask Slurm for the numbers of a run's jobs that it still has to run or to end, and their names.

    Raises:
        ClusterError: Slurm does not answer.
    """
    queue = slurm.squeue()
    return _in_queue(manifest.adopt(queue), queue)


def _in_queue(manifest: Manifest, queue: Sequence[Queued]) -> dict[str, str]:
    jobs = {each.id: entry.name for entry in manifest.jobs for each in entry.submissions}
    left = {job.id for job in queue if job.id in jobs and (job.runs or job.waits or job.is_stuck)}
    return {number: jobs[number] for number in sorted(left, key=int)}


def _queue(manifest: Manifest, must_answer: bool) -> tuple[list[Queued], str | None]:
    try:
        _refuse_other_cluster(manifest)
        return slurm.squeue(), None
    except ClusterError as error:
        if must_answer:
            raise
        return [], str(error)


def _refuse_other_cluster(manifest: Manifest) -> None:
    """Refuse to ask this Slurm for jobs of another one: here their numbers are somebody else's."""
    here = slurm.cluster_name() if manifest.cluster else None
    if here != manifest.cluster:
        raise ClusterError(
            f"the jobs were queued on the cluster {manifest.cluster}, and this machine belongs to {here}; ask on a login node of {manifest.cluster}."
        )


def _forgotten(
    manifest: Manifest, queue: Sequence[Queued], done: Mapping[Element, bool], silence: str | None
) -> list[Queued]:
    """Ask the accounting, in one call, for jobs that squeue no longer lists and that left something undone."""
    listed = {job.id for job in queue}
    missing = [
        each.id
        for entry in manifest.jobs
        for each in entry.submissions
        if each.id not in listed and any(not done[entry.name, number] for number in entry.held(each))
    ]
    return slurm.sacct(missing) if missing and silence is None else []


def _standing(
    entry: Entry, number: int, done: bool, found: Mapping[tuple[str, int | None], Queued], silence: str | None
) -> ElementStanding:
    index = number if entry.is_array else None
    held = [each for each in reversed(entry.submissions) if number in entry.held(each)]
    if not held:
        return ElementStanding("done" if done else "not submitted")
    last = found.get((held[0].id, index))
    if last is not None and last.runs and held[0].cancelled and not done:
        return ElementStanding("failed", _name(last.id, index), "is being cancelled", last.partition, is_ending=True)
    listed = [found[each.id, index] for each in held if (each.id, index) in found]
    job = next((each for each in listed if each.runs or each.waits), last)
    if job is None:
        return _forgotten_standing(held[0], index, done, silence)
    name, state = _name(job.id, index), _state(job)
    if done:
        return ElementStanding("done", name, partition=job.partition, time=job.time)
    reason = _ending(job) if state == "failed" else _reason(job)
    return ElementStanding(state, name, reason, job.partition, job.time)


def _forgotten_standing(submission: Submission, index: int | None, done: bool, silence: str | None) -> ElementStanding:
    name = _name(submission.id, index)
    if done:
        return ElementStanding("done", name)
    if submission.cancelled:
        return ElementStanding("failed", name, CANCELLED)
    if silence is not None:
        return ElementStanding("unknown", name)
    return ElementStanding("lost", name, "Slurm has forgotten it, and its result is not there")


def _name(job: str, index: int | None) -> str:
    return job if index is None else f"{job}_{index}"


def _state(job: Queued) -> State:
    if job.runs:
        return "running"
    return "waiting" if job.waits else "failed"


def _reason(job: Queued) -> str:
    """Say why a job waits, in Slurm's word."""
    return "" if job.reason == "None" or job.runs else job.reason


def _ending(job: Queued) -> str:
    if job.reason == slurm.NEVER:
        return FOLLOWS
    if job.state == "COMPLETED":
        return "ended without a result"
    if job.state == "CANCELLED":
        return CANCELLED
    return job.state if job.reason in ("None", "", "NonZeroExitCode") else f"{job.state} ({job.reason})"
