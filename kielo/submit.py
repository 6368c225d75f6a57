"""`kielo submit`: hands a recipe to a cluster as one chain of jobs; everything that can be known wrong is refused before any is queued."""

from __future__ import annotations

import argparse
import os
import platform
import shlex
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from kielo.cluster.jobs.job import Job
from kielo.cluster.jobs.placing import place, refuse_unfit
from kielo.cluster.jobs.refusals import refuse_other_architecture
from kielo.cluster.profiles.profile import Profile, load_profile
from kielo.cluster.queue import slurm
from kielo.cluster.queue.chain import requests
from kielo.cluster.queue.emit import emit, script_names, write_submit_script, write_text
from kielo.cluster.queue.queueing import queue, tell_queued
from kielo.cluster.queue.results import Results
from kielo.cluster.queue.run_here import run_here
from kielo.cluster.queue.standing import alive_jobs, unasked
from kielo.cluster.scripts.script import script_text
from kielo.cluster.text_table import text_table
from kielo.cluster.which_run import add_folder, asked_as, folder_of
from kielo.errors import RunFolderError
from kielo.execute import check_packs, may_clear
from kielo.plan import Step, make_plan, select
from kielo.recipe import load
from kielo.run_folder import RunFolder

if TYPE_CHECKING:
    from kielo.schema import Recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help="a recipe, such as recipes/pocket.yaml")
    parser.add_argument("--profile", required=True, metavar="NAME|FILE", help="the cluster, such as lumi")
    parser.add_argument("--account", metavar="NAME", help="who pays (default: the profile's, or SBATCH_ACCOUNT)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="changes",
        help="change a key of the profile, such as jobs.train.nodes=8; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--only", action="append", default=[], metavar="STEP",
        help="only this step, or every step below this name; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--redo", action="append", default=[], metavar="STEP",
        help="make this step again, and what stands on it; may be repeated",
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

    recipe = load(arguments.recipe)
    check_packs(recipe)
    check_lengths(recipe)
    profile = _profile(arguments)
    plan, folder = make_plan(recipe, arguments.limit), folder_of(recipe, arguments)
    jobs = place(recipe, plan, profile, folder, tuple(arguments.only))
    refuse_unfit(jobs, profile, recipe, folder)
    redo = frozenset(step.name for step in select(plan, tuple(arguments.redo)))
    _refuse_changed(folder, plan, jobs, profile, redo)
    if arguments.dry_run:
        print(jobs_to_come(jobs, Results(folder, {step.name: step for step in plan}, redo)))
    elif arguments.test_only:
        _try_out(jobs, profile, recipe, folder)
    else:
        _hand_over(recipe, plan, profile, jobs, folder, redo, arguments)


def _profile(arguments: argparse.Namespace) -> Profile:
    profile = load_profile(arguments.profile, arguments.changes, arguments.account)
    usual = os.environ.get("SBATCH_ACCOUNT")
    if profile.account is None and usual and profile.scheduler == "slurm":
        return load_profile(arguments.profile, arguments.changes, usual)
    return profile


def _refuse_changed(
    folder: RunFolder, plan: Sequence[Step], jobs: Sequence[Job], profile: Profile, redo: frozenset[str]
) -> None:
    """Refuse to make steps that were made with other settings, by the rules of `kielo run`.

    Versions of packages count where the jobs run with the Python that runs this.
    """
    same_python = profile.container is None and profile.python is None
    placed = {name for job in jobs for name in job.steps}
    for step in plan:
        standing = folder.standing(step)
        changes = [change for change in standing.changes if same_python or not change.startswith("versions.")]
        if step.name in placed and changes and not may_clear(folder, step, standing, step.name in redo):
            listed = "\n  ".join(changes)
            raise RunFolderError(
                f"step {step.name} in {folder.path} was made with other settings:\n  {listed}\n"
                f"make it again with --redo {step.name} (what stands on it follows), or give --run another folder."
            )


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


def _try_out(jobs: Sequence[Job], profile: Profile, recipe: Recipe, folder: RunFolder) -> None:
    """Let Slurm look at every script; they lie in a folder of their own meanwhile."""
    with TemporaryDirectory(prefix="kielo-") as place:
        for job, name in zip(jobs, script_names(jobs), strict=True):
            path = Path(place) / name
            write_text(path, script_text(job, profile, recipe.name, folder))
            print(f"{job.name}: {slurm.try_out(path) if profile.scheduler == 'slurm' else 'no Slurm to ask'}")
    print(f"{len(jobs)} jobs; nothing was queued")


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
    folder.claim(recipe)
    with folder.lock("jobs"):
        _refuse_alive(folder, asked_as(arguments, folder))
        for name in redo:
            folder.clear(name)
        manifest = emit(recipe, arguments.limit, profile, jobs, folder)
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


def _refuse_alive(folder: RunFolder, name: str) -> None:
    alive = alive_jobs(folder)
    if alive:
        raise RunFolderError(
            f"{folder.path}: jobs of this run are in the queue ({', '.join(alive[:5])}{', ...' if len(alive) > 5 else ''}); "
            f"kielo status {name} shows them, kielo resubmit {name} adds what is missing, kielo cancel {name} ends them."
        )
