"""Batch arithmetic: how much a process takes at once, and how many optimiser steps a training has; needs no tokens and no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from align.batches.arrange import Room
from align.machine import Machine
from kielo.errors import RecipeError
from kielo.schema.trainer import DEFAULT_GLOBAL_BATCH_SIZE

# Padded tokens of one forward pass, where the recipe sets no batch size. A CPU gains nothing from more than its caches
# hold: 1,024 at once train 1.4 times as fast as 8,192 (docs/benchmarks.md).
_TOKENS_AT_ONCE = {"cpu": 1024, "cuda": 8192}
# What a pass takes besides, in tokens: nearly nothing on a CPU; on a GPU the launching of its kernels (reckoned: 30 ms of a
# billion parameters at 30,000 tokens/s).
_OVERHEAD = {"cpu": 32, "cuda": 1024}


class Training(Protocol):
    """What of a job the arithmetic needs; `kielo plan` asks it before there is a job."""

    @property
    def kind(self) -> str: ...
    @property
    def trainer(self) -> Mapping[str, Any]: ...
    @property
    def rows(self) -> int: ...
    @property
    def longest_row(self) -> int: ...


@dataclass(frozen=True)
class Batches:
    """How a global batch is spread, and how many optimiser steps the training has."""

    per_device: int
    """Conversations (or pairs) of a process that are sure to fit at once; short ones may be more."""
    accumulation: int
    """Micro-batches of a step if all rows were as long as the longest; real ones are fewer (`steps.MicroBatches`)."""
    steps: int


def plan_batches(job: Training, machine: Machine) -> Batches:
    """Spread the global batch over processes and accumulation, and count the steps.

    Raises:
        RecipeError: the global batch cannot be divided so.
    """
    size = global_batch_size(job)
    where = f"{job.kind}.trainer: global_batch_size {size}"
    if size % machine.processes:
        raise RecipeError(
            f"{where} does not divide by {machine.processes} processes; use a multiple of {machine.processes}."
        )
    share, written = size // machine.processes, job.trainer.get("per_device_train_batch_size")
    if share % (written or 1):
        raise RecipeError(
            f"{where} over {machine.processes} processes is {share} for each, which does not divide by "
            f"per_device_train_batch_size {written}; use one of {', '.join(map(str, divisors(share)))}."
        )
    per_device = written or max(1, min(share, _TOKENS_AT_ONCE[machine.device] // _longest(job)))
    steps = job.trainer.get("max_steps") or math.ceil(epochs(job) * math.ceil(job.rows / size))
    return Batches(per_device, math.ceil(share / per_device), steps)


def room(job: Training, processes: int, device: str) -> Room:
    """Tell what a process takes at once: the recipe's number of rows, else as many as fit the tokens of the device."""
    written = job.trainer.get("per_device_train_batch_size")
    if written:
        return Room(written * _longest(job), written, _OVERHEAD[device])
    return Room(_TOKENS_AT_ONCE[device], global_batch_size(job) // processes, _OVERHEAD[device])


def global_batch_size(job: Training) -> int:
    """Read the conversations (or pairs) of an optimiser step."""
    return int(job.trainer.get("global_batch_size", DEFAULT_GLOBAL_BATCH_SIZE))


def epochs(job: Training) -> float:
    """Read how often the rows are gone through, where no number of steps is set."""
    return float(job.trainer.get("num_train_epochs", 3))


def _longest(job: Training) -> int:
    return job.longest_row * (2 if job.kind == "dpo" else 1)  # a pair is two rows of the forward pass


def divisors(number: int) -> list[int]:
    """List the divisors of a number, smallest first."""
    return [candidate for candidate in range(1, number + 1) if number % candidate == 0]
