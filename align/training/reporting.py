"""What a training reports to besides metrics.jsonl (`trainer: {report_to: ...}`), under which names, and whether its package is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from align.training.job import Job
from kielo.errors import MissingExtraError
from kielo.plan import Step


def report_arguments(job: Job) -> dict[str, Any]:
    """Name the services that a recipe asks for, with project and run after the run folder and the step; TRL's arguments.

    Raises:
        MissingExtraError: the package of one is not installed.
    """
    named = _named(job.trainer)
    for sentence in _lacking(job.kind, job.trainer):
        raise MissingExtraError(sentence)
    if not named:
        return {"report_to": "none"}
    return {"report_to": named, "project": job.folder.parents[1].name, "run_name": f"{job.kind}/{job.folder.name}"}


def lacking_trackers(steps: Iterable[Step]) -> list[str]:
    """Say of each tracker that trainings among some steps report to and that is not installed here; nothing is imported."""
    said = [sentence for step in steps if step.kind in ("sft", "dpo") for sentence in _lacking(step.kind, step.running)]
    return list(dict.fromkeys(said))


def _lacking(kind: str, trainer: Mapping[str, Any]) -> Iterator[str]:
    for name in _named(trainer):
        if find_spec(name) is None:
            yield f"{kind}.trainer.report_to: {name} is not installed; pip install {name}, or leave the key out."


def _named(trainer: Mapping[str, Any]) -> list[str]:
    written = trainer.get("report_to") or []
    return [name for name in ([written] if isinstance(written, str) else written) if name != "none"]
