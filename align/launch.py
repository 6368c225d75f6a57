"""One process of a training that a launcher (torchrun, accelerate, srun) started: `python -m align.sft job.json`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from kielo.errors import KieloError


def run_process(train: Callable[[Path], None], arguments: list[str]) -> int:
    """Train the job named on the command line; a user's mistake is one sentence and exit code 2."""
    if len(arguments) != 1:
        print("usage: python -m align.sft JOB.JSON (or align.dpo), the job.json that preparing the step wrote", file=sys.stderr)
        return 2
    try:
        train(Path(arguments[0]))
    except KieloError as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        _leave_group()
    return 0


def _leave_group() -> None:
    from torch import distributed

    if distributed.is_initialized():
        distributed.destroy_process_group()
