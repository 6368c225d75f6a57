"""The services that a training reports to: where their files lie, and one run for all starts of a training and for no other."""

from __future__ import annotations

import os
import uuid
from typing import Any

from transformers import TrainerCallback
from transformers.integrations.integration_utils import TensorBoardCallback, WandbCallback

from align.training.job import Job
from kielo.records import read_json, write_json

TENSORBOARD = "tensorboard"
"""Of a training: the folder that TensorBoard shows."""
RUN = "report.json"
"""Holds the id by which Weights & Biases knows this training again; gone when the step is made again."""


def keep_together(job: Job, trainer: Any) -> None:
    """Tell the trainer's services where this training lies, and to go on with its run after an interruption."""
    for callback in list(trainer.callback_handler.callbacks):
        if isinstance(callback, TensorBoardCallback):
            callback.logging_dir = str(job.folder / TENSORBOARD)
        if isinstance(callback, WandbCallback):
            trainer.callback_handler.callbacks.insert(0, _Opens(job))
            trainer.add_callback(_Ends)


class _Opens(TrainerCallback):
    """Opens this training's run before transformers opens one that it could not go on with."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Open the run, on the first process alone."""
        if state.is_world_process_zero:
            import wandb

            project = os.environ.get("WANDB_PROJECT", args.project)
            wandb.init(
                project=project, name=args.run_name, id=_run_id(self.job), resume="allow", dir=str(self.job.folder)
            )


class _Ends(TrainerCallback):
    """Ends the run; transformers leaves it open, and the next training of this process would write into it."""

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """End the run once the service's own callback is done with it."""
        if state.is_world_process_zero:
            import wandb

            wandb.finish()


def _run_id(job: Job) -> str:
    """Give the id of this training's run, made at its first start."""
    known = read_json(job.folder / RUN)
    if known is None:
        known = {"id": uuid.uuid4().hex}
        write_json(job.folder / RUN, known)
    return str(known["id"])
