"""`kielo cancel`: ends the jobs of a run, or some of them and what waits for those."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from kielo.cluster.frozen import thaw, thaw_profile
from kielo.cluster.queue import manifest as manifests
from kielo.cluster.queue import slurm
from kielo.cluster.queue.manifest import Manifest
from kielo.cluster.queue.standing import look
from kielo.cluster.which_run import add_run, run_of, submitted
from kielo.errors import UsageError
from kielo.recipe.reading import nearest
from kielo.run_folder import JOBS_LOCK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    add_run(parser)
    parser.add_argument("jobs", nargs="*", default=[], metavar="JOB", help="only these jobs, and what waits for them")


def run(arguments: argparse.Namespace) -> None:
    """Cancel what is alive and say what.

    Raises:
        UsageError: there is no such job, or Slurm does not run them.
        RunFolderError: nothing was submitted, or another process submits at this moment.
        ClusterError: Slurm does not answer.
    """
    folder = run_of(arguments)
    names = with_dependents(submitted(folder), arguments.jobs)
    if thaw_profile(folder).scheduler == "none":
        raise UsageError(f"{folder.path}: its jobs run in the terminal of kielo submit; end them there with Ctrl-C.")
    with folder.lock(JOBS_LOCK):
        now = look(folder, thaw(folder)[1], submitted(folder))
        alive = {number: job for number, job in now.in_queue.items() if job in names}
        slurm.scancel(list(alive))
        ended = [each.id for entry in now.manifest.jobs if entry.name in names for each in entry.submissions]
        manifests.write(folder, now.manifest.with_cancelled(ended))
    for number, job in alive.items():
        print(f"cancelled {number}  {job}")
    if not alive:
        print(f"nothing of {', '.join(arguments.jobs) or folder.path} is running or waiting")


def with_dependents(manifest: Manifest, chosen: Sequence[str]) -> set[str]:
    """Name the chosen jobs (none: all) and every job that waits for one of them.

    Raises:
        UsageError: there is no such job.
    """
    known = [entry.name for entry in manifest.jobs]
    for name in chosen:
        if name not in known:
            raise UsageError(f"no job '{name}' in this run; {nearest(name, known)}")
    names = set(chosen or known)
    for entry in manifest.jobs:
        if any(after.job in names for after in entry.after):
            names.add(entry.name)
    return names
