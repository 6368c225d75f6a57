"""`kielo profile new`: what was answered, written out as a profile with comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+-]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
_CPU_CORES, _CPU_GB = 16, 32.0
"""What a job without a device asks for at most, unless its user says otherwise."""


@dataclass(frozen=True)
class Place:
    """A partition as it goes into a profile."""

    name: str
    cores: int
    memory_gb: float
    hours: float
    devices: int = 0
    gres: str | None = None
    nodes: int | None = None
    whole_nodes: bool = False


@dataclass(frozen=True)
class Answers:
    """What a new profile says."""

    name: str
    base: str | None = None
    account: str | None = None
    account_needed: bool = False
    architecture: str = "x86_64"
    device: str | None = None
    gpu: Place | None = None
    cpu: Place | None = None
    train_nodes: int | None = None
    """None: as the profile that it is laid over."""
    image: str | None = None
    image_command: str = "apptainer"
    scratch: str | None = None


def profile_text(answers: Answers) -> str:
    """Write a profile's file."""
    return "".join(f"{line}\n" for line in _lines(answers))


def _lines(answers: Answers) -> Iterator[str]:
    yield f"# Written by `kielo profile new {answers.name}`. docs/profile.md says what else can stand here."
    yield "# Compare it with the cluster: kielo doctor --profile, with the path of this file"
    if answers.base:
        yield f"based_on: {scalar(answers.base)}"
    if answers.account:
        yield f"account: {scalar(answers.account)}"
    if answers.base is None:
        yield from _whole(answers)
    elif answers.train_nodes:
        yield f"jobs: {{train: {{nodes: {answers.train_nodes}}}}}"
    yield from _container(answers)
    if answers.scratch:
        yield f"hub_cache: {scalar(answers.scratch.rstrip('/') + '/hf-cache')} # models and data sets; compute nodes must see it"


def _whole(answers: Answers) -> Iterator[str]:
    if answers.account_needed:
        yield "account_needed: true"
    yield f"architecture: {scalar(answers.architecture)}"
    yield f"device: {scalar(answers.device) if answers.device else 'null'} # of slurm/devices.yaml; null: `kielo plan` knows no memory"
    yield "partitions: # billing is not known to Slurm: `kielo plan` counts hours of devices and of cores"
    places = {place.name: place for place in (answers.gpu, answers.cpu) if place}
    for place in places.values():
        yield f"  {_partition(place)}"
    yield "jobs: # hours: how long a job may take; one that needs more goes on where it stopped"
    yield from (f"  {line}" for line in _jobs(answers))
    threads = max(1, answers.gpu.cores // answers.gpu.devices) if answers.gpu and answers.gpu.devices else 1
    yield "environment:"
    yield f'  OMP_NUM_THREADS: "{threads}" # cores beside one device'
    yield '  TOKENIZERS_PARALLELISM: "false"'
    # Compilers' caches on shared file systems are slow, and race.
    for name, folder in (
        ("TRITON_CACHE_DIR", "triton"),
        ("TORCHINDUCTOR_CACHE_DIR", "inductor"),
        ("VLLM_CACHE_ROOT", "vllm"),
    ):
        yield f'  {name}: "/tmp/{{user}}-{folder}-{{job}}"'


def _partition(place: Place) -> str:
    gres = f", gres: {scalar(place.gres)}" if place.gres else ""
    devices = f"devices: {place.devices}{gres}, " if place.devices else ""
    whole = "allocation: node, " if place.whole_nodes else ""
    nodes = f", nodes: {place.nodes}" if place.nodes else ""
    share = "devices: 1" if place.devices else "cores: 1"
    unit = "GPU-hours" if place.devices else "CPU-core-hours"
    return (
        f"{scalar(place.name)}: {{{whole}node: {{{devices}cores: {place.cores}, memory_gb: {place.memory_gb:g}}}, "
        f"hours: {place.hours:g}{nodes}, billing: {{unit: {unit}, each: 1, {share}}}}}"
    )


def _jobs(answers: Answers) -> Iterator[str]:
    cpu = answers.cpu or answers.gpu
    gpu = answers.gpu or answers.cpu
    if cpu is None or gpu is None:
        raise ValueError("a profile needs a partition")
    amount = f"cores: {min(_CPU_CORES, cpu.cores)}, memory_gb: {min(_CPU_GB, cpu.memory_gb):g}"
    taken = "" if cpu.whole_nodes else f", {amount}"
    yield f"cpu: {{partition: {scalar(cpu.name)}, hours: {min(12.0, cpu.hours):g}{taken}}}"
    at = f"partition: {scalar(gpu.name)}"
    yield f"translate: {{{at}, hours: {min(12.0, gpu.hours):g}, shards: 4}} # a job takes as many devices as one copy of the model needs"
    yield f"train: {{{at}, hours: {min(24.0, gpu.hours):g}, nodes: {answers.train_nodes}}} # a full training takes 16 bytes a parameter, over all devices"
    yield f"evaluate: {{{at}, hours: {min(12.0, gpu.hours):g}, models: 2}}"


def _container(answers: Answers) -> Iterator[str]:
    if answers.image is None:
        return
    options = "" if not answers.device or answers.device == "cpu" else f", options: [{_device_option(answers.device)}]"
    yield f"container: {{image: {scalar(answers.image)}, command: [{scalar(answers.image_command)}, exec]{options}}}"


def _device_option(device: str) -> str:
    return "--rocm" if device.startswith("mi") else "--nv"


def scalar(text: str) -> str:
    """Write a text as YAML reads it back, in quotes where it must."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else json.dumps(text, ensure_ascii=False)
