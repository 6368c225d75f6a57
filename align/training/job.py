"""What one training is given: job.json, read by every process that trains; it names the tokens that were made on CPU before."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kielo.errors import RunFolderError
from kielo.provenance import canonical, differences
from kielo.recipe.losses import parted
from kielo.records import read_json, write_json

JOB, CHECKPOINTS, METRICS, RECORD, PROBES = "job.json", "checkpoints", "metrics.jsonl", "training.json", "probes.json"
CARD, MODEL_RECORD = "README.md", "run.json"
"""Beside the weights in model/, and written again when there are scores: no part of the result."""


_PLACES = ("model", "tokens", "reference", "folder")


@dataclass(frozen=True)
class Job:
    """One training, complete: the same file gives the same model on one process or many."""

    kind: Literal["sft", "dpo"]
    model: str
    """Folder or Hub id of the model to start from; where it lies is not part of what the job is."""
    revision: str | None
    model_identity: str
    seed: int
    trainer: Mapping[str, Any]
    lora: Mapping[str, Any] | None
    neftune_noise_alpha: float | None
    beta: float | None
    stop_token_id: int
    added_token_ids: tuple[int, ...]
    rows: int
    longest_row: int
    """Tokens of the longest row that is trained on (sft), or of the longest prompt and answer (dpo)."""
    data: str
    """Digest of the tokens and labels."""
    tokens: str
    """Folder of the step that made the tokens and the tokenizer; where it lies is not part of what the job is."""
    reference: str | None
    """Folder of the step that made the reference log-probabilities (dpo), likewise."""
    counts: Mapping[str, Any]
    """Rows, tokens, loss_tokens, truncated and dropped, by language."""
    folder: Path = Path()
    """Where job.json lies; not part of the file."""

    @property
    def fingerprint(self) -> str:
        """Hash what the job is, for its checkpoints."""
        return hashlib.sha256(canonical(self.fields()).encode()).hexdigest()

    def fields(self) -> dict[str, Any]:
        """List what determines the trained model."""
        values = {name: value for name, value in dataclasses.asdict(self).items() if name not in _PLACES}
        return {**values, "trainer": parted(self.trainer)[0]}


def write_job(job: Job) -> Path:
    """Write job.json and give back its path.

    Raises:
        RunFolderError: the folder holds checkpoints of another job.
    """
    before = read_json(job.folder / JOB)
    now = json.loads(canonical(job.fields()))
    if before is not None:
        known = {key: before.get(key) for key in now} | {"trainer": parted(before.get("trainer") or {})[0]}
        changes = list(differences(known, now))
        if changes and any((job.folder / CHECKPOINTS).glob("checkpoint-*")):
            raise RunFolderError(
                f"{job.folder}: it holds checkpoints of another job ({'; '.join(changes[:5])}); make the step again (--redo) or give the run another name."
            )
    places = {"model": job.model, "tokens": job.tokens, "reference": job.reference}
    write_json(job.folder / JOB, {**now, **places, "trainer": dict(job.trainer)})
    return job.folder / JOB


def read_job(file: Path) -> Job:
    """Read job.json.

    Raises:
        RunFolderError: it is missing or not a job.
    """
    values = read_json(file)
    names = {field.name for field in dataclasses.fields(Job)} - {"folder"}
    if values is None or set(values) != names:
        raise RunFolderError(
            f"{file}: no training job; it is written by the step that prepares the training (kielo run)."
        )
    values["added_token_ids"] = tuple(values["added_token_ids"])
    return Job(**values, folder=file.resolve().parent)
