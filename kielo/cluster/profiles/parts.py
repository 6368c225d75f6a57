"""The parts of a cluster profile: partitions and their nodes, what jobs ask for, the container, what is put around it."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from kielo.schema.parts import Part, refuse_idle

UseName = Literal["cpu", "translate", "train", "evaluate", "preflight"]
PLACEHOLDERS = ("user", "job", "account", "run", "checkout")
"""What `{...}` may stand for in an environment's value, a path or a bind: never anything that a shell would evaluate."""

OTHER_CACHES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE", "HF_DATASETS_CACHE")
"""Variables that lead Hugging Face's libraries away from HF_HOME: out of jobs and of `kielo prefetch` where a profile names its hub_cache."""


def _known_placeholders(text: str) -> str:
    for part in text.split("{")[1:]:
        name, closed, _ = part.partition("}")
        if not closed or name not in PLACEHOLDERS:
            raise ValueError(
                f"'{{{name[:20]}}}' is no placeholder; known: {', '.join(f'{{{each}}}' for each in PLACEHOLDERS)}"
            )
    if "\0" in text:
        raise ValueError("a NUL character cannot stand in it")
    return text


Written = Annotated[str, AfterValidator(_known_placeholders)]
"""Text in which `{user}`, `{job}` and the other placeholders are filled in; all else stays as it stands."""


def _plain_words(text: str) -> str:
    if not text or any(letter.isspace() or not letter.isprintable() for letter in text):
        raise ValueError(f"{text!r} must be one word without blanks")
    return text


Word = Annotated[str, AfterValidator(_plain_words)]


def _something(text: str) -> str:
    if not text or "\0" in text:
        raise ValueError(f"{text!r} is no argument of a command; leave it out")
    return text


Argument = Annotated[str, AfterValidator(_something)]
"""One word of a command as it is handed over, blanks and all, but never nothing."""
Variables = dict[Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")], Written]


class Billing(Part):
    """What an hour costs, in the cluster's own unit."""

    unit: str = Field(description="such as GPU-hours")
    per_node: float | None = Field(None, ge=0, description="for each whole node")
    each: float | None = Field(
        None,
        ge=0,
        description="for each share of a node: the largest of its cores, memory and devices, counted as below",
    )
    cores: int | None = Field(None, gt=0, description="each: cores of one share")
    memory_gb: float | None = Field(None, gt=0, description="each: memory of one share")
    devices: int | None = Field(None, gt=0, description="each: devices of one share")

    @model_validator(mode="after")
    def _one_way(self) -> Billing:
        if (self.per_node is None) == (self.each is None):
            raise ValueError("give one of per_node and each")
        if self.per_node is not None:
            refuse_idle(self, "per_node", frozenset({"cores", "memory_gb", "devices"}))
        return self

    def charge(self, nodes: int, cores: int, memory_gb: float, devices: int, hours: float) -> float:
        """Count what a job costs; cores, memory and devices are those of one of its nodes."""
        if self.each is None:
            return (self.per_node or 0.0) * nodes * hours
        asked = ((cores, self.cores), (memory_gb, self.memory_gb), (devices, self.devices))
        shares = max((math.ceil(amount / of_one) for amount, of_one in asked if of_one), default=1)
        return self.each * nodes * shares * hours


class Node(Part):
    """One node of a partition, as far as jobs may use it."""

    devices: int = Field(0, ge=0, description="accelerators (on MI250X: dies, two to a module)")
    gres: str | None = Field(
        None, pattern="^[A-Za-z0-9_]+$", description="their type as Slurm names it, such as mi250; default: any"
    )
    cores: int = Field(gt=0, description="cores that jobs may use")
    memory_gb: float = Field(gt=0, description="memory that jobs may use, in GiB as Slurm's --mem counts")
    cpu_masks: tuple[Annotated[str, Field(max_length=512, pattern="^0x[0-9a-fA-F]*[1-9a-fA-F][0-9a-fA-F]*$")], ...] = (
        Field(
            (),
            description="hexadecimal masks of the cores beside each device, in the order of their numbers; where a job has all devices and cores of its nodes, each process of a training and each vLLM server is bound to those of its devices",
        )
    )


class Partition(Part):
    """Limits and prices of a partition."""

    allocation: Literal["node", "share"] = Field(
        "share", description="node: whole nodes only; share: parts of nodes, too"
    )
    node: Node
    hours: float = Field(gt=0, description="longest job")
    nodes: int | None = Field(None, gt=0, description="most nodes of a job")
    jobs: int | None = Field(
        None, gt=0, description="most jobs of a user, waiting ones and every element of an array counted"
    )
    running: int | None = Field(None, gt=0, description="most of them running at once")
    billing: Billing | None = None
    qos: Word | None = None


class Use(Part):
    """What the jobs for one kind of work ask for."""

    partition: Word
    hours: float = Field(gt=0, description="time limit of a job")
    nodes: int = Field(1, gt=0)
    devices: int | None = Field(
        None,
        ge=0,
        description="on each node; default: all of it, but for cpu none, for translate and evaluate what one copy of the model needs",
    )
    cores: int | None = Field(None, gt=0, description="on each node; default: its share by devices")
    memory_gb: float | None = Field(None, gt=0, description="on each node; default: its share by devices")
    processes: int | None = Field(
        None, gt=0, description="train: processes on each node; default: one for each device, or one"
    )
    shards: int = Field(1, gt=0, le=1000, description="translate: elements of the job array of a data set")
    at_once: int | None = Field(None, gt=0, description="most elements of an array that run at once")
    models: int = Field(1, gt=0, description="evaluate: models that one job answers for, one after the other")


class Uses(Part):
    """Which jobs are laid where."""

    cpu: Use = Field(description="steps without a model, and those that only ask servers elsewhere")
    translate: Use
    train: Use
    evaluate: Use
    preflight: Use | None = Field(None, description="`kielo preflight`; default: as train, on two nodes")


class Container(Part):
    """The image that steps run in; srun and scontrol stay outside."""

    image: Written
    command: tuple[Argument, ...] = Field(
        ("singularity", "exec"), min_length=1, description="what starts it; its options follow"
    )
    binds: tuple[Written, ...] = Field((), description="folders seen inside, for --bind")
    options: tuple[Written, ...] = ()
    bind_option: Argument = "--bind"


class Modules(Part):
    """Environment modules, loaded at the start of every job."""

    purge: bool = True
    use: tuple[Argument, ...] = Field((), description="folders for `module use`")
    load: tuple[Argument, ...] = ()


class Requeue(Part):
    """How a job outlives its time limit, a preemption and a lost node."""

    allowed: bool = Field(True, description="whether jobs may be started again under the same number")
    signal_seconds: int = Field(
        600, ge=10, description="how long before the limit a job is told to save and stop; Slurm may be 60 s early"
    )
    restarts: int = Field(10, ge=0, description="most of them, for one job")
    quiet_minutes: float = Field(
        60,
        ge=0,
        le=2880,
        description="a job that writes nothing for so long, in its log or its steps' folders, hangs: it is ended and started again; 0: never",
    )


class Engine(Part):
    """What of a recipe's engine `vllm-server` depends on the machine."""

    command: tuple[Argument, ...] = Field(
        (), description="how to start Python where vLLM lives, if not as Kielo itself is"
    )
    extra_args: tuple[Argument, ...] = ()
