"""Hands a chain to Slurm, one sbatch after the other; each is written down at once, and a chain that breaks off is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kielo.cluster.frozen import jobs_folder
from kielo.cluster.queue import manifest as manifests
from kielo.cluster.queue import slurm
from kielo.cluster.queue.chain import Request, conditions
from kielo.cluster.queue.checkout import code_now
from kielo.cluster.queue.manifest import Manifest, Submission
from kielo.cluster.queue.slurm import write_elements
from kielo.errors import ClusterError
from kielo.execute import say
from kielo.run_folder import RunFolder
from kielo.text_table import text_table

NOTHING = "nothing is missing that is not on its way"


def queue(run: RunFolder, manifest: Manifest, chain: Sequence[Request]) -> list[str]:
    """Queue a chain and give the numbers of its jobs; if it breaks off, by an error or by Ctrl-C, what was queued of it is cancelled.

    Raises:
        ClusterError: Slurm refuses a job.
    """
    if not chain:
        return []
    manifest = replace(manifest, cluster=manifest.cluster or slurm.cluster_name())
    manifests.write(run, manifest)
    before, numbers, complete, code = manifest, list[str](), False, code_now()
    try:
        for request in chain:
            after = _after(request, numbers)
            options = [*request.options(manifest), *([f"--dependency={after}"] if after else [])]
            numbers.append(slurm.sbatch(jobs_folder(run) / request.entry.file, options))
            submission = Submission(numbers[-1], request.elements, manifests.now(), code=code)
            manifest = manifest.with_submission(request.entry.name, submission)
            manifests.write(run, manifest)
        complete = True
    finally:
        if not complete:
            _take_back(run, before, manifest)
    return numbers


def cancel_stuck(numbers: Sequence[str]) -> None:
    """Cancel what waits for something that failed, and say so."""
    slurm.scancel(numbers)
    if numbers:
        say(f"cancelled, for what they wait for has failed: {', '.join(numbers)}")


def chain_table(chain: Sequence[Request], numbers: Sequence[str] = ()) -> str:
    """Write a chain as a table; requests that are not queued yet are numbered."""
    shown = numbers or [f"#{place}" for place, _ in enumerate(chain, 1)]
    rows = [("job", "id", "elements", "after")]
    for number, request in zip(shown, chain, strict=True):
        count = len(request.entry.elements)
        elements = "all" if request.elements is None else f"[{write_elements(request.elements)}]"
        rows.append((request.entry.name, number, f"{elements} of {count}" if count > 1 else "", _after(request, shown)))
    return text_table(rows)


def tell_queued(chain: Sequence[Request], numbers: Sequence[str], asked_as: str) -> None:
    """Say what was queued, and how to look after it."""
    if not chain:
        print(NOTHING)
        return
    print(chain_table(chain, numbers))
    print(f"{len(numbers)} job{'s' if len(numbers) > 1 else ''} queued; kielo status {asked_as} shows where they stand")


def _after(request: Request, numbers: Sequence[str]) -> str:
    pieces = conditions(request.dependencies)
    return "".join(numbers[piece] if isinstance(piece, int) else piece for piece in pieces)


def _take_back(run: RunFolder, before: Manifest, manifest: Manifest) -> None:
    """Cancel what a broken chain has queued, also a job that Slurm took while nobody wrote it down."""
    try:
        manifest = manifest.adopt(slurm.squeue())
    except ClusterError as error:
        say(f"{error} What was queued is cancelled as far as it was written down.")
    known = {each.id for entry in before.jobs for each in entry.submissions}
    fresh = [each.id for entry in manifest.jobs for each in entry.submissions if each.id not in known]
    manifests.write(run, manifest)
    try:
        slurm.scancel(fresh)
    except ClusterError as error:
        say(f"the chain broke off, and what was queued of it stays ({', '.join(fresh)}): {error} kielo cancel ends it.")
        return
    manifests.write(run, manifest.with_cancelled(fresh))
    if fresh:
        say(f"the chain broke off; cancelled what was queued of it: {', '.join(fresh)}")
