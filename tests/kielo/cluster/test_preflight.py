"""`kielo preflight` on a real Slurm over gloo, and the measuring process by itself, also where another one hangs."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kielo.cluster.network import preflight
from kielo.cluster.network.probe import failure_file, table
from kielo.errors import ClusterError, RecipeError, RunFolderError, UsageError
from kielo.provenance import CHECKOUT
from tests.kielo.cluster.slurm_on_loopback import Slurm
from tests.ports import free_port

HANGS = """
import os, signal, sys
import torch.distributed
from kielo.cluster.network import probe as network
torch.distributed.new_group = lambda *_, **__: os.kill(os.getpid(), signal.SIGSTOP)
network.main(sys.argv[1:])
"""
"""A process that stops where it should make the second group."""
SECOND_NODE_HANGS = """\
#!/bin/sh
[ "$SLURM_NODEID" = 0 ] && exec {python} "$@"
while [ "$1" != kielo.cluster.network.probe ]; do shift; done
shift
exec {python} {hangs} "$@"
"""


@pytest.fixture(autouse=True)
def _often_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "POLL_SECONDS", 0.2)


def run_preflight(folder: Path, *options: str) -> int:
    parser = argparse.ArgumentParser()
    preflight.add_arguments(parser)
    return preflight.run(parser.parse_args(["--profile", "loopback", "--folder", str(folder), *options]))


def start_process(rank: int, port: int, result: Path, *command: str) -> subprocess.Popen[str]:
    place = {"RANK": rank, "LOCAL_RANK": rank, "GROUP_RANK": rank, "WORLD_SIZE": 2, "MASTER_PORT": port}
    environment = {**os.environ, "MASTER_ADDR": "127.0.0.1", "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"}
    environment |= {name: str(value) for name, value in place.items()}
    arguments = [*command, "--limit-seconds", "60", str(result)]
    return subprocess.Popen([sys.executable, *arguments], env=environment, stderr=subprocess.PIPE, text=True)


def test_two_nodes_are_measured_on_both_groups(
    slurm: Slurm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    folder = tmp_path / "a folder's $HOME"
    assert run_preflight(folder) == 0
    said = capsys.readouterr().out
    assert "2 processes on 2 nodes (CPU), gloo" in said and "a second process group, too" in said
    document = json.loads((folder / "network.json").read_text("utf-8"))
    assert [row["group"] for row in document["measured"]] == ["default"] * 3 + ["second"] * 3
    assert all(row["seconds"] > 0 and row["gb_per_second"] > 0 for row in document["measured"])
    first = document["measured"][0]
    assert first["gb_per_second"] == pytest.approx(first["bytes"] / first["seconds"] / 1e9)


def test_a_second_group_that_hangs_is_named(slurm: Slurm, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (tmp_path / "hangs.py").write_text(HANGS, "utf-8")
    python = tmp_path / "python"
    python.write_text(SECOND_NODE_HANGS.format(python=sys.executable, hangs=tmp_path / "hangs.py"), "utf-8")
    python.chmod(0o755)
    (tmp_path / "old").mkdir()
    failure_file(tmp_path / "old" / "network.json", 7).write_text('{"stage": "old", "reason": "old"}', "utf-8")
    options = ("--limit-seconds", "4", "--set", f"environment.PYTHON_EXEC={python}")
    with pytest.raises(ClusterError, match=r"second group: no end after 4 s.*hangs DeepSpeed ZeRO"):
        run_preflight(tmp_path / "old", *options)
    assert not (tmp_path / "old" / "network.json").exists()


def test_nodes_that_work_by_themselves_are_found(slurm: Slurm, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    with pytest.raises(ClusterError, match="a world of 1 on 1 node, not of 2 on 2: the nodes worked by themselves"):
        run_preflight(tmp_path, "--set", "torchrun=[--nnodes=1, --standalone]")


def test_a_job_that_fails_shows_the_end_of_its_log(slurm: Slurm, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"without a result: the end of .*\n(.*\n)*.*no-such-python"):
        run_preflight(tmp_path, "--set", "python=/no-such-python")


def test_without_waiting_the_job_is_only_queued(
    slurm: Slurm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_preflight(tmp_path, "--no-wait") == 0
    assert slurm.call("squeue", "-h", "-t", "all", "-j", capsys.readouterr().out.split()[1].rstrip(":"), "-o", "%j")


@pytest.mark.parametrize(
    ("change", "mistake", "sentence"),
    [
        ("jobs.preflight.nodes=1", UsageError, "jobs.preflight.nodes: 1; the network is tried between two"),
        ("jobs.preflight.hours=100", RecipeError, "jobs.preflight.hours: 100 is over"),
        ("scheduler=none", UsageError, "it has no Slurm"),
        ("account_needed=true", UsageError, "give --account"),
        ("architecture=aarch64", UsageError, "its nodes are aarch64"),
        ("node_local=[/]", RunFolderError, "--folder .*: / is a disk of this node alone"),
    ],
)
def test_what_can_be_known_wrong_is_refused_before_anything_is_queued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, mistake: type[Exception], sentence: str
) -> None:
    monkeypatch.delenv("SBATCH_ACCOUNT", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    with pytest.raises(mistake, match=sentence):
        run_preflight(tmp_path / "f", "--set", change)
    assert not (tmp_path / "f").exists()


def test_a_fellow_that_died_is_a_sentence(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (tmp_path / "dies.py").write_text(HANGS.replace("SIGSTOP", "SIGKILL"), "utf-8")
    port, result = free_port(), tmp_path / "network.json"
    dying = start_process(0, port, result, str(tmp_path / "dies.py"))
    waiting = start_process(1, port, result, "-m", "kielo.cluster.network.probe")
    try:
        _, said = waiting.communicate(timeout=60)
        assert waiting.returncode == 2 and "Traceback" not in said
        assert "second group" in json.loads(failure_file(result, 1).read_text("utf-8"))["stage"]
        assert "no end after" not in said, "it need not wait for its limit"
    finally:
        dying.kill()
        dying.communicate()


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("n1: NCCL INFO Using network Socket\n", "look: data went over sockets (Socket)"),
        ("NCCL INFO NET/OFI Selected provider is tcp (found 1 nics)\n", "look: data went over sockets"),
        ("NCCL INFO NET/OFI Selected Provider is cxi (found 4 nics)\n", "network: cxi"),
        ("NCCL INFO Using network AWS Libfabric\n", "network: AWS Libfabric"),
        ("nothing\n", "look: the log does not say which network"),
    ],
)
def test_the_log_tells_which_network_was_taken(log: str, said: str) -> None:
    assert preflight.network_line(log).startswith(said)


def test_the_table_counts_processes_nodes_and_both_groups() -> None:
    ranks = [{"rank": rank, "node": rank // 8, "host": f"n{rank // 8}", "device": "MI250X"} for rank in range(16)]
    rows = [
        {"group": group, "bytes": 1 << 28, "seconds": 0.01, "gb_per_second": 50.3} for group in ("default", "second")
    ]
    lines = table({"world": 16, "backend": "nccl", "ranks": ranks, "measured": rows})
    assert lines[0] == "16 processes on 2 nodes (MI250X), nccl"
    assert lines[2].split() == ["default", "256", "MiB", "0.010000", "50.30", "GB/s"]
