"""Step `reference`: what the start model says of every pair, made once for all tunings from it; `python -m align.reference job.json`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from align.preferences.job import preference_job
from align.tokens.token_file import read_tokens
from align.training.failures import told_apart
from align.training.job import JOB, read_job, write_job
from align.training.launch import check_world, lease, run_process, train_here
from align.training.stopping import refuse_unfinished
from kielo.errors import RunFolderError
from kielo.plan import Outcome, Workplace

SCORES = "reference.arrow"


def run(place: Workplace) -> Outcome:
    """Score the pairs on every GPU of this machine (or the CPU).

    Raises:
        RecipeError: the model does not fit into memory, or cannot be run as the recipe says.
    """
    train_here("align.reference", prepare(place), score)
    return collect(place)


def prepare(place: Workplace) -> Path:
    """Write job.json; a launcher's processes score from it. Returns its path."""
    return write_job(preference_job(place, seed=0, beta=None))


def score(file: Path) -> None:
    """Score the pairs of a job.json, alone or once in every process of a launcher; what is done already is not done again.

    Raises:
        RecipeError: the model does not fit into memory, or cannot be run as the recipe says.
        RunFolderError: another start of this pass still runs.
        Stopped: a signal asked for it; what was scored is kept.
    """
    from align.preferences.reference_pass import job_of, make_scores

    job = read_job(file)
    check_world()
    with lease(job.folder):
        if job_of(job.folder / SCORES) == job.fingerprint:
            return
        with told_apart(job):
            make_scores(job, job.folder / SCORES)


def collect(place: Workplace) -> Outcome:
    """Give back the result of a pass that other processes may have made.

    Raises:
        Stopped: the pass stopped because it was asked to.
        RunFolderError: it is not finished.
    """
    from align.preferences.reference_pass import job_of

    job = read_job(place.folder / JOB)
    refuse_unfinished(place.folder, job_of(place.folder / SCORES) == job.fingerprint)
    return Outcome((SCORES,), {"rows": job.rows})


def join(tokens: Any, folder: Path) -> Any:
    """Put the reference's log-probabilities beside the tokens of their pairs.

    Raises:
        RunFolderError: they were made of other pairs.
    """
    from datasets import concatenate_datasets

    scores = read_tokens(folder / SCORES)
    if scores["id"][:] != tokens["id"][:]:
        raise RunFolderError(f"{folder}: made of other pairs than the tokens hold; make the step again with --redo.")
    return concatenate_datasets([tokens, scores.remove_columns("id")], axis=1)


if __name__ == "__main__":
    sys.exit(run_process(score, sys.argv[1:]))
