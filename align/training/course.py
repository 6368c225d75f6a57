"""The course of a training, the same for sft and dpo: train, stop where asked to, save, count."""

from __future__ import annotations

import gc
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from align.batches.arithmetic import plan_batches
from align.cards.card import write_card
from align.machine import Machine, this_machine
from align.training import checkpoints
from align.training.failures import told_apart
from align.training.job import CARD, CHECKPOINTS, JOB, METRICS, MODEL_RECORD, RECORD, Job, read_job
from align.training.launch import check_world, is_launched, lease
from align.training.parallel import wait_for_all
from align.training.stopping import Stopped, StopRequest, refuse_unfinished
from align.training.trainer import Build, Made, make_trainer
from align.training.weights import MODEL, save_model
from kielo.plan import Outcome, Workplace
from kielo.records import read_json, read_jsonl, write_json

_SHOWN = (
    "optim", "learning_rate", "lr_scheduler_type", "warmup_steps", "weight_decay", "max_grad_norm", "adam_beta1", "adam_beta2",
    "adam_epsilon", "bf16", "fp16", "gradient_checkpointing",
)  # fmt: skip


def train(file: Path, build: Callable[[], tuple[type[Any], Build]]) -> None:
    """Train the job of a job.json and leave model/, metrics.jsonl and training.json beside it.

    Run alone, or once in every process of a launcher. A finished job is left as it is.

    Raises:
        RecipeError: the trainer refuses an argument, the loss is no number any more, or memory is full.
        RunFolderError: a checkpoint belongs to another job, or another start of this training still runs.
        UsageError: the launcher did not make one world of the processes.
        Stopped: a signal or the file STOP asked for it; a checkpoint is left.
    """
    job = read_job(file)
    check_world()
    with lease(job.folder):
        if _is_done(job):
            return
        machine = this_machine()
        with told_apart(job):
            _train(job, machine, build)
        _free_memory(machine)


def _is_done(job: Job) -> bool:
    record = read_json(job.folder / RECORD) or {}
    return record.get("job") == job.fingerprint and record.get("model") == checkpoints.sizes(job.folder / MODEL)


def _train(job: Job, machine: Machine, build: Callable[[], tuple[type[Any], Build]]) -> None:
    request = StopRequest(job.folder)
    made = make_trainer(job, machine, build, request)
    began = time.monotonic()
    with request.listen(patient=is_launched()):
        made.trainer.train(resume_from_checkpoint=str(made.resumed) if made.resumed else None)
    seconds = time.monotonic() - began
    first = made.trainer.is_world_process_zero()
    if made.watch.stopped:
        _take_leave(made.trainer, request)
    save_model(made.trainer, job, made.shared)
    if first:
        _record(job, machine, made, seconds)
        request.done()
    if request.signalled and not is_launched():
        raise Stopped  # it came in the last step: who asked wants no other step of the plan begun


def _take_leave(trainer: Any, request: StopRequest) -> NoReturn:
    """Stop all processes together: a launcher ends the others as soon as one is gone."""
    if trainer.is_world_process_zero():
        request.answer(is_launched())
        step = trainer.state.global_step
        print(f"stopped at step {step}; the same command goes on from there.", file=sys.stderr, flush=True)
    wait_for_all()
    raise Stopped


def _free_memory(machine: Machine) -> None:
    """Let go of the weights, for the next step of this process; trainer and model refer to each other."""
    import torch

    gc.collect()
    if machine.device == "cuda":
        torch.cuda.empty_cache()


def _arguments(arguments: Any) -> dict[str, Any]:
    """List what the training was really done with, the libraries' defaults included."""
    values = {name: getattr(arguments, name) for name in _SHOWN}
    return {name: getattr(value, "value", value) for name, value in values.items()}


def _record(job: Job, machine: Machine, made: Made, seconds: float) -> None:
    """Write training.json, the sign that the job is done, and remove the checkpoints."""
    rows = [row for _, row in read_jsonl(job.folder / METRICS)]
    batches = plan_batches(job, machine)
    resumed = made.resumed
    total = rows[-1]["seconds"] if resumed else seconds
    write_json(job.folder / RECORD, {
        "job": job.fingerprint, "model": checkpoints.sizes(job.folder / MODEL), "steps": made.trainer.state.global_step, "train_loss": {"first": rows[0]["loss"], "last": rows[-1]["loss"]},
        "seconds": round(total, 3), "tokens_per_second": round(rows[-1]["tokens"] / total, 1),
        "processes": machine.processes, "parallel": made.shared.kind, "device": machine.device, "arguments": _arguments(made.trainer.args), "rows_in_a_pass_at_most": batches.per_device,
        "passes_of_a_step": made.trainer.args.gradient_accumulation_steps, "resumed_from_step": checkpoints.step_of(resumed) if resumed else None,
    })  # fmt: skip
    shutil.rmtree(job.folder / CHECKPOINTS, ignore_errors=True)


def collect(place: Workplace) -> Outcome:
    """Gather the result of a finished training, the files of model/ (metrics.jsonl tells seconds, so it is no result) and the counts; write its card.

    Raises:
        Stopped: the training stopped because it was asked to.
        RunFolderError: it is not finished.
    """
    folder = place.folder
    job, record = read_job(folder / JOB), read_json(folder / RECORD) or {}
    refuse_unfinished(folder, _is_done(job))
    write_card(place)
    made = (path for path in (folder / MODEL).rglob("*") if path.is_file() and path.name not in (CARD, MODEL_RECORD))
    files = sorted(str(path.relative_to(folder)) for path in made)
    shown = {key: value for key, value in record.items() if key not in ("job", "model")}
    return Outcome(
        tuple(files), {"languages": job.counts, "rows": job.rows, "added_tokens": len(job.added_token_ids), **shown}
    )
