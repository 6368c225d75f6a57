"""Checkpoints that can be trusted: marked after they are whole, with the job they belong to; unmarked ones are removed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from align.job import CHECKPOINTS, Job
from kielo.errors import RunFolderError
from kielo.records import read_json, write_json

MARKER, DEFAULT_LIMIT = "complete.json", 2


def mark(checkpoint: Path, job: Job) -> None:
    """Mark a checkpoint as whole, then remove old ones; call when every process has written its part."""
    write_json(checkpoint / MARKER, {"job": job.fingerprint, "files": sizes(checkpoint)})
    limit = job.trainer.get("save_total_limit", DEFAULT_LIMIT)
    for old in sorted(checkpoint.parent.glob("checkpoint-*"), key=step_of)[:-limit]:
        shutil.rmtree(old)


def newest(job: Job) -> Path | None:
    """Find the checkpoint to go on from.

    Transformers' own search takes the highest number, half-written or not.

    Raises:
        RunFolderError: the newest whole checkpoint belongs to another job.
    """
    for checkpoint in sorted((job.folder / CHECKPOINTS).glob("checkpoint-*"), key=step_of, reverse=True):
        marker = _marker(checkpoint)
        if marker is None or marker.get("files") != sizes(checkpoint):
            continue
        if marker["job"] != job.fingerprint:
            raise RunFolderError(
                f"{checkpoint}: made by another job than {job.folder / 'job.json'} now is; make the step again (--redo)."
            )
        return checkpoint
    return None


def _marker(checkpoint: Path) -> dict[str, Any] | None:
    """Read a checkpoint's mark; a torn one marks nothing."""
    try:
        return read_json(checkpoint / MARKER)
    except RunFolderError:
        return None


def remove_incomplete(job: Job, keep: Path | None) -> None:
    """Remove every checkpoint that is newer than the one to go on from."""
    for checkpoint in (job.folder / CHECKPOINTS).glob("checkpoint-*"):
        if keep is None or step_of(checkpoint) > step_of(keep):
            shutil.rmtree(checkpoint)


def step_of(checkpoint: Path) -> int:
    """Read the step number off a checkpoint's name; a folder of another name is older than all."""
    number = checkpoint.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else -1


def sizes(folder: Path) -> dict[str, int]:
    """Measure every file of a model or checkpoint, for a later look at whether it is whole."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != MARKER)
    return {str(path.relative_to(folder)): path.stat().st_size for path in sorted(files)}
