"""The course of a training, the same for sft and dpo: build the trainer, go on from a whole checkpoint, save, count."""

from __future__ import annotations

import errno
import gc
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from align import checkpoints, cpu_head
from align.arguments import Machine, plan_batches, this_machine, trainer_arguments, weights_dtype
from align.job import CHECKPOINTS, JOB, METRICS, TOKENIZER, TOKENS, Job, read_job
from align.weights import MODEL, adapter_config, load_model, save_model
from kielo.errors import KieloError, MissingExtraError, RecipeError
from kielo.plan import Outcome
from kielo.records import read_json, read_jsonl, write_json

RECORD = "training.json"
_ALMOST_FULL_BYTES = 8 << 20
Build = Callable[..., Any]


def train(file: Path, build: Callable[[], tuple[type[Any], Build]]) -> None:
    """Train the job of a job.json and leave model/, metrics.jsonl and training.json beside it.

    Run alone, or once in every process of a launcher. A finished job is left as it is.

    Raises:
        RecipeError: the trainer refuses an argument, or the loss is no number any more.
        RunFolderError: a checkpoint belongs to another job.
    """
    job = read_job(file)
    record = read_json(job.folder / RECORD)
    if (
        record is not None
        and record.get("job") == job.fingerprint
        and record.get("model") == checkpoints.sizes(job.folder / MODEL)
    ):
        return
    _send_no_telemetry()
    machine = this_machine()
    trainer, resumed = _make_trainer(job, machine, build)
    began = time.monotonic()
    with full_disk_is_an_os_error(job.folder):
        trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
        seconds = time.monotonic() - began
        save_model(trainer, job)
    if trainer.is_world_process_zero():
        _record(job, machine, trainer, resumed, seconds)
    del trainer
    _free_memory(machine)


@contextmanager
def full_disk_is_an_os_error(folder: Path) -> Iterator[None]:
    """Give a full disk its own error: torch and safetensors tell of it by errors of their own."""
    from safetensors import SafetensorError

    try:
        yield
    except (RuntimeError, SafetensorError) as error:
        if shutil.disk_usage(folder).free >= _ALMOST_FULL_BYTES:
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)) from error


def _free_memory(machine: Machine) -> None:
    """Let go of the weights, for the next step of this process; trainer and model refer to each other."""
    import torch

    gc.collect()
    if machine.device == "cuda":
        torch.cuda.empty_cache()


def _send_no_telemetry() -> None:
    """Keep TRL from reporting the training; huggingface_hub has read its environment variable long before this."""
    from huggingface_hub import constants

    constants.HF_HUB_DISABLE_TELEMETRY = True


def _make_trainer(job: Job, machine: Machine, build: Callable[[], tuple[type[Any], Build]]) -> tuple[Any, Path | None]:
    try:
        config_class, make = build()
    except ImportError as error:
        raise MissingExtraError(
            f"training needs the packages of the extra `train` ({error}); pip install -e '.[train]'."
        ) from error
    from datasets import load_from_disk
    from transformers import AutoTokenizer, PrinterCallback

    from align.metrics import Metrics, one_progress_bar

    one_progress_bar()
    arguments = _as_user_mistake(job, lambda: config_class(**trainer_arguments(job, machine)))
    resumed = checkpoints.newest(job)
    if arguments.process_index == 0:
        checkpoints.remove_incomplete(job, resumed)
    tokenizer = AutoTokenizer.from_pretrained(str(job.folder / TOKENIZER))
    model = load_model(job, tokenizer, weights_dtype(job, machine))
    dataset = load_from_disk(str(job.folder / TOKENS))
    trainer = _as_user_mistake(job, lambda: make(job, model, arguments, dataset, tokenizer, adapter_config(job, model)))
    trainer.remove_callback(PrinterCallback)
    trainer.create_model_card = lambda *_, **__: (
        None
    )  # TRL's card, written with every checkpoint, names neither data nor settings
    if machine.device == "cpu" and not (arguments.bf16 or arguments.fp16):
        _use_cpu_head(trainer)
    trainer.add_callback(Metrics(job, resumed, trainer.is_world_process_zero()))
    return trainer, resumed


def _as_user_mistake(job: Job, make: Callable[[], Any]) -> Any:
    """Make something of TRL's; what it refuses are values of the recipe's trainer keys."""
    try:
        return make()
    except (ValueError, TypeError, NotImplementedError) as error:
        if isinstance(error, KieloError):
            raise
        raise RecipeError(f"{job.kind}.trainer: {error}") from error


def _use_cpu_head(trainer: Any) -> None:
    for model in (trainer.model, getattr(trainer, "ref_model", None)):
        if model is not None:
            base = model.get_base_model() if hasattr(model, "get_base_model") else model
            if cpu_head.fits(base):
                cpu_head.attach(base)


def _record(job: Job, machine: Machine, trainer: Any, resumed: Path | None, seconds: float) -> None:
    """Write training.json, the sign that the job is done, and remove the checkpoints."""
    rows = [row for _, row in read_jsonl(job.folder / METRICS)]
    batches = plan_batches(job, machine)
    total = rows[-1]["seconds"] if resumed else seconds
    write_json(job.folder / RECORD, {
        "job": job.fingerprint, "model": checkpoints.sizes(job.folder / MODEL), "steps": trainer.state.global_step, "train_loss": {"first": rows[0]["loss"], "last": rows[-1]["loss"]},
        "seconds": round(total, 3), "tokens_per_second": round(rows[-1]["tokens"] / total, 1),
        "processes": machine.processes, "device": machine.device, "per_device_train_batch_size": batches.per_device,
        "gradient_accumulation_steps": batches.accumulation, "resumed_from_step": checkpoints.step_of(resumed) if resumed else None,
    })  # fmt: skip
    shutil.rmtree(job.folder / CHECKPOINTS, ignore_errors=True)


def collect(folder: Path) -> Outcome:
    """Gather the result of a finished training: the files of model/ (metrics.jsonl tells seconds, so it is no result) and the counts."""
    job, record = read_job(folder / JOB), read_json(folder / RECORD)
    assert record is not None and record["job"] == job.fingerprint, f"{folder}: no finished training of this job"
    files = sorted(str(path.relative_to(folder)) for path in (folder / MODEL).rglob("*") if path.is_file())
    shown = {key: value for key, value in record.items() if key not in ("job", "model")}
    return Outcome(
        tuple(files), {"languages": job.counts, "rows": job.rows, "added_tokens": len(job.added_token_ids), **shown}
    )
