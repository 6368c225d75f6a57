"""`kielo resubmit`: queues again what is missing of a run and not on its way, by the scripts that were written once."""

from __future__ import annotations

import argparse

from kielo.cluster.frozen import thaw, thaw_profile
from kielo.cluster.queue.chain import doomed, requests
from kielo.cluster.queue.queueing import NOTHING, cancel_stuck, chain_table, queue, tell_queued
from kielo.cluster.queue.run_here import run_here
from kielo.cluster.queue.standing import look
from kielo.cluster.which_run import add_run, asked_as, run_of, submitted


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
    with folder.lock("jobs"):
        plan, manifest = thaw(folder)[1], submitted(folder)
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
