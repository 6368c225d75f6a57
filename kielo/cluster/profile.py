"""What a cluster is and how a recipe's steps are laid on it: the schema of slurm/*.yaml, read as strictly as a recipe."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from kielo import strict_yaml
from kielo.errors import RecipeError, UsageError, at
from kielo.provenance import CHECKOUT
from kielo.recipe import nearest, sentence_of
from kielo.schema.parts import Name, Part

PROFILES = CHECKOUT / "slurm"
_DEVICES = "devices"
UseName = Literal["cpu", "translate", "train", "evaluate", "preflight"]
PLACEHOLDERS = ("user", "job", "account", "run", "checkout")
"""What `{...}` may stand for in an environment's value, a path or a bind: never anything that a shell would evaluate."""


def _known_placeholders(text: str) -> str:
    for part in text.split("{")[1:]:
        name, closed, _ = part.partition("}")
        if not closed or name not in PLACEHOLDERS:
            raise ValueError(
                f"'{{{name[:20]}' is no placeholder; known: {', '.join(f'{{{each}}}' for each in PLACEHOLDERS)}"
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
    cpu_masks: tuple[Annotated[str, Field(pattern="^0x[0-9a-fA-F]+$")], ...] = Field(
        (),
        description="cores beside each device, for srun --cpu-bind=mask_cpu, where all devices of a node are used by one task each",
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
    devices: int | None = Field(None, ge=0, description="on each node; default: all of it (cpu: none)")
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
    command: tuple[str, ...] = Field(
        ("singularity", "exec"), min_length=1, description="what starts it; its options follow"
    )
    binds: tuple[Written, ...] = Field((), description="folders seen inside, for --bind")
    options: tuple[Written, ...] = ()
    bind_option: str = "--bind"


class Modules(Part):
    """Environment modules, loaded at the start of every job."""

    purge: bool = True
    use: tuple[str, ...] = Field((), description="folders for `module use`")
    load: tuple[str, ...] = ()


class Requeue(Part):
    """How a job outlives its time limit, a preemption and a lost node."""

    allowed: bool = Field(True, description="whether jobs may be started again under the same number")
    signal_seconds: int = Field(
        600, ge=10, description="how long before the limit a job is told to save and stop; Slurm may be 60 s early"
    )
    restarts: int = Field(10, ge=0, description="most of them, for one job")


class Engine(Part):
    """What of a recipe's engine `vllm-server` depends on the machine."""

    command: tuple[str, ...] = Field((), description="how to start Python where vLLM lives, if not as Kielo itself is")
    extra_args: tuple[str, ...] = ()


class Profile(Part):
    """A cluster, as Kielo uses it."""

    name: Name = Field("", validate_default=False)
    description: str = ""
    scheduler: Literal["slurm", "none"] = Field(
        "slurm", description="none: the jobs' scripts run here, one after the other"
    )
    architecture: str = Field("x86_64", description="of its nodes, as `uname -m` says it")
    device: str | None = Field(None, description="a device of slurm/devices.yaml; null: no accelerators")
    account: Word | None = Field(None, description="who pays; also --account, or SBATCH_ACCOUNT")
    account_needed: bool = Field(False, description="whether Slurm refuses jobs without one")
    partitions: dict[Word, Partition] = Field(min_length=1)
    jobs: Uses
    generation: str | None = Field(None, description="of the image: which of `environments` holds")
    environment: dict[Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")], Written] = Field(
        {}, description="variables of every job"
    )
    environments: dict[str, dict[Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")], Written]] = Field(
        {}, description="image generation -> further variables: what one image needs hangs another"
    )
    modules: Modules | None = None
    container: Container | None = None
    python: str | None = Field(
        None,
        description="Python that has Kielo's packages, in the container if there is one; default: the submitting one, in a container `python`",
    )
    srun: tuple[str, ...] = Field((), description="further options of every srun")
    torchrun: tuple[str, ...] = Field(
        (), description="further options of torch.distributed.run, such as --numa-binding=exclusive"
    )
    engine: Engine = Engine()
    master_address: str | None = Field(None, description="of the first node; default: its host name")
    offline: bool = Field(True, description="compute nodes ask no hub; `kielo prefetch` brings what they need")
    hub_cache: Written | None = Field(None, description="HF_HOME of jobs and of `kielo prefetch`; default: the user's")
    node_local: tuple[str, ...] = Field(
        ("/tmp", "/dev/shm", "/run"), description="folders that other nodes do not see: no run folder may lie there"
    )
    requeue: Requeue = Requeue()

    @model_validator(mode="after")
    def _parts_agree(self) -> Profile:
        if self.generation is not None and self.generation not in self.environments:
            raise ValueError(
                f"generation '{self.generation}' is none of environments ({', '.join(self.environments) or 'none there'})"
            )
        for name in ("cpu", "translate", "train", "evaluate", "preflight"):
            use: Use | None = getattr(self.jobs, name)
            if use is not None and use.partition not in self.partitions:
                raise ValueError(
                    f"jobs.{name}: unknown partition '{use.partition}'; {nearest(use.partition, list(self.partitions))}".rstrip(
                        "."
                    )
                )
        return self

    def variables(self) -> dict[str, str]:
        """Give the variables of a job, those of the image's generation last."""
        return {**self.environment, **(self.environments[self.generation] if self.generation else {})}

    def use(self, name: UseName) -> Use:
        """Look a use up; a preflight that is not spelled out is two nodes of a training."""
        found: Use | None = getattr(self.jobs, name)
        return found or self.jobs.train.model_copy(update={"nodes": 2, "hours": 0.25})


def known_profiles() -> list[str]:
    """List the profiles that ship with Kielo."""
    return sorted(path.stem for path in PROFILES.glob("*.yaml") if path.stem != _DEVICES)


def load_profile(name: str, changes: Sequence[str] = (), account: str | None = None) -> Profile:
    """Read a profile by its name or its file; `changes` are `key.key=value` of the command line.

    Raises:
        UsageError: there is no such profile, or a change is not `key=value`.
        RecipeError: one sentence with the file, the line and the fix.
    """
    path = _file(name)
    values, lines = _read(path)
    for change in changes:
        _apply(values, change)
    if account is not None:
        values["account"] = account
    values.setdefault("name", path.stem)
    try:
        return Profile.model_validate(values)
    except ValidationError as error:
        raise RecipeError(sentence_of(error, path, lines, Profile)) from error


def _file(name: str) -> Path:
    shipped = PROFILES / f"{name}.yaml"
    if name in known_profiles():
        return shipped
    if Path(name).suffix in (".yaml", ".yml"):
        return Path(name)
    raise UsageError(
        f"--profile {name}: no such profile; {nearest(name, known_profiles())} Or give the path of a .yaml file."
    )


def _read(path: Path, seen: tuple[Path, ...] = ()) -> tuple[dict[str, Any], strict_yaml.Lines]:
    """Read a file over the one that its `based_on` names."""
    values, lines = strict_yaml.load(path)
    base = values.pop("based_on", None)
    if base is None:
        return values, lines
    place = at(path, lines["based_on",])
    if not isinstance(base, str) or path.resolve() in seen:
        raise RecipeError(f"{place}: based_on must name another profile, without a circle.")
    below = PROFILES / f"{base}.yaml" if base in known_profiles() else path.parent / base
    values_below, lines_below = _read(below, (*seen, path.resolve()))
    values_below.pop("name", None)
    return _over(values_below, values), {**lines_below, **lines}


def _over(base: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Lay nested mappings over one another; lists are replaced."""
    merged = dict(base)
    for key, value in values.items():
        below = base.get(key)
        merged[key] = _over(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def _apply(values: dict[str, Any], change: str) -> None:
    written, equals, value = change.partition("=")
    keys = written.split(".")
    if not equals or not all(keys):
        raise UsageError(f"--set {change}: write key.key=value, such as jobs.train.nodes=8.")
    inner: Any = values
    for key in keys[:-1]:
        inner = inner.setdefault(key, {})
        if not isinstance(inner, dict):
            raise UsageError(f"--set {change}: '{key}' of the profile holds no keys.")
    inner[keys[-1]] = strict_yaml.read_value(value)
