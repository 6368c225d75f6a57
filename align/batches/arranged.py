"""TRL's trainers on micro-batches of our own making: the part that SFT and DPO share, to stand before TRL's class.

    class ArrangedDPOTrainer(WeighsPairs, Arranged, DPOTrainer): ...
    batches = micro_batches(job, arguments, lengths, equal=True)
    trainer = ArrangedDPOTrainer(...)
    trainer.arrange(batches, tokens)

`micro_batches` sets the accumulation of the arguments, so it comes before the trainer. With `equal` a micro-batch has as
many pairs on every process, as TRL's gathering needs; TRL's loss is the mean over a micro-batch's pairs, and `WeighsPairs`
makes of these means the mean over all pairs of the step, also of the last one, which may be short.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from torch.utils.data import DataLoader

from align.batches.arithmetic import global_batch_size, room
from align.batches.arrange import Layout
from align.batches.steps import MicroBatches
from align.training.job import Job


def micro_batches(
    job: Job, arguments: Any, lengths: Sequence[int], packed: Layout = "padded", equal: bool = False
) -> MicroBatches:
    """Plan this process's micro-batches from the tokens that each row takes, and set the arguments' accumulation.

    `packed`: the layout in which rows may be packed, if the recipe does not forbid it.
    """
    found = MicroBatches(
        lengths, global_batch_size(job), job.seed, room(job, arguments.world_size, arguments.device.type),
        arguments.world_size, arguments.process_index, equal,
    )  # fmt: skip
    steps = arguments.max_steps
    epochs = math.ceil(steps / found.steps_per_epoch if steps > 0 else arguments.num_train_epochs)
    found.choose(epochs, packed, False if packed == "padded" else job.trainer.get("packing"))
    arguments.gradient_accumulation_steps = found.accumulation
    return found


def lengths_of(dataset: Any, column: str) -> list[int]:
    """Count the tokens of a column's lists, without reading them."""
    import pyarrow.compute

    table = dataset.select_columns([column]).with_format("arrow")[:]
    counts: list[int] = pyarrow.compute.list_value_length(table[column]).to_pylist()
    return counts


class _Loader(DataLoader[Any]):
    """A loader whose order changes with the epoch; the trainer tells it. Sampling is rank-aware, so accelerate must not shard it."""

    def set_epoch(self, epoch: int) -> None:
        """Turn to the order of an epoch."""
        sampler: Any = self.batch_sampler
        sampler.set_epoch(epoch)


class Arranged:
    """Takes the place of a TRL trainer's batches and token counts; a mixin."""

    batches: MicroBatches
    tokens: Sequence[int]
    data_collator: Any

    def arrange(self: Any, batches: MicroBatches, tokens: Sequence[int]) -> None:
        """Train on these micro-batches; `tokens`: what each row counts in the metrics."""
        self.batches, self.tokens, self._seen_tokens = batches, tokens, 0

    def blank_row(self, first: dict[str, Any]) -> dict[str, Any]:
        """Make a row that trains nothing, for a process that has no conversation in a micro-batch."""
        return {"input_ids": first["input_ids"][:2], "labels": [-100] * len(first["input_ids"][:2])}

    def get_train_dataloader(self: Any) -> DataLoader[Any]:
        """Load the micro-batches of this process."""
        import torch
        from datasets import Dataset, concatenate_datasets

        rows = self._remove_unused_columns(self.train_dataset, description="training")
        blank = Dataset.from_list([self.blank_row(rows[0])], features=rows.features)
        return _Loader(
            concatenate_datasets([rows, blank]), batch_sampler=self.batches, collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers, pin_memory=self.args.dataloader_pin_memory,
            generator=torch.Generator(),  # its own: a loader draws from torch's, on which noise and dropout depend
        )  # fmt: skip

    def get_batch_samples(self: Any, epoch_iterator: Iterator[Any], num_batches: int, device: Any) -> Any:
        """Take the micro-batches of a step, and count its tokens."""
        self._seen_tokens += sum(self.tokens[row] for row in self.batches.rows(*self.step_at_hand()))
        return super().get_batch_samples(epoch_iterator, num_batches, device)  # type: ignore[misc]

    def step_at_hand(self: Any) -> tuple[int, int]:
        """Tell the epoch, and the step in it, that the trainer is about to make."""
        epoch, step = divmod(self.state.global_step, self.batches.steps_per_epoch)
        return epoch, step

    def log(self: Any, logs: dict[str, float], *rest: Any) -> None:
        """Report the tokens of the conversations trained on; TRL counts one row of a packed batch, and padding."""
        if self._metrics["train"]:
            self._metrics["train"]["num_tokens"] = [self._seen_tokens]
        super().log(logs, *rest)  # type: ignore[misc]


class WeighsTokens:
    """Makes TRL's means of entropy and accuracy over micro-batches means over trained tokens; a mixin to stand before `Arranged`."""

    def arrange(self: Any, batches: MicroBatches, tokens: Sequence[int]) -> None:
        """Begin to count."""
        self._trained: list[int] = []
        super().arrange(batches, tokens)  # type: ignore[misc]

    def compute_loss(self: Any, model: Any, inputs: Any, *rest: Any, **named: Any) -> Any:
        """Count the trained tokens of the micro-batch, over all processes."""
        trained = (inputs["labels"][:, 1:] != -100).sum()
        self._trained.append(int(self.accelerator.gather_for_metrics(trained).sum()))
        return super().compute_loss(model, inputs, *rest, **named)  # type: ignore[misc]

    def log(self: Any, logs: dict[str, float], *rest: Any) -> None:
        """Weigh what TRL noted of every micro-batch by its tokens; as it lies, a short one would count like a long one."""
        noted = self._metrics["train"]
        for name in ("entropy", "mean_token_accuracy"):
            if noted.get(name):
                weighed = sum(value * count for value, count in zip(noted[name], self._trained, strict=True))
                noted[name] = [weighed / max(1, sum(self._trained))]
        self._trained = []
        super().log(logs, *rest)  # type: ignore[misc]


class WeighsPairs:
    """Makes a step's loss the mean over its pairs, however they lie in micro-batches; a mixin to stand before `Arranged`."""

    def blank_row(self, first: dict[str, Any]) -> dict[str, Any]:
        """Take any pair: its weight is 0."""
        return first

    def get_batch_samples(self: Any, *given: Any) -> Any:
        """Take the micro-batches of a step, and the weight of each."""
        self._weights = iter(self.batches.weights(*self.step_at_hand()))
        return super().get_batch_samples(*given)  # type: ignore[misc]

    def compute_loss(self: Any, model: Any, inputs: Any, *rest: Any, **named: Any) -> Any:
        """Weigh the mean over a micro-batch's pairs."""
        loss = super().compute_loss(model, inputs, *rest, **named)  # type: ignore[misc]
        return loss * next(self._weights) if self.model.training else loss
