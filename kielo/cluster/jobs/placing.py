"""From plan to jobs: units (`units.py`) are grouped (`grouping.py`), named, and given what they ask of a node (`resources.py`)."""

from __future__ import annotations

from collections.abc import Sequence

from kielo.cluster.jobs.grouping import Group, afters, groups_of
from kielo.cluster.jobs.job import After, Job
from kielo.cluster.jobs.naming import names_of
from kielo.cluster.jobs.refusals import refuse_unfit
from kielo.cluster.jobs.resources import resources_of
from kielo.cluster.jobs.serving import devices_of_server, served_engines
from kielo.cluster.jobs.units import units_of
from kielo.cluster.profiles.profile import Profile
from kielo.errors import RecipeError, UsageError
from kielo.plan import Step, select
from kielo.run_folder import RunFolder
from kielo.schema import Recipe

__all__ = ["place", "refuse_unfit"]


def place(
    recipe: Recipe, plan: Sequence[Step], profile: Profile, run: RunFolder, only: tuple[str, ...] = ()
) -> list[Job]:
    """Lay a plan, or the steps of it that `only` keeps, on a cluster; complete steps are placed, too.

    Every job stands after those that it waits for.

    Raises:
        UsageError: `only` names no step, or keeps one whose inputs are neither kept nor complete.
        RecipeError: a model does not fit the devices that a server of it would have.
    """
    steps = select(list(plan), only) if only else list(plan)
    _refuse_missing_inputs(steps, plan, run)
    by_name = {step.name: step for step in steps}
    groups = groups_of(units_of(recipe, steps, profile), steps, profile.jobs.evaluate.models)
    names = names_of(groups, steps)
    waits = afters(groups, names, steps)
    return [
        _job(group, name, after, by_name[group.steps[0]], recipe, profile)
        for group, name, after in zip(groups, names, waits, strict=True)
    ]


def _refuse_missing_inputs(steps: Sequence[Step], plan: Sequence[Step], run: RunFolder) -> None:
    kept = {step.name for step in steps}
    for step in steps:
        missing = [name for name in step.inputs if name not in kept and run.record(name) is None]
        if missing:
            raise UsageError(
                f"--only: step {step.name} needs {', '.join(missing)}, not complete in {run.path}; add --only for that, too, or leave --only out."
            )


def _job(group: Group, name: str, after: tuple[After, ...], step: Step, recipe: Recipe, profile: Profile) -> Job:
    use = profile.use(group.use)
    partition = profile.partitions[use.partition]
    each, serves = 1, []
    if group.use in ("translate", "evaluate"):
        each = devices_of_server(recipe, step, profile, partition.node)
        serves = served_engines(recipe, step)
    resources = resources_of(profile, group.use, each)
    servers = resources.devices // each if resources.devices else max((engine.servers for engine in serves), default=0)
    if serves and not servers:
        raise RecipeError(
            f"profile {profile.name}: jobs.{group.use}.devices: {resources.devices} do not hold a server of {step.name}, "
            f"which takes {each}; give it that many."
        )
    limits = [limit for limit in (use.at_once, partition.running) if limit and limit < len(group.elements)]
    return Job(
        name, group.use, group.body, group.elements, resources, after, min(limits, default=None),
        servers if serves else None, each if serves else None,
    )  # fmt: skip
