"""What one training is given: job.json and the tokens beside it, made on CPU, read by every process that trains."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from align.chat import Chat
from kielo.errors import RunFolderError
from kielo.provenance import canonical, differences
from kielo.records import read_json, write_json

JOB, TOKENS, TOKENIZER, CHECKPOINTS, METRICS = "job.json", "tokens", "tokenizer", "checkpoints", "metrics.jsonl"


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
        values = dataclasses.asdict(self)
        return {name: value for name, value in values.items() if name not in ("model", "folder")}


def write_job(job: Job, chat: Chat, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write the tokens, the tokenizer and, last, job.json; those of an earlier attempt are replaced.

    Raises:
        RunFolderError: the folder holds checkpoints of another job.
    """
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()
    before = read_json(job.folder / JOB)
    now = json.loads(canonical(job.fields()))
    if before is not None:
        changes = list(differences({key: before.get(key) for key in now}, now))
        if changes and any((job.folder / CHECKPOINTS).glob("checkpoint-*")):
            raise RunFolderError(
                f"{job.folder}: it holds checkpoints of another job ({'; '.join(changes[:5])}); make the step again (--redo) or give the run another name."
            )
    (job.folder / JOB).unlink(missing_ok=True)
    shutil.rmtree(job.folder / TOKENS, ignore_errors=True)
    Dataset.from_dict(dict(columns)).save_to_disk(str(job.folder / TOKENS))
    chat.tokenizer.save_pretrained(str(job.folder / TOKENIZER))
    write_json(job.folder / JOB, {"model": job.model, **now})


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


def digest_tokens(rows: Iterable[Sequence[Sequence[int]]]) -> str:
    """Hash rows of token lists, their order and lengths included."""
    digest = hashlib.sha256()
    for row in rows:
        for tokens in row:
            digest.update(len(tokens).to_bytes(8, "little") + array("q", tokens).tobytes())
    return digest.hexdigest()
