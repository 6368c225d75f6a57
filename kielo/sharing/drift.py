"""Refuses a recipe that says something else than what a run was made with: a card tells what happened, not what is planned."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kielo.errors import UsageError
from kielo.plan.alignment import alignment_steps
from kielo.plan.steps import Step
from kielo.plan.translation import data_steps
from kielo.provenance import canonical, differences
from kielo.run_folder import RunFolder
from kielo.schema import Dataset, Recipe
from kielo.sharing.places import without_places

_NOT_COMPARED = frozenset({"inputs", "versions", "limit", "licence", "model", "chat_template"})
"""What a record tells by itself, what is for publishing alone, and digests of files: those may have moved or been updated since."""
_WHOLE = ("datasets", "trainer")
"""Keys here are as the recipe writes them: one that was not there before is a change, elsewhere it is a newer version's default."""


def refuse_drifted(recipe: Recipe, run: RunFolder, steps: Iterable[str]) -> None:
    """Compare what a recipe says of some complete steps with what they were made with.

    Raises:
        UsageError: a setting is another one; the sentence names the first step of which that is so.
    """
    plan = {step.name: step for step in _plan(recipe)}
    kinds = {step.kind for step in plan.values()}
    for name in steps:
        record = run.record(name)
        if record is None or (name not in plan and record["kind"] not in kinds - {"tokens", "reference", "mix"}):
            continue
        if name not in plan:
            raise UsageError(f"{run.folder(name)}: the recipe does not make {name} any more; name the one that did.")
        old = _compared(record["fields"])
        changes = list(differences(old, _as_far_as(_compared(json.loads(canonical(plan[name].settings))), old)))
        if changes:
            raise UsageError(
                f"{run.folder(name)}: {name} was made with other settings than the recipe has now ({'; '.join(changes)}); put "
                f"them back, or make it again with --redo {name}."
            )


def _plan(recipe: Recipe) -> Iterator[Step]:
    """Make the steps of data and trainings; trainings only where the file that their plan reads is still here."""
    yield from data_steps(recipe, None)
    template = recipe.chat_template_path
    if template is None or template.is_file():
        yield from alignment_steps(recipe)


def _compared(value: Any, key: str = "") -> Any:
    if isinstance(value, Mapping):
        kept = {name: _compared(each, name) for name, each in value.items() if _counts(name)}
        if key == "datasets":
            return {name: _with_defaults(place) for name, place in kept.items()}
        return kept
    return [_compared(each) for each in value] if isinstance(value, list) else without_places(value)


def _counts(key: str) -> bool:
    return key not in _NOT_COMPARED and not key.startswith("content of")


def _with_defaults(place: Mapping[str, Any]) -> dict[str, Any]:
    """Write a data set out: a default may be spelled out in one recipe and left out in the other."""
    plain = {name: field.get_default(call_default_factory=True) for name, field in Dataset.model_fields.items()}
    return {name: _compared(value) for name, value in {**plain, **place}.items() if _counts(name)}


def _as_far_as(new: Any, old: Any) -> Any:
    """Leave out what an older version did not write yet."""
    if isinstance(new, Mapping) and isinstance(old, Mapping):
        return {
            key: value if key in _WHOLE else _as_far_as(value, old[key]) for key, value in new.items() if key in old
        }
    if isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        return [_as_far_as(mine, theirs) for mine, theirs in zip(new, old, strict=True)]
    return new
