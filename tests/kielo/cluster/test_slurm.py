"""The calls to Slurm, on a real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from kielo.cluster.queue import slurm as calls
from kielo.errors import ClusterError
from tests.kielo.cluster.slurm_on_loopback import Slurm


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script that sleeps."""
    path = tmp_path / "a script's.sh"
    lines = ("#!/bin/bash", f'#SBATCH --output="{tmp_path}/%j"', "#SBATCH --mem=100M --partition=small", "sleep 60")
    path.write_text("\n".join((*lines, "")), "utf-8")
    return path


def test_queue_look_cancel(slurm: Slurm, script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Variables that would override the script, or how squeue prints
    for name, value in {"SBATCH_PARTITION": "debug", "SQUEUE_FORMAT": "%j", "SLURM_TIME_FORMAT": "%s"}.items():
        monkeypatch.setenv(name, value)
    plain = calls.sbatch(script, ["--comment=kielo:cafe/a|b/all"])
    array = calls.sbatch(script, ["--array=0-2%1", "--hold"])
    slurm.wait_for([plain], states=["RUNNING"])
    found = {(job.id, job.element): job for job in calls.squeue() if job.id in (plain, array)}
    assert set(found) == {(plain, None), (array, 0), (array, 1), (array, 2)}
    running, held = found[plain, None], found[array, 1]
    assert (running.state, running.partition, running.comment) == ("RUNNING", "small", "kielo:cafe/a|b/all")
    assert running.runs and not running.waits and held.waits and held.reason == "JobHeldUser"
    calls.scancel([plain, f"{array}_1"])
    assert slurm.wait_for([plain]) == {plain: "CANCELLED"} and slurm.states([array])[f"{array}_2"] == "PENDING"
    calls.scancel([plain, array])
    assert not any(job.runs or job.waits for job in calls.squeue() if job.id in (plain, array))


def test_slurm_s_own_words(slurm: Slurm, script: Path, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="^Slurm refuses .*a script's.sh: .*invalid partition specified: absent"):
        calls.sbatch(script, ["--partition=absent"])
    assert "to start at" in calls.try_out(script)
    script.write_text("sleep 1\n", "utf-8")
    with pytest.raises(ClusterError, match="This does not look like a batch script"):
        calls.try_out(script)
    calls.scancel(["99999999"])
    assert calls.sacct(["1"]) == []  # there is no accounting


def test_answers_of_other_clusters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {
        "sbatch": "echo '77;lumi'",
        "squeue": "printf '%s\\n' '7|3|CANCELLED by 0|small|1-02:00:00|Reason, in words|a|b' 'end of a comment' '|||||'",
        "sacct": "printf '%s\\n' '5|FAILED|small|00:10' '6_[2-3,7%2]|CANCELLED by 12|small|0:0' '8_4|TIMEOUT||' '5.batch|X||'",
    }
    for name, commands in answers.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{commands}\n", "utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert calls.sbatch(tmp_path / "x") == "77"
    assert calls.squeue() == [calls.Queued("7", 3, "CANCELLED", "small", "1-02:00:00", "Reason, in words", "a|b")]
    states = {(job.id, job.element): job.state for job in calls.sacct(["5", "6"])}
    assert states == {
        ("5", None): "FAILED", ("6", 2): "CANCELLED", ("6", 3): "CANCELLED", ("6", 7): "CANCELLED", ("8", 4): "TIMEOUT",
    }  # fmt: skip


def test_elements_are_written_as_slurm_reads_them() -> None:
    assert calls.write_elements([7, 0, 1, 2, 5]) == "0-2,5,7"
    assert calls.parse_elements("0-2,5,7%2") == [0, 1, 2, 5, 7]
