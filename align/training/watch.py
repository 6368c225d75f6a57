"""Looks at every optimiser step in all processes at once: a loss or gradient that is no number ends the training, a request stops it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from transformers import TrainerCallback

from align.training import checkpoints
from align.training.job import Job
from align.training.parallel import wait_for_all
from align.training.stopping import StopRequest
from kielo.errors import RecipeError

_MOST_NAMED = 8


class Watch(TrainerCallback):
    """The callback that all processes run; what one of them finds, all learn by one sum at the end of the step."""

    def __init__(self, job: Job, request: StopRequest, parallel: str) -> None:
        self.job, self.request, self.parallel, self.stopped = job, request, parallel, False
        self.losses: list[Any] = []
        self.batches: list[dict[str, Any]] = []
        self.norms: list[Any] = []

    def follow(self, trainer: Any) -> None:
        """See the loss of every forward pass and the gradient of every step; the trainer's callbacks are told of neither."""
        self.trainer = trainer
        step, norm = trainer.training_step, trainer._get_grad_norm

        def training_step(model: Any, inputs: dict[str, Any], *rest: Any, **named: Any) -> Any:
            self.batches.append(
                {key: inputs[key] for key in ("input_ids", "attention_mask", "position_ids") if key in inputs}
            )
            self.losses.append(step(model, inputs, *rest, **named))
            return self.losses[-1]

        def grad_norm(model: Any, **named: Any) -> Any:
            self.norms.append(norm(model, **named))
            return self.norms[-1]

        trainer.training_step, trainer._get_grad_norm = training_step, grad_norm

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        """Agree with the other processes, before anything of this step is saved."""
        bad_losses = [not _finite(loss) for loss in self.losses]
        # the scaler of fp16 overflows by design: it leaves such a step out and lowers its scale
        norms = [] if args.fp16 else [norm for norm in self.norms if norm is not None]
        bad = any(bad_losses) or not all(map(_finite, norms))
        asked, failed = self._any(args.device, self.request.asked(), bad)
        if failed:
            which = bad_losses if any(bad_losses) else [True] * len(bad_losses)
            self._end(state.global_step, [b for b, is_bad in zip(self.batches, which, strict=True) if is_bad and bad])
        if asked and state.global_step < state.max_steps:
            control.should_save = control.should_training_stop = self.stopped = True
        # logged, too: tokens and loss since the last log would be lost with a process that ends after this checkpoint
        control.should_log = control.should_log or control.should_save
        for seen in (self.losses, self.batches, self.norms):
            seen.clear()
        return control

    def _any(self, device: Any, *flags: bool) -> list[bool]:
        import torch
        from torch import distributed

        counts = torch.tensor(flags, dtype=torch.int32, device=device)
        if distributed.is_initialized():
            distributed.all_reduce(counts)
        return [bool(count) for count in counts.tolist()]

    def _end(self, step: int, batches: Sequence[dict[str, Any]]) -> None:
        from torch import distributed

        names = sorted(set(_names(self.trainer.train_dataset, batches)))
        if distributed.is_initialized():
            everyones: list[list[str]] = [[]] * distributed.get_world_size()
            distributed.all_gather_object(everyones, names)
            names = sorted({name for own in everyones for name in own})
        kept = checkpoints.newest(self.job, self.parallel)
        shown = ", ".join(names[:_MOST_NAMED]) + (
            f" and {len(names) - _MOST_NAMED} more" if names[_MOST_NAMED:] else ""
        )
        sentence = (
            f"{self.job.folder}: the loss is no number any more at step {step} (in the batch of {shown}); lower {self.job.kind}.trainer.learning_rate, raise warmup_ratio, or look at these rows; "
            + (
                f"the checkpoint of step {checkpoints.step_of(kept)} is kept."
                if kept
                else "no checkpoint was made yet."
            )
        )
        if not distributed.is_initialized():
            raise RecipeError(sentence)
        if self.trainer.is_world_process_zero():
            print(sentence, file=sys.stderr, flush=True)
        wait_for_all()  # a launcher ends the others when the first is gone: it must have been said by then
        raise SystemExit(2)


def _finite(value: Any) -> bool:
    import torch

    return bool(torch.isfinite(torch.as_tensor(value)).all())


def _names(dataset: Any, batches: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Find the rows that batches were made of by their tokens, for nothing else of them is left in a batch; copies are named, too."""
    wanted = {tuple(row) for batch in batches for row in _rows(batch)}
    if not wanted:
        return
    answers = [name for name in ("chosen_ids", "rejected_ids") if name in dataset.column_names]
    for row in dataset:
        texts = [row["prompt_ids"] + row[answer] for answer in answers] if answers else [row["input_ids"]]
        if any(tuple(text) in wanted for text in texts):
            yield f"{row['id']} ({row['language']})"


def _rows(batch: dict[str, Any]) -> Iterator[list[int]]:
    """Take a batch apart into its conversations: padding is masked; packed ones begin where positions begin again."""
    for index, ids in enumerate(batch["input_ids"].tolist()):
        if "position_ids" in batch:
            starts = [i for i, position in enumerate(batch["position_ids"][index].tolist()) if position == 0]
            yield from (ids[start:end] for start, end in zip(starts, [*starts[1:], len(ids)], strict=True))
        else:
            mask = batch["attention_mask"][index].tolist() if "attention_mask" in batch else [1] * len(ids)
            yield [token for token, real in zip(ids, mask, strict=True) if real]
