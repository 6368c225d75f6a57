"""What the jobs of a plan cost on a cluster, before any is queued: the rows of `kielo plan --profile`; `cost_table.py` writes them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from align.estimate.amounts import amount_of
from align.estimate.disk import tokens_bytes
from align.estimate.hardware import Hardware, hardware
from align.estimate.model_shape import ModelShape, read_shape
from align.estimate.trainings import Estimate, estimate_step
from kielo.cluster.jobs.job import After, Job, Resources, Task
from kielo.cluster.profiles.profile import Partition, Profile
from kielo.plan import Step
from kielo.run_folder import RunFolder
from kielo.schema import Recipe


@dataclass(frozen=True)
class Row:
    """A job, or one training of a job; None is what cannot be known yet."""

    number: int
    """Of its job, as in the names of the sbatch files."""
    job: str
    step: str | None
    """The training, or the reference pass."""
    elements: int
    """Of the job's array that this row stands for."""
    at_once: int
    """Elements of the job that may run at the same time."""
    resources: Resources
    given: Hardware | None
    """What a training runs on."""
    estimate: Estimate | None
    limit_hours: float | None
    """Of one element; None where a row further down the same element says it."""
    billed: float | None
    """Of the estimated hours, of all its elements."""
    most: float | None
    """Of the time limits, likewise."""
    unit: str | None
    kept_bytes: float | None
    """What it leaves on the disk."""
    peak_bytes: float | None
    """The most that lies there while one element runs."""
    after: tuple[After, ...]

    @property
    def name(self) -> str:
        """Name the row: a training by its step, everything else by its job."""
        return self.step or self.job

    @property
    def hours(self) -> float | None:
        """Give the hours on the clock that are estimated for it."""
        return self.estimate.hours if self.estimate else None


@dataclass(frozen=True)
class _Place:
    recipe: Recipe
    plan: Sequence[Step]
    run: RunFolder
    profile: Profile
    shape: ModelShape | str
    steps: Mapping[str, Step]
    numbers: Mapping[str, int]


def cost_rows(recipe: Recipe, plan: Sequence[Step], jobs: Sequence[Job], profile: Profile, run: RunFolder) -> list[Row]:
    """Reckon every job of a chain, and every training by itself; nothing is loaded and nobody is asked.

    Raises:
        UsageError: the profile names a device that is not in slurm/devices.yaml.
        RecipeError: a global batch cannot be spread over a job's processes.
    """
    shape = read_shape(recipe.model_path, recipe.revision)
    numbers = {job.name: number for number, job in enumerate(jobs, 1)}
    place = _Place(recipe, plan, run, profile, shape, {step.name: step for step in plan}, numbers)
    return [row for job in jobs for row in _rows(job, place)]


def _rows(job: Job, place: _Place) -> list[Row]:
    if job.body != "training":
        return [_row(job, place, None, None, len(job.elements))]
    return [_row(job, place, task, element[-1], 1) for element in job.elements for task in element]


def _row(job: Job, place: _Place, task: Task | None, last: Task | None, elements: int) -> Row:
    """Make a row; of several tasks in one element the last carries its time limit."""
    resources, partition = job.resources, place.profile.partitions[job.resources.partition]
    given = found = None
    if task is not None:
        given = _hardware(place.profile, resources)
        found = estimate_step(place.recipe, place.steps[task.step], place.plan, place.run, place.shape, given)
    limit = resources.minutes / 60 if task == last else None
    kept, peak = _disk(job, found, place)
    return Row(
        place.numbers[job.name], job.name, task.step if task else None, elements, at_once(job, partition), resources, given, found,
        limit, _charge(partition, resources, found.hours if found else None, elements), _charge(partition, resources, limit, elements),
        partition.billing.unit if partition.billing else None, kept, peak, job.after,
    )  # fmt: skip


def _hardware(profile: Profile, resources: Resources) -> Hardware:
    processes = resources.nodes * resources.processes
    if profile.device is None:
        return Hardware(processes, "cpu")  # whose memory and speed nobody has said
    return hardware(profile.device, processes, None, None, key=f"profile {profile.name}: device")


def at_once(job: Job, partition: Partition) -> int:
    """Count the elements of a job that may run at the same time."""
    return min(limit for limit in (len(job.elements), job.at_once, partition.running) if limit)


def _charge(partition: Partition, asked: Resources, hours: float | None, elements: int) -> float | None:
    if partition.billing is None or hours is None:
        return None
    return elements * partition.billing.charge(asked.nodes, asked.cores, asked.memory_gb, asked.devices, hours)


def _disk(job: Job, found: Estimate | None, place: _Place) -> tuple[float | None, float | None]:
    """Count what a row writes that is worth counting: models with their checkpoints, and files of tokens."""
    if found is not None:
        return (found.disk.kept, found.disk.most) if found.disk else (None, None)
    made = [place.steps[name] for name in job.steps if place.steps[name].kind == "tokens"]
    amounts = [amount_of(place.recipe, step, place.plan, place.run) for step in made]
    sizes = [
        tokens_bytes(amount, "sft" if "sft" in step.settings else "dpo")
        for amount, step in zip(amounts, made, strict=True)
    ]
    known = sum(size for size in sizes if size) if made and all(sizes) else None
    return known, known
