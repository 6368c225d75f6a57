"""`kielo resubmit`: queues again what is missing of a run and not on its way, by the scripts that were written once."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from kielo.cluster.frozen import jobs_folder, thaw, thaw_profile
from kielo.cluster.queue.chain import doomed, requests
from kielo.cluster.queue.manifest import Manifest
from kielo.cluster.queue.queueing import NOTHING, cancel_stuck, chain_table, queue, tell_queued
from kielo.cluster.queue.run_here import run_here
from kielo.cluster.queue.standing import look
from kielo.cluster.which_run import add_run, asked_as, run_of, submitted
from kielo.errors import RunFolderError
from kielo.run_folder import JOBS_LOCK, RunFolder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    add_run(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would be queued, queue nothing")


def run(arguments: argparse.Namespace) -> None:
    """Queue what is missing.

    Raises:
        RunFolderError: nothing was submitted, or another process submits at this moment.
        ClusterError: Slurm does not answer, or refuses a job.
    """
    folder = run_of(arguments)
    submitted(folder)
    with folder.lock(JOBS_LOCK):
        plan, manifest = thaw(folder)[1], submitted(folder)
        _refuse_moved(folder, manifest)
        if thaw_profile(folder).scheduler == "none":
            run_here(folder, plan, manifest, arguments.dry_run)
            return
        now = look(folder, plan, manifest)
        stuck = doomed(now)
        chain = requests(now.given_up(stuck))
        if arguments.dry_run:
            if stuck:
                print(f"would be cancelled, for what they wait for has failed: {', '.join(stuck)}")
            print(chain_table(chain) if chain else NOTHING)
            return
        cancel_stuck(stuck)
        numbers = queue(folder, now.manifest, chain)
    tell_queued(chain, numbers, asked_as(arguments, folder))


def _refuse_moved(run: RunFolder, manifest: Manifest) -> None:
    """Refuse a folder that was moved or copied since: its scripts name the place where it was."""
    for entry in manifest.jobs:
        script = jobs_folder(run) / entry.file
        if not script.is_file():
            raise RunFolderError(f"{script}: this job's script is gone; submit the recipe again.")
        lines = script.read_text("utf-8").splitlines()
        written = next((Path("".join(shlex.split(line[4:]))) for line in lines if line.startswith("run=")), run.path)
        if not (written.is_dir() and written.samefile(run.path)):
            raise RunFolderError(
                f"{run.path}: its jobs were written for {written}; submit the recipe again with --run {run.path}."
            )
