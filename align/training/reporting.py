"""What a training reports to besides metrics.jsonl (`trainer: {report_to: ...}`), and under which names."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from align.training.job import Job
from kielo.errors import MissingExtraError


def report_arguments(job: Job) -> dict[str, Any]:
    """Name the services that a recipe asks for, with project and run after the run folder and the step; TRL's arguments.

    Raises:
        MissingExtraError: the package of one is not installed.
    """
    written = job.trainer.get("report_to") or []
    named = [name for name in ([written] if isinstance(written, str) else written) if name != "none"]
    for name in named:
        if find_spec(name) is None:
            raise MissingExtraError(
                f"{job.kind}.trainer.report_to: {name} is not installed; pip install {name}, or leave the key out."
            )
    if not named:
        return {"report_to": "none"}
    return {"report_to": named, "project": job.folder.parents[1].name, "run_name": f"{job.kind}/{job.folder.name}"}
