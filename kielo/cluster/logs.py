"""`kielo logs`: the newest log of a run, of one of its jobs, or of the job that made a step."""

from __future__ import annotations

import argparse
import os
import re
import time
from pathlib import Path
from typing import BinaryIO

from kielo.cluster.frozen import LOGS, jobs_folder
from kielo.cluster.queue.manifest import Entry, Manifest
from kielo.cluster.which_run import add_run, run_of, submitted
from kielo.errors import UsageError
from kielo.options.values import positive
from kielo.recipe.reading import nearest
from kielo.run_folder import RunFolder

_SECONDS = 0.5
_MOST_BYTES = 16 << 20
"""The end of a log that its last lines are looked for in: one line of zeros may be larger than the memory."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What would steer the terminal: a log holds what a model said."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    add_run(parser)
    parser.add_argument(
        "of", nargs="?", metavar="JOB|STEP", help="a job, an element of it (sft_2), or a step (default: the newest log)"
    )
    parser.add_argument("--lines", type=positive, default=100, metavar="N", help="the last N lines (default: 100)")
    parser.add_argument("--follow", action="store_true", help="go on with what is added, until Ctrl-C")


def run(arguments: argparse.Namespace) -> None:
    """Print the newest log that is asked for.

    Raises:
        UsageError: there is no such job, element or step, or it has said nothing yet.
        RunFolderError: nothing was submitted.
    """
    folder = run_of(arguments)
    path = newest(folder, submitted(folder), arguments.of)
    print(f"== {path} ==", flush=True)
    with path.open("rb") as stream:
        for line in _last(stream, arguments.lines):
            _print(line)
        while arguments.follow:
            for line in stream:
                _print(line)
            time.sleep(_SECONDS)


def newest(folder: RunFolder, manifest: Manifest, of: str | None) -> Path:
    """Find the log that was written to last, of all or of one job, element or step.

    Raises:
        UsageError: there is no such job, element or step, or it has said nothing yet.
    """
    place = jobs_folder(folder) / LOGS
    patterns = [_pattern(entry, number) for entry, number in _chosen(manifest, of)]
    found = [path for path in place.glob("*.log") if any(pattern.fullmatch(path.name) for pattern in patterns)]
    if not found:
        raise UsageError(f"no log{f' of {of}' if of else ''} in {place} yet; kielo status shows where its jobs stand.")
    return max(found, key=lambda path: path.stat().st_mtime_ns)


def _chosen(manifest: Manifest, of: str | None) -> list[tuple[Entry, int | None]]:
    """List jobs, or elements of arrays, by the name of a job, `job_element`, a step, or a step's shard."""
    if of is None:
        return [(entry, None) for entry in manifest.jobs]
    job, _, number = of.rpartition("_")
    tasks = [
        (entry, place if entry.is_array else None, task)
        for entry in manifest.jobs
        for place, element in enumerate(entry.elements)
        for task in element
    ]
    found: list[tuple[Entry, int | None]] = [(entry, None) for entry in manifest.jobs if entry.name == of]
    found += [
        (entry, int(number))
        for entry in manifest.jobs
        if entry.name == job and number.isdecimal() and entry.is_array and int(number) < len(entry.elements)
    ]
    found += [(entry, place) for entry, place, task in tasks if of in (task.step, str(task))]
    if not found:
        known = dict.fromkeys([*(entry.name for entry in manifest.jobs), *(task.step for _, _, task in tasks)])
        raise UsageError(f"no job or step '{of}' in this run; {nearest(of, list(known))}")
    return found


def _pattern(entry: Entry, element: int | None) -> re.Pattern[str]:
    """Match the names of a job's logs: `sft-12_3.log`, or `sft-here_3.log` where no Slurm was."""
    number = r"\d+" if element is None else str(element)
    return re.compile(rf"{re.escape(entry.name)}-(\d+|here){f'_{number}' if entry.is_array else ''}\.log")


def _last(stream: BinaryIO, lines: int) -> list[bytes]:
    """Read the last lines of a file up to its end; a carriage return ends one, too, as progress bars have it."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _MOST_BYTES))
    found = stream.read().splitlines(keepends=True)
    if len(found) < lines and size > _MOST_BYTES:
        print(f"== the last {_MOST_BYTES >> 20} MiB of it ==")
    return found[-lines:]


def _print(line: bytes) -> None:
    text = line.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    print(_CONTROL.sub("\ufffd", _COLOURS.sub("", text)), end="", flush=True)
