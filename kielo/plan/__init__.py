"""The plan: a recipe spelled out as steps with their inputs; the laptop walks it and Slurm is handed the same one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kielo.errors import UsageError
from kielo.plan.alignment import alignment_steps
from kielo.plan.evaluation import eval_steps
from kielo.plan.selection import selection_steps
from kielo.plan.steps import STAGES, Kind, Outcome, Step, Workplace
from kielo.plan.translation import data_steps
from kielo.provenance import versions
from kielo.recipe.reading import nearest
from kielo.recipe.trainings import tuned_models
from kielo.schema import Recipe

__all__ = [
    "STAGES", "Kind", "Outcome", "Step", "Workplace", "fields_of", "make_plan", "needed_for", "select", "tuned_models",
]  # fmt: skip


def make_plan(recipe: Recipe, limit: int | None = None) -> list[Step]:
    """Spell a recipe out as steps, every step after its inputs; `limit` keeps the first rows of each data set."""
    steps = [
        *data_steps(recipe, limit), *selection_steps(recipe, limit), *alignment_steps(recipe), *eval_steps(recipe)
    ]  # fmt: skip
    report = {"name": recipe.name, "description": recipe.description}
    return [*steps, Step("report", "report", report, tuple(step.name for step in steps), derived=True)]


def select(plan: list[Step], patterns: tuple[str, ...]) -> list[Step]:
    """Find the steps that names or their beginnings ask for: `sft` and `sft/neftune` both are.

    Raises:
        UsageError: nothing in the plan has that name.
    """
    chosen: list[Step] = []
    for pattern in patterns:
        found = [step for step in plan if step.name == pattern or step.name.startswith(pattern.rstrip("/") + "/")]
        if not found:
            raise UsageError(f"no step '{pattern}' in this plan; {nearest(pattern, [step.name for step in plan])}")
        chosen += [step for step in found if step not in chosen]
    return [step for step in plan if step in chosen]


def needed_for(plan: list[Step], kinds: tuple[Kind, ...]) -> list[Step]:
    """Keep the steps of some kinds and everything they stand on."""
    by_name = {step.name: step for step in plan}
    wanted = {step.name for step in plan if step.kind in kinds}
    for step in reversed(plan):
        if step.name in wanted:
            wanted |= set(by_name[step.name].inputs)
    return [step for step in plan if step.name in wanted]


def fields_of(step: Step, input_digests: Mapping[str, str]) -> dict[str, Any]:
    """Collect everything that determines a step's result, for its fingerprint and for the list of differences."""
    return {**step.settings, "inputs": dict(input_digests), "versions": versions(step.versions)}
