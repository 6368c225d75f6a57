"""The processes of a training: one for every GPU of this machine, or those that srun or accelerate start themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from kielo.errors import KieloError
from kielo.provenance import CHECKOUT


def train_here(module: str, job: Path, train: Callable[[Path], None], processes: int | None = None) -> None:
    """Train in this process, or in one for each of several GPUs (`processes`: that many, whatever the GPUs).

    One process over several GPUs would be torch's DataParallel, which multiplies the global batch by their number.

    Raises:
        KieloError: a process of the training failed; it has said why itself.
    """
    if processes is None:
        import torch

        processes = torch.cuda.device_count()  # ROCm's devices are counted here, too
    if processes < 2:
        train(job)
        return
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    paths = os.pathsep.join(filter(None, (str(CHECKOUT), os.environ.get("PYTHONPATH"))))
    process = subprocess.Popen(
        [sys.executable, *launcher, "-m", module, str(job)], env={**os.environ, "PYTHONPATH": paths}
    )
    try:
        code = process.wait()
    except KeyboardInterrupt:
        process.terminate()  # the launcher ends its processes in turn
        process.wait()
        raise
    if code != 0:
        raise KieloError(
            f"the {processes} processes of {job} ended with exit code {code}; what they said stands above, and the same command goes on from the last checkpoint."
        )


def run_process(train: Callable[[Path], None], arguments: list[str]) -> int:
    """Train the job named on the command line; a user's mistake is one sentence and exit code 2."""
    if len(arguments) != 1:
        print(
            "usage: python -m align.sft JOB.JSON (or align.dpo), the job.json that preparing the step wrote",
            file=sys.stderr,
        )
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
