"""What is wrong with the jobs of a recipe on a cluster, said in one sentence before anything is queued."""

from __future__ import annotations

import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.batches.arithmetic import plan_batches
from align.machine import Machine
from kielo.cluster.jobs.job import Job, Resources
from kielo.cluster.profiles.profile import Profile, UseName
from kielo.errors import RecipeError, RunFolderError, UsageError
from kielo.languages.pack import OWN, pack_folders
from kielo.provenance import CHECKOUT
from kielo.recipe.trainings import dpo_trainings, sft_trainings
from kielo.run_folder import RunFolder
from kielo.schema import Recipe
from translate.shards import FOLDER, Shard, shard_complete

WARM_UP_SECONDS, SLURM_EARLY_SECONDS = 60, 60
"""What a job needs before it does any work, and how much earlier than asked Slurm may send a signal."""
_ALSO_CALLED = {"arm64": "aarch64", "amd64": "x86_64"}
_NOT_IN_PATHS = ("Cc", "Cs", "Zl", "Zp")
"""Unicode categories that Slurm's directives do not carry: control characters, surrogates, separators of lines."""


@dataclass(frozen=True)
class _Batch:
    """A training as far as its batch is divided."""

    kind: str
    trainer: Mapping[str, Any]
    rows: int = 1
    longest_row: int = 1


def refuse_unfit(
    jobs: Sequence[Job], profile: Profile, recipe: Recipe, run: RunFolder, queued_here: bool = True
) -> None:
    """Check everything about jobs that can be known before they are queued; jobs that are not to be queued are left out.

    Where they are not `queued_here`, the folder may be of a machine that the jobs never see.

    Raises:
        UsageError: an account is missing.
        RunFolderError: the run folder cannot be used by jobs, or holds a part of the shards that are no longer made.
        RecipeError: a job asks for more than its partition gives, or a batch cannot be spread over its processes.
    """
    refuse_account(profile)
    if queued_here:
        refuse_folder(profile, run.path)
    for job in jobs:
        refuse_resources(job.resources, job.use, profile)
    _refuse_too_many(jobs, profile)
    _refuse_batches(jobs, profile, recipe)
    for job in jobs:
        if job.use == "translate" and job.elements[0][0].shard is None:
            _refuse_half_made_shards(job, profile, run)


def refuse_other_architecture(profile: Profile, machine: str) -> None:
    """Refuse a profile whose nodes do not run what this machine (`platform.machine()`) runs: jobs start its Python.

    Raises:
        UsageError: they do not.
    """
    here, there = (_ALSO_CALLED.get(name.lower(), name.lower()) for name in (machine, profile.architecture))
    if profile.scheduler == "slurm" and here != there:
        raise UsageError(
            f"profile {profile.name}: its nodes are {profile.architecture} (architecture) and this machine is {machine}; "
            "submit from a login node like them, or take another profile."
        )


def refuse_account(profile: Profile) -> None:
    """Refuse a profile that needs an account and has none.

    Raises:
        UsageError: it is so.
    """
    if profile.scheduler == "slurm" and profile.account_needed and profile.account is None:
        raise UsageError(
            f"profile {profile.name}: jobs need an account there; give --account, such as --account project_465000000."
        )


def refuse_folder(profile: Profile, path: Path, option: str = "--run") -> None:
    """Refuse a folder, which an option names, that other nodes do not see, or whose path Slurm does not carry.

    Raises:
        RunFolderError: it is one.
    """
    if profile.scheduler != "slurm":
        return
    places = dict.fromkeys((path.absolute(), path.resolve()))
    if any(letter == "\\" or unicodedata.category(letter) in _NOT_IN_PATHS for each in places for letter in str(each)):
        raise RunFolderError(
            f"{option} {str(path)!r}: Slurm does not carry backslashes, line ends or control characters in a path; rename the folder."
        )
    local = _node_local(path, profile)
    if local:
        raise RunFolderError(
            f"{option} {path}: {local} is a disk of this node alone (node_local of profile {profile.name}), and jobs run on others; "
            f"give {option} a folder on a shared file system."
        )


def refuse_hidden_program(profile: Profile) -> None:
    """Refuse to queue jobs whose nodes do not see this checkout, the Python that is to run it, or the user's language packs.

    Raises:
        UsageError: one of them lies on a disk of this node alone.
    """
    if profile.scheduler != "slurm":
        return
    programs = {"Kielo's checkout": CHECKOUT, f"the language packs ({OWN})": pack_folders()[0]}
    if profile.container is None:
        programs["the Python of the jobs"] = Path(profile.python or sys.executable)
    for what, path in programs.items():
        local = _node_local(path, profile) if path.is_absolute() else None
        if local:
            raise UsageError(
                f"{what}, {path}: {local} is a disk of this node alone (node_local of profile {profile.name}), and jobs run on others; "
                f"{'move them to' if OWN in what else 'install Kielo on'} a shared file system."
            )


def _node_local(path: Path, profile: Profile) -> str | None:
    """Name the folder of `node_local` that a path, or what it leads to, lies under."""
    places = (path.absolute(), path.resolve())
    for written in profile.node_local:
        if any(place.is_relative_to(local) for place in places for local in (Path(written), Path(written).resolve())):
            return written
    return None


def refuse_resources(resources: Resources, use: UseName, profile: Profile) -> None:
    """Hold what a job asks for against its partition.

    Raises:
        RecipeError: it asks for more, or for what does nothing there.
    """
    for key, sentence in (*_over_limits(resources, profile), *_of_use(resources, use, profile)):
        raise RecipeError(f"profile {profile.name}: jobs.{use}.{key}: {sentence}.")


def _over_limits(resources: Resources, profile: Profile) -> Iterator[tuple[str, str]]:
    partition = profile.partitions[resources.partition]
    node, of_partition = partition.node, f"partition {resources.partition}"
    asked = (
        ("hours", resources.minutes / 60, partition.hours, f"hours of {of_partition}"),
        ("nodes", resources.nodes, partition.nodes, f"nodes of a job on {of_partition}"),
        ("devices", resources.devices, node.devices, f"devices of a node of {of_partition}"),
        ("cores", resources.cores, node.cores, f"usable cores of a node of {of_partition}"),
        ("memory_gb", resources.memory_gb, node.memory_gb, f"GB of a node of {of_partition}"),
    )
    for key, amount, limit, what in asked:
        if limit is not None and amount > limit:
            yield key, f"{amount:g} is over the {limit:g} {what}; lower it, or name another partition"


def _of_use(resources: Resources, use: UseName, profile: Profile) -> Iterator[tuple[str, str]]:
    wanted, partition = profile.use(use), profile.partitions[resources.partition]
    if partition.allocation == "node":
        for key in ("devices", "cores", "memory_gb"):
            written, whole = getattr(wanted, key), getattr(partition.node, key)
            if written not in (None, whole) and not (use == "cpu" and key == "devices"):
                yield (
                    key,
                    f"{written:g} of {whole:g}, but jobs on partition {resources.partition} get whole nodes; leave it out",
                )
    if resources.devices and resources.processes > resources.devices and profile.device != "cpu":
        yield "processes", f"{resources.processes} processes cannot share {resources.devices} devices; lower it"
    if profile.scheduler == "none":
        if resources.nodes > 1:
            yield (
                "nodes",
                f"{resources.nodes}, but without Slurm (scheduler none) there is this machine alone; leave it out",
            )
        return
    lead = profile.requeue.signal_seconds + SLURM_EARLY_SECONDS + WARM_UP_SECONDS
    if resources.minutes * 60 <= lead:
        yield (
            "hours",
            f"{resources.minutes} minutes are over before a job has begun: it is told to stop up to "
            f"{lead - WARM_UP_SECONDS} s before its end (requeue.signal_seconds); raise hours, or lower that",
        )


def _refuse_too_many(jobs: Sequence[Job], profile: Profile) -> None:
    """Count jobs as Slurm does: every element of an array is one."""
    for name, partition in profile.partitions.items():
        counts = Counter({job.name: len(job.elements) for job in jobs if job.resources.partition == name})
        if partition.jobs is None or counts.total() <= partition.jobs:
            continue
        most = ", ".join(f"{job} {count}" for job, count in counts.most_common(3))
        raise RecipeError(
            f"profile {profile.name}: partitions.{name}.jobs: {counts.total()} jobs on a partition that takes {partition.jobs} of a user "
            f"(array elements counted; most: {most}); {_fewer(jobs, name)}submit part by part with --only, or name another partition."
        )


def _fewer(jobs: Sequence[Job], partition: str) -> str:
    uses = {job.use for job in jobs if job.resources.partition == partition and job.is_array}
    ways = {"translate": "lower jobs.translate.shards", "evaluate": "raise jobs.evaluate.models"}
    return "".join(f"{way}, " for use, way in ways.items() if use in uses)


def _refuse_batches(jobs: Sequence[Job], profile: Profile, recipe: Recipe) -> None:
    trainings = {f"sft/{each.name}": _Batch("sft", each.trainer) for each in sft_trainings(recipe)}
    trainings |= {f"dpo/{each.name}": _Batch("dpo", each.trainer) for each in dpo_trainings(recipe)}
    device = "cpu" if profile.device in (None, "cpu") else "cuda"
    for job in jobs:
        nodes, processes = job.resources.nodes, job.resources.processes
        for step in job.steps if job.use == "train" else ():
            if step not in trainings:
                continue
            try:
                plan_batches(trainings[step], Machine(nodes * processes, device, bf16=True))
            except RecipeError as error:
                raise RecipeError(
                    f"step {step} on profile {profile.name} (jobs.train: {nodes} x {processes} processes): {error}"
                ) from error


def _refuse_half_made_shards(job: Job, profile: Profile, run: RunFolder) -> None:
    """Refuse to translate in one piece what was begun in shards: the step would stop at those that are missing.

    Another number of shards needs no refusal: the first of them takes the records of the others away.
    """
    (task,) = job.elements[0]
    folder = run.folder(task.step)
    if run.record(task.step) is not None:
        return
    for path in sorted((folder / FOLDER).glob("*.json")):
        number, _, of_all = path.stem.partition("-of-")
        if not shard_complete(folder, Shard(int(number), int(of_all))):
            raise RunFolderError(
                f"{folder / FOLDER}: this data set was begun in {of_all} shards, and profile {profile.name} makes it in one piece "
                f"(jobs.translate: shards x nodes); set these to {of_all}, or remove this folder: completions are kept."
            )
