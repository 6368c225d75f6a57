"""Masks of cores: a training's processes and the servers of translation are bound by them on this machine's real cores, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kielo import cpu_masks
from kielo.generation.vllm_server import VllmServerGenerator
from tests.conftest import ROOT
from tests.kielo.generation.health_server import engine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux binds processes to cores")
PROCESS = """
import os, sys
from pathlib import Path
from align.training.launch import run_process
from align.training.stopping import Stopped
def train(job):
    print(sorted(os.sched_getaffinity(0)), "torch" in sys.modules, flush=True)
    raise Stopped  # a way out that loads no torch
sys.exit(run_process(train, ["job.json"]))
"""


def cores() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []


def mask(*numbers: int) -> str:
    return hex(sum(1 << number for number in numbers))


def of_two_devices() -> tuple[str, list[int], list[int]]:
    """Masks of two devices over this machine's cores, and the cores beside each."""
    first, last = cores()[:1], cores()[-1:]
    return f"{mask(*first)},{mask(*last)}", first, last


def test_a_device_has_the_cores_of_its_mask_and_a_server_those_of_all_its_devices(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written, first, last = of_two_devices()
    assert cpu_masks.cores_beside([0]) == frozenset()
    monkeypatch.setenv(cpu_masks.VARIABLE, written)
    assert sorted(cpu_masks.cores_beside([0])) == first and sorted(cpu_masks.cores_beside([1])) == last
    assert cpu_masks.cores_beside([0, 1]) == {*first, *last}
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (f"0x1,{mask(5000)}", "cpu_masks of the profile name cores that this job may not use (5000)"),
        ("0x1,many", "'0x1,many' is no list of masks of all devices"),
        ("0x1,0x0", "'0x1,0x0' is no list of masks of all devices"),
        ("0x1", "'0x1' is no list of masks of all devices"),
    ],
)
def test_masks_that_do_not_fit_bind_nobody_and_are_said_once(
    written: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(cpu_masks.VARIABLE, written)
    assert cpu_masks.cores_beside([0, 1]) == frozenset()
    assert cpu_masks.cores_beside([1], warn=False) == frozenset()
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1


def process(masks: str, rank: int) -> subprocess.CompletedProcess[str]:
    place = {"PYTHONPATH": str(ROOT), cpu_masks.VARIABLE: masks, "LOCAL_RANK": str(rank), "RANK": str(rank)}
    return subprocess.run(
        [sys.executable, "-c", PROCESS], env={**os.environ, **place}, capture_output=True, text=True, timeout=120
    )


def test_each_process_of_a_training_is_bound_before_torch_is_loaded() -> None:
    written, *beside = of_two_devices()
    for rank, own in enumerate(beside):
        assert process(written, rank).stdout == f"{own} False\n"
    elsewhere = [process(f"0x1,{mask(5000)}", rank) for rank in (0, 1)]
    assert [done.stdout for done in elsewhere] == [f"{cores()} False\n"] * 2, "all are bound, or none"
    assert [done.stderr.count("nothing is bound to cores") for done in elsewhere] == [1, 0]


def test_each_server_is_bound_to_the_cores_of_its_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written, *beside = of_two_devices()
    monkeypatch.setenv(cpu_masks.VARIABLE, written)
    VllmServerGenerator(engine(tmp_path, servers=2), "m", "m", None, tmp_path).close()
    logs = [(tmp_path / f"vllm-server-{number}.log").read_text() for number in (0, 1)]
    assert [f"cores: {own}\n" in log for own, log in zip(beside, logs, strict=True)] == [True, True]
    assert sorted(os.sched_getaffinity(0)) == cores(), "Kielo itself stays where it is"
