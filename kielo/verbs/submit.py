"""`kielo submit`: hands a recipe to a cluster as one chain of jobs; everything that can be known wrong is refused before any is queued."""

from __future__ import annotations

import argparse
import platform
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from kielo.cluster.hub.prefetch import command as prefetch_command
from kielo.cluster.hub.prefetch import hub_cache, missing
from kielo.cluster.jobs.job import Job
from kielo.cluster.jobs.placing import place, refuse_unfit
from kielo.cluster.jobs.refusals import refuse_folder, refuse_hidden_program, refuse_other_architecture
from kielo.cluster.profiles.options import add_profile, profile_of
from kielo.cluster.profiles.profile import Profile
from kielo.cluster.queue import slurm
from kielo.cluster.queue.apart import refuse_alive
from kielo.cluster.queue.chain import requests
from kielo.cluster.queue.emit import emit, script_names, write_submit_script, write_text
from kielo.cluster.queue.queueing import queue, tell_queued
from kielo.cluster.queue.results import Results
from kielo.cluster.queue.run_here import run_here
from kielo.cluster.queue.standing import unasked
from kielo.cluster.scripts.script import script_text
from kielo.cluster.which_run import add_folder, asked_as, folder_of
from kielo.errors import RunFolderError, UsageError
from kielo.execute import check_packs, may_clear, refuse_trackers, say
from kielo.plan import Step, make_plan, select
from kielo.recipe.reading import load
from kielo.run_folder import JOBS_LOCK, RunFolder, training_lock
from kielo.text_table import text_table

if TYPE_CHECKING:
    from kielo.schema import Recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help="a recipe, such as recipes/pocket.yaml")
    add_profile(parser)
    parser.add_argument(
        "--only", action="append", default=[], metavar="STEP",
        help="only this step, or every step below this name; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--redo", action="append", default=[], metavar="STEP",
        help="make this step again, and what stands on it: its result (a trained model) is deleted when the jobs are queued, "
        "completions stay; may be repeated",
    )  # fmt: skip
    add_folder(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="show the jobs, write nothing, ask no Slurm")
    how.add_argument("--emit-only", action="store_true", help="write the scripts and submit.sh, queue nothing")
    how.add_argument("--test-only", action="store_true", help="let Slurm look at every script, queue nothing")


def run(arguments: argparse.Namespace) -> None:
    """Queue what is missing of a recipe.

    Raises:
        RecipeError: the recipe or the profile cannot be used, or one does not fit the other.
        UsageError: an option names something that is not there.
        RunFolderError: jobs of this run are alive, or steps were made with other settings.
        ClusterError: Slurm does not answer, or refuses a job.
    """
    from align.tokens.limits import check_lengths

    if arguments.redo and arguments.emit_only:
        raise UsageError(
            "--redo deletes results as their jobs are queued, and --emit-only queues nothing; leave one of the two out."
        )
    recipe = load(arguments.recipe)
    check_packs(recipe)
    check_lengths(recipe)
    profile = profile_of(arguments)
    plan, folder = make_plan(recipe, arguments.limit), folder_of(recipe, arguments)
    jobs = place(recipe, plan, profile, folder, tuple(arguments.only))
    names = {name for job in jobs for name in job.steps}
    placed = [step for step in plan if step.name in names]
    redo = frozenset(step.name for step in select(placed, tuple(arguments.redo)))
    results = Results(folder, {step.name: step for step in plan}, redo)
    to_queue = [job for each in jobs if (job := _missing_of(each, results)).elements]
    refuse_unfit(to_queue, profile, recipe, folder, queued_here=not arguments.dry_run)
    if arguments.dry_run:
        _tell_hidden(profile, folder)
    else:
        refuse_hidden_program(profile)
    _refuse_changed(folder, placed, profile, redo)
    if _same_python(profile):
        refuse_trackers(folder, placed, redo)
    _tell_missing(recipe, profile, arguments)
    if arguments.dry_run:
        print(jobs_to_come(jobs, results))
    elif arguments.test_only:
        for job, said in _tried_out(jobs, profile, recipe, folder):
            print(f"{job.name}: {said}")
        print(f"{len(jobs)} jobs; nothing was queued")
    else:
        _hand_over(recipe, plan, profile, jobs, folder, redo, arguments)


def _missing_of(job: Job, results: Results) -> Job:
    """Keep the elements of a job whose results are not there."""
    return replace(job, elements=tuple(tasks for tasks in job.elements if not results.done(tasks)))


def _refuse_changed(folder: RunFolder, steps: Sequence[Step], profile: Profile, redo: frozenset[str]) -> None:
    """Refuse steps that were made with other settings, by the rules of `kielo run`.

    Versions of packages count where the jobs run with the Python that runs this.
    """
    for step in steps:
        standing = folder.standing(step)
        changes = [change for change in standing.changes if _same_python(profile) or not change.startswith("versions.")]
        if changes and not may_clear(folder, step, standing, step.name in redo):
            listed = "\n  ".join(changes)
            raise RunFolderError(
                f"step {step.name} in {folder.path} was made with other settings:\n  {listed}\n"
                f"make it again with --redo {step.name} (what stands on it follows), or give --run another folder."
            )


def _same_python(profile: Profile) -> bool:
    return profile.container is None and profile.python is None


def _tell_hidden(profile: Profile, folder: RunFolder) -> None:
    """Say what would be refused if the jobs were to be queued from here: a look from a laptop is free."""
    try:
        refuse_folder(profile, folder.path)
        refuse_hidden_program(profile)
    except (RunFolderError, UsageError) as error:
        say(f"from here it could not be queued: {error}")


def _tell_missing(recipe: Recipe, profile: Profile, arguments: argparse.Namespace) -> None:
    """Say what jobs without a network would not find; they are queued all the same, for it may come while they wait."""
    lacking = missing(recipe, hub_cache(profile)) if profile.offline else []
    if lacking:
        named = "; ".join(map(str, lacking[:3])) + ("; ..." if len(lacking) > 3 else "")
        fix = prefetch_command(arguments.recipe, arguments.profile, arguments.account, arguments.changes)
        which = "1 thing of the Hub is" if len(lacking) == 1 else f"{len(lacking)} things of the Hub are"
        say(f"{which} not in the cache of the jobs, which have no network ({named}); before they begin: {fix}")


def jobs_to_come(jobs: Sequence[Job], results: Results) -> str:
    """Write the table of --dry-run: what each job asks for, how many of its elements are missing, what it waits for."""
    rows = [("job", "partition", "nodes x devices", "elements", "time", "after")]
    for job in jobs:
        asked = job.resources
        missing = sum(not results.done(tasks) for tasks in job.elements)
        elements = str(missing) if missing == len(job.elements) else f"{missing} of {len(job.elements)}"
        after = ", ".join(dict.fromkeys(each.job for each in job.after))
        rows.append(
            (job.name, asked.partition, f"{asked.nodes} x {asked.devices}", elements, _hours(asked.minutes), after)
        )
    return "\n".join([text_table(rows), f"{len(jobs)} jobs; nothing was written"])


def _hours(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"


def _tried_out(jobs: Sequence[Job], profile: Profile, recipe: Recipe, folder: RunFolder) -> Iterator[tuple[Job, str]]:
    """Let Slurm look at scripts, which lie in a folder of their own meanwhile; yields what it says of each job."""
    with TemporaryDirectory(prefix="kielo-") as place:
        for job, name in zip(jobs, script_names(jobs), strict=True):
            path = Path(place) / name
            write_text(path, script_text(job, profile, recipe.name, folder))
            yield job, slurm.try_out(path) if profile.scheduler == "slurm" else "no Slurm to ask"


def _hand_over(
    recipe: Recipe,
    plan: Sequence[Step],
    profile: Profile,
    jobs: Sequence[Job],
    folder: RunFolder,
    redo: frozenset[str],
    arguments: argparse.Namespace,
) -> None:
    with_slurm = profile.scheduler == "slurm"
    if with_slurm and not arguments.emit_only:
        refuse_other_architecture(profile, platform.machine())
        slurm.refuse_absent()
    folder.refuse_foreign(recipe)
    with folder.lock(JOBS_LOCK):
        refuse_alive(folder, asked_as(arguments, folder))
        _refuse_at_work(folder, jobs, redo)
        folder.claim(recipe)
        if redo:  # what Slurm refuses must cost no trained model
            list(_tried_out(jobs, profile, recipe, folder))
        manifest = emit(recipe, arguments.limit, profile, jobs, folder)
        _clear(folder, redo)
        chain = requests(unasked(folder, plan, manifest))
        script = write_submit_script(folder, manifest, chain, with_slurm)
        if arguments.emit_only:
            print(f"wrote {len(jobs)} scripts; bash {shlex.quote(str(script))} queues what is missing")
            return
        if not with_slurm:
            run_here(folder, plan, manifest)
            return
        numbers = queue(folder, manifest, chain)
    tell_queued(chain, numbers, asked_as(arguments, folder))


def _refuse_at_work(folder: RunFolder, jobs: Sequence[Job], redo: frozenset[str]) -> None:
    """Refuse to queue what another process, such as `kielo run`, is making at this moment."""
    for name in dict.fromkeys([*(step for job in jobs for step in job.steps), *redo]):
        with folder.lock(name), folder.lock(training_lock(name)):
            pass


def _clear(folder: RunFolder, redo: frozenset[str]) -> None:
    for name in redo:
        with folder.lock(name), folder.lock(training_lock(name)):
            folder.clear(name)
