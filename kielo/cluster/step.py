"""`kielo step`: what a job's script runs; makes steps of a submitted recipe by the same rules as `kielo run`, or one part of them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from kielo.cluster.frozen import thaw, thaw_profile
from kielo.cluster.queue.checkout import other_code
from kielo.cluster.queue.manifest import read
from kielo.errors import RunFolderError, UsageError
from kielo.execute import say
from kielo.options.values import positive
from kielo.plan import Step
from kielo.plan.steps import SHARDED
from kielo.recipe.reading import nearest
from kielo.run_folder import RunFolder, job_patience_seconds
from kielo.schema import Recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    parser.add_argument(
        "run_folder", type=Path, metavar="RUN", help="the run folder that the recipe was submitted with"
    )
    parser.add_argument("steps", nargs="+", metavar="STEP", help="steps, made in this order")
    parser.add_argument(
        "--shard",
        metavar="I/N",
        help="of a translation, or of answers made anew: make the completions of every N-th record only",
    )
    parser.add_argument(
        "--part",
        choices=("prepare", "collect"),
        help="of a training: write its job.json, or record what torchrun has made of it",
    )
    parser.add_argument(
        "--servers", type=positive, metavar="N", help="vLLM servers on this node (default: the recipe's)"
    )
    parser.add_argument("--tensor-parallel", type=positive, metavar="N", help="devices of each (default: the recipe's)")


def run(arguments: argparse.Namespace) -> None:
    """Make the steps, or the part of one that is asked for; complete ones are left as they are.

    Raises:
        UsageError: the arguments do not fit together, or a step is not of the plan.
        RunFolderError: nothing was submitted in this folder, a step was made with other settings or is under way elsewhere.
    """
    folder = RunFolder(arguments.run_folder, job_patience_seconds())
    recipe, plan = thaw(folder)
    steps = _steps_named(arguments.steps, plan)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    _tell_other_code(folder)
    if arguments.part:
        _make_part(recipe, folder, steps, arguments)
    else:
        _make(recipe, folder, plan, steps, arguments)


def _tell_other_code(folder: RunFolder) -> None:
    """Say if this job runs other code of Kielo than it was queued by; what is wrong with the manifest stops no job."""
    number = os.environ.get("SLURM_ARRAY_JOB_ID") or os.environ.get("SLURM_JOB_ID")
    try:
        manifest = read(folder) if number else None
    except RunFolderError as error:
        say(str(error))
        return
    queued = manifest.submission(number) if manifest and number else None
    changed = other_code([queued.code]) if queued else None
    if changed:
        say(f"warning: {changed}")


def _steps_named(names: Sequence[str], plan: Sequence[Step]) -> tuple[Step, ...]:
    by_name = {step.name: step for step in plan}
    for name in names:
        if name not in by_name:
            raise UsageError(f"no step '{name}' in this plan; {nearest(name, list(by_name))}")
    return tuple(by_name[name] for name in names)


def _make_part(recipe: Recipe, folder: RunFolder, steps: Sequence[Step], arguments: argparse.Namespace) -> None:
    from kielo.execute import TRAININGS, collect_training, prepare_training

    if len(steps) > 1 or steps[0].kind not in TRAININGS or arguments.shard:
        raise UsageError(
            f"--part {arguments.part}: give one training (sft/..., reference/... or dpo/...), without --shard."
        )
    part = {"prepare": prepare_training, "collect": collect_training}[arguments.part]
    part(recipe, folder, steps[0])


def _make(
    recipe: Recipe, folder: RunFolder, plan: list[Step], steps: tuple[Step, ...], arguments: argparse.Namespace
) -> None:
    from kielo.cluster.machine_engines import Servers, on_machine
    from kielo.execute import Job, execute, tell_report
    from translate.shards import parse_shard

    shard = parse_shard(arguments.shard) if arguments.shard else None
    if shard and any(step.kind not in SHARDED for step in steps):
        raise UsageError(
            f"--shard {arguments.shard}: only translations (translate/...) and answers made anew (regenerate/...) are made in shards."
        )
    servers = Servers(arguments.servers, arguments.tensor_parallel, thaw_profile(folder).engine)
    execute(recipe, folder, Job(steps, shard=shard, on_machine=on_machine(recipe, servers)))
    if any(step.kind == "report" for step in steps):
        tell_report(recipe, folder, plan)
