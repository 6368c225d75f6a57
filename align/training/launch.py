"""The processes of a training: one for every GPU of this machine, or those that srun or torchrun start themselves."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from align.training.failures import is_lost_peer
from align.training.stopping import STOPPED, Stopped, StopRequest
from kielo.cpu_masks import bind_rank
from kielo.errors import FULL, KieloError, UsageError
from kielo.provenance import CHECKOUT
from kielo.run_folder import RunFolder, job_patience_seconds, training_lock

WORLD_SIZE = "KIELO_WORLD_SIZE"
"""Set by whoever starts the processes: how many there must be."""


def train_here(module: str, job: Path, train: Callable[[Path], None], processes: int | None = None) -> None:
    """Train in this process, or in one for each of several GPUs (`processes`: that many, whatever the GPUs).

    One process over several GPUs would be torch's DataParallel, which multiplies the global batch by their number.

    Raises:
        KieloError: a process of the training failed; it has said why itself.
        Stopped: a signal asked the training to stop; it has left a checkpoint.
    """
    if processes is None:
        import torch

        processes = torch.cuda.device_count()  # ROCm's devices are counted here, too
    StopRequest(job.parent).done()  # what a start that was killed has left
    if processes < 2:
        train(job)
        return
    code = _launch(module, job, processes)
    if code == STOPPED:
        raise Stopped
    if code != 0:
        raise KieloError(
            f"the {processes} processes of {job} ended with exit code {code}; what they said stands above, and the same command goes on from the last checkpoint."
        )


def _launch(module: str, job: Path, processes: int) -> int:
    """Run the processes by torch's elastic agent; returns the exit code of the first that failed, that of a stop, or 0.

    The agent would end them 30 seconds after a signal, and does not know SIGUSR1: signals are ours, and reach the
    processes as a file.
    """
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)  # the processes speak for themselves
    config = LaunchConfig(
        min_nodes=1, max_nodes=1, nproc_per_node=processes, run_id=f"kielo-{os.getpid()}", rdzv_backend="c10d",
        rdzv_endpoint="localhost:0", local_addr="localhost", max_restarts=0, signals_to_handle="SIGQUIT",
    )  # fmt: skip
    request = StopRequest(job.parent)
    with _environment(processes), request.listen(patient=False, then=request.hand_on):
        try:
            elastic_launch(config, sys.executable)("-m", module, str(job))
            stopped = request.asked()
        except ChildFailedError as error:
            codes = {failure.exitcode for failure in error.failures.values()}
            return STOPPED if STOPPED in codes else int(error.get_first_failure()[1].exitcode)
        finally:
            request.done()
    return STOPPED if stopped else 0


@contextmanager
def _environment(processes: int) -> Iterator[None]:
    """Set what the processes inherit: where Kielo's modules lie, how many processes there must be, their share of the cores."""
    paths = os.pathsep.join(filter(None, (str(CHECKOUT), os.environ.get("PYTHONPATH"))))
    threads = os.environ.get("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    ours = {"PYTHONPATH": paths, WORLD_SIZE: str(processes), "OMP_NUM_THREADS": threads}
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def is_launched() -> bool:
    """Tell whether torchrun, or whatever speaks its language, started this process as one of a world."""
    return "WORLD_SIZE" in os.environ


@contextmanager
def lease(folder: Path) -> Iterator[None]:
    """Hold a training against every other start of it, on this machine or another, for as long as it runs.

    The first process holds it for all. Between preparing a training and collecting its result nobody else works on
    the step, so that the step's own lock is free then.

    Raises:
        RunFolderError: another start of this training still runs.
    """
    if os.environ.get("RANK", "0") != "0":
        yield
        return
    step = f"{folder.parent.name}/{folder.name}"
    with RunFolder(folder.parents[1], job_patience_seconds()).lock(training_lock(step)):
        yield


def check_world() -> None:
    """Refuse to train as a world of fewer processes than were started: each would train alone, over the other's files.

    Raises:
        UsageError: the launcher's environment does not give this process its place among the others.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    expected, tasks = os.environ.get(WORLD_SIZE), os.environ.get("SLURM_STEP_NUM_TASKS", "1")
    if expected is not None and int(expected) != world:
        raise UsageError(
            f"this process sees {world} of the {expected} processes that {WORLD_SIZE} names, so each part would train by itself; look how the launcher sets WORLD_SIZE and the node's rank (in a quoted command for srun, $SLURM_PROCID must not be expanded before srun)."
        )
    if "WORLD_SIZE" not in os.environ and int(tasks) > 1:
        raise UsageError(
            f"srun started {tasks} processes that know nothing of each other (WORLD_SIZE is not set), so each would train by itself; start them by torchrun, one task for each node."
        )


def run_process(train: Callable[[Path], None], arguments: list[str]) -> int:
    """Train the job named on the command line; a user's mistake is one sentence and exit code 2, a stop 130 (launched: 0 and the file STOP)."""
    if len(arguments) != 1:
        print(
            "usage: python -m align.sft JOB.JSON (or align.dpo), the job.json that preparing the step wrote",
            file=sys.stderr,
        )
        return 2
    bind_rank()
    try:
        train(Path(arguments[0]))
    except KieloError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in FULL:
            raise
        print(f"{error.filename or arguments[0]}: no space left; make room, the same command goes on.", file=sys.stderr)
        return 2
    except Stopped:
        if not is_launched():
            return STOPPED
    except KeyboardInterrupt:
        return STOPPED
    except RuntimeError as error:
        if not is_lost_peer(error):
            raise
        print("another process of this training ended; what it said stands above.", file=sys.stderr)
        return 2
    _leave_group()
    return 0


def _leave_group() -> None:
    """Take leave of the other processes; not after an error, when they may wait for something else."""
    from torch import distributed

    if distributed.is_initialized():
        distributed.destroy_process_group()
