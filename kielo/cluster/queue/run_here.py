"""Profiles without a scheduler: the scripts run on this machine one after the other, their output shown and kept."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from kielo.cluster.frozen import LOGS, jobs_folder
from kielo.cluster.queue.manifest import Entry, Manifest
from kielo.cluster.queue.results import Results
from kielo.errors import ClusterError
from kielo.execute import say
from kielo.plan import Step
from kielo.run_folder import RunFolder


def run_here(run: RunFolder, plan: Sequence[Step], manifest: Manifest, dry_run: bool = False) -> None:
    """Run what is missing of every job, element by element, up to the first that fails.

    Raises:
        ClusterError: a script failed, or ended without its result.
    """
    steps = {step.name: step for step in plan}
    for entry in manifest.jobs:
        for number, tasks in enumerate(entry.elements):
            if Results(run, steps).done(tasks):
                continue
            title = f"{entry.name} {number}" if entry.is_array else entry.name
            say(f"{title}: {', '.join(map(str, tasks))}")
            if dry_run:
                continue
            log = jobs_folder(run) / LOGS / f"{entry.name}-here{f'_{number}' if entry.is_array else ''}.log"
            code = _run(jobs_folder(run) / entry.file, entry, number, log)
            if code != 0 or not Results(run, steps).done(tasks):
                ended = f"ended with exit code {code}" if code else "ended without a result"
                raise ClusterError(f"{title} {ended}; what it said is in {log}, and kielo resubmit goes on from here.")


def _run(script: Path, entry: Entry, number: int, log: Path) -> int:
    """Run a script, show what it says and keep it; if we are stopped, it is asked to stop and waited for."""
    element = {"SLURM_ARRAY_TASK_ID": str(number)} if entry.is_array else {}
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("ab") as kept,
        subprocess.Popen(
            ["bash", str(script)],
            env={**os.environ, **element},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as script_process,
    ):
        try:
            _copy(script_process, kept.fileno())
        except KeyboardInterrupt:
            script_process.terminate()
            _copy(script_process, kept.fileno())
            raise
        return script_process.wait()


def _copy(process: subprocess.Popen[bytes], kept: int) -> None:
    assert process.stdout is not None
    while part := os.read(process.stdout.fileno(), 1 << 16):
        os.write(kept, part)
        sys.stderr.buffer.write(part)
        sys.stderr.flush()
