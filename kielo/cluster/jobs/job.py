"""A job as Slurm is asked for it: what it makes, on what, after which others. `placing.py` plans them, `script.py` spells them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kielo.cluster.profiles.profile import UseName

Body = Literal["steps", "shards", "training"]
"""steps: `kielo step` on the first node; shards: one on every node, each with its part of the shard; training: torchrun on all nodes."""


@dataclass(frozen=True)
class Task:
    """One step of the plan, or one shard (`3/8`) of a translation, as `kielo step` makes it."""

    step: str
    shard: str | None = None

    def __str__(self) -> str:
        return f"{self.step} {self.shard}" if self.shard else self.step


@dataclass(frozen=True)
class Resources:
    """What one job, or one element of its array, asks for; cores, memory and devices are those of one node."""

    partition: str
    nodes: int
    cores: int
    memory_gb: float
    devices: int
    minutes: int
    processes: int = 1
    """Of a training, on each node."""


@dataclass(frozen=True)
class After:
    """An earlier job that must have succeeded: all of it, some elements of its array, or each element its own (`matching`)."""

    job: str
    elements: tuple[int, ...] | None = None
    matching: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it must have ended with every element before any of ours begins."""
        return self.elements is None and not self.matching


@dataclass(frozen=True)
class Job:
    """One sbatch file; with several elements it is an array whose element n does `elements[n]`, task by task."""

    name: str
    use: UseName
    body: Body
    elements: tuple[tuple[Task, ...], ...]
    resources: Resources
    after: tuple[After, ...] = ()
    at_once: int | None = None
    """Most elements that run at once."""
    servers: int | None = None
    """vLLM servers on each node, and `tensor_parallel` devices for each; None where no such engine runs."""
    tensor_parallel: int | None = None

    @property
    def is_array(self) -> bool:
        """Whether Slurm runs it as a job array."""
        return len(self.elements) > 1

    @property
    def steps(self) -> tuple[str, ...]:
        """Name the steps it makes, each once."""
        return tuple(dict.fromkeys(task.step for element in self.elements for task in element))
