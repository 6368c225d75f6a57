"""What `kielo status --json` prints: the jobs and steps of a run as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kielo.cluster.queue.standing import Element, Look
from kielo.plan import Step
from kielo.run_folder import RunFolder
from kielo.schema import Recipe


def to_document(
    recipe: Recipe, plan: Sequence[Step], folder: RunFolder, now: Look | None, quiet: Mapping[Element, float]
) -> dict[str, Any]:
    """Say where jobs and steps stand; `jobs` is null where nothing was submitted.

    `quiet`: for how many seconds running elements have written nothing.
    """
    return {
        "recipe": recipe.name, "folder": str(folder.path), "silence": now.silence if now else None,
        "jobs": _jobs(now, quiet) if now else None, "steps": [_step(step, folder) for step in plan],
    }  # fmt: skip


def _jobs(now: Look, quiet: Mapping[Element, float]) -> list[dict[str, Any]]:
    return [
        {
            "job": entry.name, "element": number, "makes": [str(task) for task in entry.elements[number]],
            "state": each.state, "id": each.id, "reason": each.reason, "time": each.time,
            "partition": each.partition or entry.partition, "quiet_seconds": quiet.get((entry.name, number)),
        }
        for entry in now.manifest.jobs
        for number, each in enumerate(now.of(entry))
    ]  # fmt: skip


def _step(step: Step, folder: RunFolder) -> dict[str, Any]:
    standing, record = folder.standing(step), folder.record(step.name)
    return {
        "step": step.name, "kind": step.kind, "state": standing.state, "changes": list(standing.changes),
        "seconds": record["wall_seconds"] if record else None,
    }  # fmt: skip
