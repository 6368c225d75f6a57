"""What a training tells of itself: metrics.jsonl, the progress bar, whole checkpoints."""

from __future__ import annotations

import json
import math
import time
import warnings
from logging import Filter, LogRecord
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from align.training import checkpoints
from align.training.job import CHECKPOINTS, METRICS, Job
from align.training.parallel import wait_for_all
from kielo.progress import progress
from kielo.records import dump_row, write_jsonl


def one_progress_bar() -> None:
    """Silence the bars that the libraries draw for every file they read or write, and what they say to each other."""
    import datasets
    from transformers.utils import logging

    # TRL 1.16 itself uses names that transformers 5.23 calls old, and peft tells with every checkpoint that it saves the
    # rows of added tokens, as it should; there is nothing for the user to do.
    warnings.filterwarnings("ignore", r".*gradient_checkpointing` is deprecated", FutureWarning)
    warnings.filterwarnings("ignore", r"Setting `save_embedding_layers` to `True`", UserWarning)
    # DeepSpeed, at every step
    warnings.filterwarnings("ignore", r"`torch.distributed.* is deprecated", FutureWarning)

    # On going on from a checkpoint tied weights stand there once, and align/training/checkpoints.py has compared the settings;
    # the end of turn is our doing.
    logging.get_logger("transformers.trainer").addFilter(_QUIET)
    logging.get_logger("transformers.trainer_utils").addFilter(_QUIET)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    datasets.disable_progress_bars()


_SAID_FOR_NOTHING = (
    "There were missing keys in the checkpoint", "Warning: The following arguments do not match", "The tokenizer has new PAD/BOS/EOS",
)  # fmt: skip


class _SaidForNothing(Filter):
    """Leaves out warnings that would alarm without a reason."""

    def filter(self, record: LogRecord) -> bool:
        """Let all others through."""
        return not record.getMessage().startswith(_SAID_FOR_NOTHING)


_QUIET = _SaidForNothing()


class Metrics(TrainerCallback):
    """The callback of both trainings; only the first process writes."""

    def __init__(self, job: Job, resumed: Path | None, writes: bool, parallel: str) -> None:
        self.job, self.writes, self.parallel, self.file = job, writes, parallel, job.folder / METRICS
        before = _rows_until(self.file, checkpoints.step_of(resumed) if resumed else 0)
        self.tokens_before = before[-1]["tokens"] if before else 0
        self.seconds_before = before[-1]["seconds"] if before else 0.0
        if writes:
            write_jsonl(self.file, before)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the clock and the progress bar."""
        self.began = time.monotonic()
        self.bar = (
            progress(state.max_steps, f"{self.job.kind}/{self.job.folder.name}", "steps", state.global_step)
            if self.writes
            else None
        )

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Move the progress bar."""
        if self.bar is not None:
            self.bar.update(1)

    def on_log(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Append one row of metrics."""
        logs: dict[str, Any] = given["logs"]
        if "loss" not in logs:  # the trainer's closing summary
            return
        values = {
            key: value if math.isfinite(value) else None
            for key, value in logs.items()
            if isinstance(value, int | float)
        }
        tokens = self.tokens_before + int(values.pop("num_tokens", 0) or 0)
        seconds = round(self.seconds_before + time.monotonic() - self.began, 3)
        row = {"step": state.global_step, "epoch": round(state.epoch or 0.0, 4), "tokens": tokens, "seconds": seconds}
        values.pop("epoch", None)
        if self.writes:
            with self.file.open("a", encoding="utf-8") as stream:
                stream.write(dump_row({**row, **values}) + "\n")

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Mark the checkpoint as whole once every process has written its part."""
        wait_for_all()
        if self.writes:
            folder = self.job.folder / CHECKPOINTS / f"checkpoint-{state.global_step}"
            checkpoints.mark(folder, self.job, self.parallel)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Close the progress bar."""
        if self.bar is not None:
            self.bar.close()


def _rows_until(file: Path, step: int) -> list[dict[str, Any]]:
    """Read the rows up to a checkpoint; what a killed process logged after it is made again."""
    if not step or not file.is_file():
        return []
    whole = file.read_bytes().rpartition(b"\n")[0]  # a process that was killed may have written half a line
    return [row for row in map(json.loads, whole.splitlines()) if row["step"] <= step]
