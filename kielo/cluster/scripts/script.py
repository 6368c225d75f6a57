"""A job as the file that sbatch is given: its directives, then the body of slurm/templates/ for what it makes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment

from kielo import cpu_masks
from kielo.cluster.frozen import LOGS, jobs_folder
from kielo.cluster.jobs.job import Body, Job, Resources, Task
from kielo.cluster.profiles.parts import OTHER_CACHES
from kielo.cluster.profiles.profile import Profile
from kielo.cluster.scripts.binding import masks_of, torchrun_options
from kielo.cluster.scripts.quoting import Directive, Filled, Late, environment, fill
from kielo.errors import UsageError
from kielo.languages.pack import OWN, PACKS, pack_folders
from kielo.provenance import CHECKOUT
from kielo.run_folder import RunFolder

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
RESERVED = frozenset(
    "asked signals at_work stop_file me run python code before step shard together nodes master torchrun limit tries "
    "watching ender made seen now looks hangs "
    "IFS UID EUID PPID BASHOPTS SHELLOPTS BASH_VERSINFO".split()
)
"""Variables of the scripts themselves (slurm/templates/), and those that bash lets nobody set or splits words by."""
_LOOKS = 12
"""How often a job that writes nothing is looked at until it is held to hang."""
_PATIENCE_SECONDS = 120
"""At most, for a job that hangs and is asked to stop."""
_HANGS = 3
"""A job that hung so often will hang again."""
_FEW_WORDS = 5
"""A call of more stands word by word on lines of its own."""
_TEMPLATES: Mapping[Body, str] = {
    "steps": "steps.sh.j2", "shards": "shards.sh.j2", "training": "training.sh.j2",
}  # fmt: skip


def script_text(job: Job, profile: Profile, recipe_name: str, run: RunFolder) -> str:
    """Write the script of a job.

    Raises:
        UsageError: a value of the profile, or the run folder's path, cannot stand in a script.
    """
    elements = [_calls(job.body, tasks) for tasks in job.elements]
    engine = () if job.servers is None else ("--servers", job.servers, "--tensor-parallel", job.tensor_parallel)
    asked = directives(job, profile, recipe_name, run)
    processes = job.resources.processes if job.body == "training" else job.resources.devices if job.servers else 0
    masks = masks_of(profile, job.resources, processes)
    values = _frame(profile, asked, job.resources, run.path.absolute(), job.is_array, masks)
    used = {call[0] for calls in elements for call in calls}
    made = {"elements": elements, "engine": engine, "used": used, "few": _FEW_WORDS}
    return _templates().get_template(_TEMPLATES[job.body]).render(values | made)


def network_text(profile: Profile, resources: Resources, folder: Path, limit_seconds: int = 120) -> str:
    """Write the script of `kielo preflight`: it measures the network and leaves network.json and network-ID.log in a folder.

    `limit_seconds` is that of every exchange between processes.

    Raises:
        UsageError: a value of the profile, or the folder's path, cannot stand in a script.
    """
    folder = folder.absolute()
    asked = _asked(profile, resources, "kielo-preflight", _literal(folder) + "/network-%j.log")
    # whoever measures waits for it: it is never started again
    masks = masks_of(profile, resources, resources.processes)
    values = _frame(profile, asked | {"no-requeue": None}, resources, folder, False, masks)
    return (
        _templates()
        .get_template("network.sh.j2")
        .render(values | {"restarts": 0, "quiet_minutes": "", "limit_seconds": limit_seconds})
    )


def directives(job: Job, profile: Profile, recipe_name: str, run: RunFolder) -> dict[str, str | None]:
    """List what a job asks of Slurm, option by option; None for an option without a value. Its dependencies are sbatch's."""
    log = f"{job.name}-%A_%a.log" if job.is_array else f"{job.name}-%j.log"
    output = f"{_literal(jobs_folder(run).absolute() / LOGS)}/{log}"
    asked = _asked(profile, job.resources, f"kielo-{recipe_name}-{job.name}", output)
    asked |= {"requeue" if profile.requeue.allowed else "no-requeue": None}
    asked |= {"signal": f"B:USR1@{profile.requeue.signal_seconds}", "kill-on-invalid-dep": "yes"}
    if job.body == "shards":
        asked["no-kill"] = None  # a lost node takes its own shard with it, not the others
    if job.is_array:
        throttle = f"%{job.at_once}" if job.at_once else ""
        asked["array"] = f"0-{len(job.elements) - 1}{throttle}"
    return asked


def _asked(profile: Profile, resources: Resources, name: str, output: str) -> dict[str, str | None]:
    partition = profile.partitions[resources.partition]
    gres = f"{partition.node.gres}:" if partition.node.gres else ""
    asked = {
        "job-name": name,
        "account": profile.account,
        "partition": resources.partition,
        "qos": partition.qos,
        "nodes": str(resources.nodes),
        "ntasks-per-node": "1",
        "cpus-per-task": str(resources.cores),
        "mem": _memory(resources.memory_gb),
        "gpus-per-node": f"{gres}{resources.devices}" if resources.devices else None,
        "time": _duration(resources.minutes),
        "output": output,
    }
    given: dict[str, str | None] = {key: value for key, value in asked.items() if value is not None}
    return given | {"open-mode": "append"}


def _memory(gb: float) -> str:
    return f"{int(gb)}G" if gb == int(gb) else f"{int(gb * 1024)}M"


def _duration(minutes: int) -> str:
    days, rest = divmod(minutes, 24 * 60)
    return f"{days}-{rest // 60:02}:{rest % 60:02}:00"


def _literal(folder: Path) -> str:
    """Write a path for a pattern of Slurm's, in which `%` begins a placeholder.

    Raises:
        UsageError: there is a backslash in it, which Slurm takes out.
    """
    if "\\" in str(folder):
        raise UsageError(f"{folder}: Slurm cannot write logs below a folder with a backslash; give --run another one.")
    return str(folder).replace("%", "%%")


def _calls(body: Body, tasks: Iterable[Task]) -> list[tuple[str, ...]]:
    """Name the function of the script that makes each task, with its arguments; neighbours that go into one call do."""
    tasks = tuple(tasks)
    if body == "training":
        return [("train", task.step, f"align.{task.step.partition('/')[0]}") for task in tasks]
    if body == "shards":
        return [("make_shards", tasks[0].step, *(str(task.shard) for task in tasks))]
    calls: list[tuple[str, ...]] = []
    for task in tasks:
        if task.shard is not None:
            calls.append(("make_shard", task.step, task.shard))
        elif calls and calls[-1][0] == "make_steps":
            calls[-1] += (task.step,)
        else:
            calls.append(("make_steps", task.step))
    return calls


def _frame(
    profile: Profile,
    asked: Mapping[str, str | None],
    resources: Resources,
    run: Path,
    is_array: bool,
    masks: tuple[str, ...],
) -> dict[str, Any]:
    """Give the values that every template has."""
    slurm = profile.scheduler == "slurm"
    known = {
        "user": Late("$USER" if slurm else "$(id -un)"), "job": Late("$SLURM_JOB_ID" if slurm else "$$"), "account": profile.account,
        "run": str(run), "checkout": str(CHECKOUT),
    }  # fmt: skip
    tasks = ("srun", f"--nodes={resources.nodes}", f"--ntasks={resources.nodes}", "--ntasks-per-node=1")
    cores = f"--cpus-per-task={resources.cores}"  # srun does not take it over from sbatch
    return {
        "slurm": slurm, "array": is_array, "run": run, "checkout": CHECKOUT,
        "directives": [Directive(key, value) for key, value in asked.items()] if slurm else [],
        "restarts": profile.requeue.restarts if slurm and profile.requeue.allowed else 0,
        "modules": list(_modules(profile)), "variables": list(_variables(profile, known, masks)), "python": list(_python(profile, known)),
        "srun_one": ("srun", "--nodes=1", "--ntasks=1", cores, *profile.srun), "srun_all": (*tasks, cores, *profile.srun),
        "nodes": resources.nodes, "processes": resources.processes, "world_size": resources.nodes * resources.processes,
        "master_address": profile.master_address, "torchrun": torchrun_options(profile, masks),
        "other_caches": OTHER_CACHES if profile.hub_cache else (), "container": profile.container is not None,
        **_watch(profile.requeue.quiet_minutes if slurm else 0),
    }  # fmt: skip


def _watch(quiet_minutes: float) -> dict[str, str | int]:
    """Give how often a job is looked at, for how long it may write nothing, and how long it then has to stop."""
    seconds = 60 * quiet_minutes
    return {
        "quiet_minutes": f"{quiet_minutes:g}" if quiet_minutes else "", "looks": _LOOKS, "look_seconds": f"{seconds / _LOOKS:g}",
        "hangs": _HANGS, "patience_seconds": f"{min(_PATIENCE_SECONDS, seconds):g}",
    }  # fmt: skip


def _modules(profile: Profile) -> Iterator[tuple[str, ...]]:
    if profile.modules is None:
        return
    if profile.modules.purge:
        yield ("module", "purge")
    for folder in profile.modules.use:
        yield ("module", "use", folder)
    if profile.modules.load:
        yield ("module", "load", *profile.modules.load)


def _variables(
    profile: Profile, known: Mapping[str, str | Late | None], masks: Sequence[str]
) -> Iterator[tuple[str, Filled]]:
    """List what the job's processes find in their environment; what the profile says holds.

    Raises:
        UsageError: a variable is named as one of the script's own.
    """
    own_packs = pack_folders()[0]
    if own_packs != PACKS and OWN not in profile.variables():
        yield OWN, Filled((str(own_packs),))
    cache = {} if profile.hub_cache is None else {"HF_HOME": profile.hub_cache}
    bound = {cpu_masks.VARIABLE: ",".join(masks)} if masks else {}
    for name, written in {**(OFFLINE if profile.offline else {}), **cache, **bound, **profile.variables()}.items():
        if name in RESERVED:
            raise UsageError(
                f"environment: '{name}' is a variable of bash or of Kielo's own scripts; use another name."
            )
        yield name, fill(written, known)


def _python(profile: Profile, known: Mapping[str, str | Late | None]) -> Iterator[tuple[str | Filled, ...]]:
    """Spell out how Python is started, line by line of the script."""
    container = profile.container
    if container is None:
        yield (profile.python or sys.executable,)
        return
    yield container.command
    for bind in container.binds:
        yield container.bind_option, fill(bind, known)
    for option in container.options:
        yield (fill(option, known),)
    yield (fill(container.image, known),)
    yield (profile.python or "python",)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return environment()
