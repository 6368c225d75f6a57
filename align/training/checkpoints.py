"""Checkpoints that can be trusted: marked after they are whole, with the job they belong to; unmarked ones are removed."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from align.training.job import CARD, CHECKPOINTS, MODEL_RECORD, Job
from kielo.errors import RunFolderError
from kielo.provenance import canonical, differences
from kielo.records import read_json, write_json

MARKER, DEFAULT_LIMIT = "complete.json", 2


def mark(checkpoint: Path, job: Job, parallel: str = "alone") -> None:
    """Mark a checkpoint as whole, then remove old ones; call when every process has written its part."""
    write_json(checkpoint / MARKER, {"job": job.fields(), "parallel": parallel, "files": sizes(checkpoint)})
    limit = job.trainer.get("save_total_limit", DEFAULT_LIMIT)
    for old in sorted(checkpoint.parent.glob("checkpoint-*"), key=step_of)[:-limit]:
        shutil.rmtree(old)


def newest(job: Job, parallel: str = "alone") -> Path | None:
    """Find the checkpoint to go on from; `parallel`: how the processes share the model now.

    Transformers' own search takes the highest number, half-written or not.

    Raises:
        RunFolderError: the newest whole checkpoint belongs to another job, or is shared out in another way.
    """
    for checkpoint in sorted((job.folder / CHECKPOINTS).glob("checkpoint-*"), key=step_of, reverse=True):
        marker = _marker(checkpoint)
        if marker is None or marker.get("files") != sizes(checkpoint):
            continue
        changes = list(differences(marker["job"], json.loads(canonical(job.fields()))))
        if changes:
            raise RunFolderError(
                f"{checkpoint}: made by another job than {job.folder / 'job.json'} now is ({'; '.join(changes[:5])}); make the step again (--redo)."
            )
        if _layout(marker["parallel"]) != _layout(parallel):
            raise RunFolderError(
                f"{checkpoint}: its processes shared the model by {marker['parallel']}, now they would by {parallel}; go on with {job.kind}.trainer.parallel: {marker['parallel']} on several processes, or make the step again (--redo)."
            )
        return checkpoint
    return None


def _layout(parallel: str) -> str:
    """Name the files of a checkpoint: with DDP they are those of one process."""
    return "whole" if parallel in ("alone", "ddp") else parallel


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
            print(f"{checkpoint}: not whole (its processes were ended while they wrote); removed.", file=sys.stderr)
            shutil.rmtree(checkpoint)


def step_of(checkpoint: Path) -> int:
    """Read the step number off a checkpoint's name; a folder of another name is older than all."""
    number = checkpoint.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else -1


def sizes(folder: Path) -> dict[str, int]:
    """Measure every file of a model or checkpoint, for a later look at whether it is whole."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in (MARKER, CARD, MODEL_RECORD))
    return {str(path.relative_to(folder)): path.stat().st_size for path in sorted(files)}
