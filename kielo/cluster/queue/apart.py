"""Keeps a second chain, and `kielo run`, out of a run folder whose jobs are alive, also where their Slurm cannot be asked."""

from __future__ import annotations

from collections.abc import Sequence

from kielo.cluster.frozen import thaw, thaw_profile
from kielo.cluster.queue import slurm
from kielo.cluster.queue.manifest import Manifest, file_of, read
from kielo.cluster.queue.results import Results
from kielo.cluster.queue.standing import jobs_in_queue
from kielo.errors import ClusterError, KieloError, RunFolderError
from kielo.plan import Step
from kielo.run_folder import RunFolder


def refuse_alive(run: RunFolder, name: str) -> None:
    """Refuse to work beside jobs of the same run; Slurm is asked only where something was submitted.

    `name` is how other verbs are told which run is meant.

    Raises:
        RunFolderError: jobs run or wait, or may do so where nobody here can ask.
        ClusterError: Slurm does not answer.
    """
    manifest = read(run)
    if manifest is None or _needs_no_slurm(run, manifest):
        return
    why = _unasked(manifest)
    if why is not None:
        _refuse_open(run, manifest, name, why)
        return
    try:
        alive = list(jobs_in_queue(manifest))
    except ClusterError as error:
        raise ClusterError(
            f"{run.path}: jobs of this run were submitted, and whether they are alive could not be asked ({error}); the same "
            f"command again, where Slurm answers."
        ) from error
    if alive:
        raise RunFolderError(
            f"{run.path}: jobs of this run are in the queue ({_listed(alive)}); "
            f"kielo status {name} shows them, kielo resubmit {name} adds what is missing, kielo cancel {name} ends them."
        )


def _needs_no_slurm(run: RunFolder, manifest: Manifest) -> bool:
    """Tell whether the scripts are for a machine without Slurm, and nothing was queued before."""
    try:
        without = thaw_profile(run).scheduler == "none"
    except KieloError:
        return False
    return without and not any(entry.submissions for entry in manifest.jobs)


def _unasked(manifest: Manifest) -> str | None:
    """Say why the Slurm of a manifest cannot be asked from here."""
    if not slurm.is_here():
        return "there is no Slurm here to ask"
    here = slurm.cluster_name() if manifest.cluster else None
    return None if here == manifest.cluster else f"this machine belongs to the cluster {here}"


def _refuse_open(run: RunFolder, manifest: Manifest, name: str, why: str) -> None:
    results = Results(run, {step.name: step for step in _plan(run)})
    still_open = [
        each.id
        for entry in manifest.jobs
        for each in entry.submissions
        if not each.cancelled and not all(results.done(entry.elements[number]) for number in entry.held(each))
    ]
    if still_open:
        cluster = f" of the cluster {manifest.cluster}" if manifest.cluster else ""
        raise RunFolderError(
            f"{run.path}: jobs of this run ({_listed(still_open)}) may be in the queue{cluster}, and {why}; go to a login node there, "
            f"or end them there first (kielo cancel {name}); where that Slurm is gone for good, remove {file_of(run)}."
        )


def _plan(run: RunFolder) -> Sequence[Step]:
    """Read the plan that the jobs go by; of one that cannot be read nothing counts as done."""
    try:
        return thaw(run)[1]
    except KieloError:
        return ()


def _listed(numbers: Sequence[str]) -> str:
    return ", ".join([*numbers[:5], *(["..."] if len(numbers) > 5 else [])])
