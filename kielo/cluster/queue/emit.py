"""Writes RUN/jobs/: the frozen recipe and profile, a script for every job, the manifest, and submit.sh, which queues them without Kielo."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from kielo.cluster.frozen import LOGS, freeze, jobs_folder
from kielo.cluster.jobs.job import Job
from kielo.cluster.profiles.profile import Profile
from kielo.cluster.queue import manifest as manifests
from kielo.cluster.queue.chain import Request, conditions
from kielo.cluster.queue.manifest import Manifest
from kielo.cluster.scripts.quoting import Filled, Late, environment
from kielo.cluster.scripts.script import script_text
from kielo.records import replacing
from kielo.run_folder import RunFolder
from kielo.schema import Recipe

SUBMIT = "submit.sh"


def script_names(jobs: Sequence[Job]) -> list[str]:
    """Name the scripts of jobs, in their order: `03-tokens.sbatch`."""
    width = max(2, len(str(len(jobs))))
    return [f"{number:0{width}}-{job.name}.sbatch" for number, job in enumerate(jobs, 1)]


def emit(recipe: Recipe, limit: int | None, profile: Profile, jobs: Sequence[Job], run: RunFolder) -> Manifest:
    """Write everything that jobs go by, in place of what an earlier submit wrote; the manifest is last.

    Raises:
        UsageError: a value of the profile, or the run folder's path, cannot stand in a script.
    """
    names = script_names(jobs)
    texts = [script_text(job, profile, recipe.name, run) for job in jobs]
    folder = jobs_folder(run)
    (folder / LOGS).mkdir(parents=True, exist_ok=True)
    manifests.remove(run)  # a crash before the new one leaves no manifest, rather than one that goes with other scripts
    freeze(recipe, limit, profile, run)
    for name, text in zip(names, texts, strict=True):
        write_text(folder / name, text)
    for path in folder.glob("*.sbatch"):
        if path.name not in names:
            path.unlink()
    manifest = manifests.begun(recipe.name, profile.name, jobs, names)
    manifests.write(run, manifest)
    return manifest


def write_submit_script(run: RunFolder, manifest: Manifest, chain: Sequence[Request], with_slurm: bool) -> Path:
    """Write submit.sh, which queues a chain (or, without Slurm, runs it) as `kielo submit` does."""
    folder = jobs_folder(run)
    scripts = [
        (number, folder / request.entry.file)
        for request in chain
        for number in (range(len(request.entry.elements)) if request.elements is None else request.elements)
    ]
    values = {
        "slurm": with_slurm,
        "mark": f"kielo:{manifest.id}/",
        "calls": [list(_words(request, manifest, folder)) for request in chain],
        "scripts": scripts,
    }
    path = folder / SUBMIT
    write_text(path, environment().get_template("submit.sh.j2").render(values))
    return path


def write_text(path: Path, text: str) -> None:
    """Write a text file, at once or not at all."""
    with replacing(path) as stream:
        stream.write(text.encode("utf-8"))


def _words(request: Request, manifest: Manifest, folder: Path) -> Iterator[Filled | str | Path]:
    yield from request.options(manifest)
    if request.dependencies:
        late = (
            Late(f"${{jobs[{piece}]}}") if isinstance(piece, int) else piece
            for piece in conditions(request.dependencies)
        )
        yield Filled(("--dependency=", *late))
    yield folder / request.entry.file
