"""How long running elements of a run's jobs have written nothing, for `kielo status`; jobs' scripts watch for it themselves."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from kielo.cluster.frozen import LOGS, jobs_folder
from kielo.cluster.jobs.job import Task
from kielo.cluster.queue.manifest import Entry
from kielo.cluster.queue.standing import Element, Look
from kielo.run_folder import RunFolder

LONG_SECONDS = 30 * 60.0
"""From here on it is worth a look: loading a model or saving a checkpoint takes less."""


def quiet_elements(folder: RunFolder, now: Look) -> dict[Element, float]:
    """Tell for each running element that has a log how many seconds ago something was written, there or by its steps."""
    found = {}
    for entry in now.manifest.jobs:
        for number, standing in enumerate(now.of(entry)):
            log = jobs_folder(folder) / LOGS / f"{entry.name}-{standing.id}.log"
            if standing.state == "running" and log.exists():
                newest = max(_written(log), *_by_steps(folder, entry, number))
                found[entry.name, number] = max(0.0, time.time() - newest)
    return found


def _by_steps(folder: RunFolder, entry: Entry, number: int) -> Iterator[float]:
    yield 0.0
    for task in entry.elements[number]:
        yield from _traces(folder, task)


def _traces(folder: RunFolder, task: Task) -> Iterator[float]:
    """Yield when a task's files were written; of a shard only its own record, for other shards write into the step's folder, too."""
    place = folder.folder(task.step)
    if task.shard is not None:
        yield _written(place / "shards" / f"{task.shard.replace('/', '-of-')}.json")
        return
    for inner, _, files in os.walk(place):
        yield _written(Path(inner))
        yield from (_written(Path(inner) / name) for name in files)


def _written(path: Path) -> float:
    """Read when a file was written to; one that is gone was never."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def written_length(seconds: float) -> str:
    """Write a time as hours and minutes: `0:47`."""
    return f"{int(seconds) // 3600}:{int(seconds) % 3600 // 60:02}"
