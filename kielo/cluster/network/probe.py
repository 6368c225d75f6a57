"""Tries the network between the processes of a job: `torchrun ... -m kielo.cluster.network.probe RESULT.json`, for `kielo preflight`."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from kielo.cpu_masks import bind_rank
from kielo.records import write_json

LIMIT_SECONDS = 120.0
GPU_BYTES = (1 << 20, 16 << 20, 64 << 20, 256 << 20)
CPU_BYTES = (64 << 10, 1 << 20, 4 << 20)
GROUPS = ("default", "second")
_REPETITIONS = 5
_FAILED = 2


def main(arguments: list[str]) -> int:
    """Measure in every process; returns 0, or 2 where processes could not reach each other."""
    parser = argparse.ArgumentParser(prog="kielo.cluster.network.probe", description=__doc__)
    parser.add_argument("result", type=Path, metavar="RESULT.json")
    parser.add_argument("--limit-seconds", type=float, default=LIMIT_SECONDS, metavar="S", help="of every stage")
    given = parser.parse_args(arguments)
    bind_rank()
    rank = int(os.environ["RANK"])
    stages = _Stages(given.limit_seconds, failure_file(given.result, rank), rank)
    document = _measured(stages, rank)
    if rank == 0:
        write_json(given.result, document)
        print("\n".join(table(document)), flush=True)
    return 0


def failure_file(result: Path, rank: int | str) -> Path:
    """Name the file in which a process says why it gave up; `*` for all of them."""
    return result.with_name(f"{result.stem}-failed-{rank}.json")


def table(document: Mapping[str, Any]) -> list[str]:
    """Lay out what was measured: bus bandwidth is what each process's link carries, 2(n-1)/n of the bytes per second."""
    nodes = len({each["node"] for each in document["ranks"]})
    devices = ", ".join(sorted({each["device"] for each in document["ranks"]}))
    lines = [f"{document['world']} processes on {nodes} node{'s' * (nodes != 1)} ({devices}), {document['backend']}"]
    lines.append(f"{'group':8}  {'size':>8}  {'seconds':>9}  {'bus bandwidth':>13}")
    for row in document["measured"]:
        size = f"{row['bytes'] / (1 << 20):g} MiB"
        lines.append(f"{row['group']:8}  {size:>8}  {row['seconds']:9.6f}  {row['gb_per_second']:8.2f} GB/s")
    return lines


class _Stages:
    """Puts a limit on everything that waits for other processes; a hang inside a library cannot be interrupted otherwise."""

    def __init__(self, limit_seconds: float, failed: Path, rank: int) -> None:
        self.limit_seconds, self._failed, self._rank = limit_seconds, failed, rank

    @contextmanager
    def stage(self, what: str) -> Iterator[None]:
        """Do something that waits for others; where it hangs or fails, the process says so and ends."""
        timer = threading.Timer(self.limit_seconds, self._give_up, (what, f"no end after {self.limit_seconds:.0f} s"))
        timer.daemon = True
        timer.start()
        try:
            yield
        except RuntimeError as error:  # of torch.distributed: a peer that is gone, a port that does not answer
            self._give_up(what, str(error).strip().partition("\n")[0])
        finally:
            timer.cancel()

    def _give_up(self, what: str, reason: str) -> None:
        sentence = f"process {self._rank} on {socket.gethostname()}: {what}: {reason}"
        print(sentence, file=sys.stderr, flush=True)
        write_json(self._failed, {"rank": self._rank, "stage": what, "reason": reason})
        os._exit(_FAILED)  # the thread that hangs would keep any other way out waiting


def _measured(stages: _Stages, rank: int) -> dict[str, Any]:
    import torch
    import torch.distributed as dist

    on_gpu = torch.cuda.is_available()
    local = int(os.environ["LOCAL_RANK"])
    device = torch.device("cuda", local % torch.cuda.device_count()) if on_gpu else torch.device("cpu")
    if on_gpu:
        torch.cuda.set_device(device)
    backend = "nccl" if on_gpu else "gloo"
    # Longer than the stages' limit: what hangs shall end with our sentence, not in the library's abort.
    patience = timedelta(seconds=2 * stages.limit_seconds + 60)
    with stages.stage("meeting the other processes"):
        dist.init_process_group(backend, timeout=patience)
    world = dist.get_world_size()
    name = torch.cuda.get_device_name(device) if on_gpu else "CPU"
    own = {"rank": rank, "node": int(os.environ["GROUP_RANK"]), "host": socket.gethostname(), "device": name}
    ranks: list[Any] = [None] * world
    with stages.stage("first exchange on the default group"):
        dist.all_gather_object(ranks, own)
    rows = _group_rows(stages, "default", dist.group.WORLD, device)
    with stages.stage("making a second group"):
        second = dist.new_group(list(range(world)), timeout=patience)
    rows += _group_rows(stages, "second", second, device)
    with stages.stage("taking leave"):
        dist.destroy_process_group()
    versions = {"torch": torch.__version__, "rocm": torch.version.hip, "cuda": torch.version.cuda}
    return {"world": world, "backend": backend, **versions, "ranks": ranks, "measured": rows}


def _group_rows(stages: _Stages, name: str, group: Any, device: Any) -> list[dict[str, Any]]:
    rows = []
    for size in GPU_BYTES if device.type == "cuda" else CPU_BYTES:
        with stages.stage(f"all-reduce of {size} bytes on the {name} group"):
            seconds, world = _seconds(size, group, device)
        bandwidth = 2 * (world - 1) / world * size / seconds / 1e9
        rows.append({"group": name, "bytes": size, "seconds": seconds, "gb_per_second": bandwidth})
    return rows


def _seconds(size: int, group: Any, device: Any) -> tuple[float, int]:
    """Time one all-reduce of `size` bytes, by the slowest process, and check its sum; also gives the number of processes."""
    import torch
    import torch.distributed as dist

    world = dist.get_world_size(group)
    tensor = torch.full((size // 4,), float(dist.get_rank(group) + 1), dtype=torch.float32, device=device)
    dist.all_reduce(tensor, group=group)
    expected = world * (world + 1) / 2
    if not bool((tensor == expected).all()):
        raise RuntimeError(f"wrong sum: {float(tensor.min())} to {float(tensor.max())} instead of {expected:g}")
    tensor.zero_()
    dist.barrier(group)
    began = time.perf_counter()
    for _ in range(_REPETITIONS):
        dist.all_reduce(tensor, group=group)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    slowest = torch.tensor([(time.perf_counter() - began) / _REPETITIONS], dtype=torch.float64, device=device)
    dist.all_reduce(slowest, op=dist.ReduceOp.MAX, group=group)
    return float(slowest.item()), world


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
