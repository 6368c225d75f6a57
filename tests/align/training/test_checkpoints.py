"""Interrupted trainings: kill -9 and go on with the same result, half-written checkpoints."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from align import dpo, sft
from align.training import checkpoints
from align.training.job import Job, read_job
from kielo.errors import RunFolderError
from kielo.plan import Workplace
from tests.align.training.test_course import LORA, differ, metrics, weights
from tests.conftest import ROOT

LONG = {"num_train_epochs": 40, "save_steps": 10, "logging_steps": 1, "warmup_ratio": 0.1}
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def test_kill_in_the_middle_and_go_on(sft_place: Any) -> None:
    whole, killed = (sft_place(name, trainer=LONG, neftune=5.0) for name in ("whole", "killed"))
    sft.run(whole)
    sft.prepare(killed)
    process = subprocess.Popen(
        [sys.executable, "-m", "align.sft", str(killed.folder / "job.json")], env=ENVIRONMENT, cwd=ROOT
    )
    deadline = time.monotonic() + 60
    while not (killed.folder / "checkpoints/checkpoint-20/complete.json").is_file():
        assert process.poll() is None and time.monotonic() < deadline, "the training ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed.folder / "model").exists()
    # What a full disk or a kill during saving leaves behind must not be taken for a checkpoint.
    half = killed.folder / "checkpoints" / "checkpoint-119"
    half.mkdir()
    (half / "trainer_state.json").write_text("{")
    with (killed.folder / "metrics.jsonl").open("a") as stream:
        stream.write('{"step": 118, "lo')
    resumed = sft.run(killed).counts["resumed_from_step"]
    assert 20 <= resumed < 120
    for one, other in zip(metrics(whole.folder), metrics(killed.folder), strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}, "same rows, same noise, same loss at every step"
    assert not differ(weights(whole.folder), weights(killed.folder))


def test_adapters_and_preference_tuning_go_on_too(
    sft_place: Any, dpo_place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = {"num_train_epochs": 3, "save_steps": 4, "logging_steps": 2}
    start = sft_place("start", trainer=short)
    sft.run(start)
    lora: list[Workplace] = [sft_place(name, trainer=short, lora=LORA) for name in ("lora", "lora-ended")]
    pairs: list[Workplace] = [dpo_place(start, name, trainer=short) for name in ("pairs", "pairs-ended")]
    mark = checkpoints.mark

    def mark_and_end(checkpoint: Path, job: Job, parallel: str) -> None:
        mark(checkpoint, job, parallel)
        raise KeyboardInterrupt

    for step, (whole, ended) in ((sft, lora), (dpo, pairs)):
        step.run(whole)
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(checkpoints, "mark", mark_and_end)
            step.run(ended)
        assert step.run(ended).counts["resumed_from_step"] == 4
        for one, other in zip(metrics(whole.folder), metrics(ended.folder), strict=True):
            assert {**one, "seconds": 0} == {**other, "seconds": 0}
        assert not differ(weights(whole.folder), weights(ended.folder))


def test_a_checkpoint_counts_only_whole_and_of_this_job(sft_place: Any) -> None:
    place = sft_place(trainer={"max_steps": 2})
    job = read_job(sft.prepare(place))
    for step in (9, 10):
        folder = place.folder / f"checkpoints/checkpoint-{step}"
        folder.mkdir(parents=True)
        (folder / "weights").write_bytes(b"12345")
        checkpoints.mark(folder, job)
    assert checkpoints.newest(job) == place.folder / "checkpoints/checkpoint-10"
    (place.folder / "checkpoints/checkpoint-10/weights").write_bytes(b"123")
    assert checkpoints.newest(job) == place.folder / "checkpoints/checkpoint-9"
    checkpoints.remove_incomplete(job, checkpoints.newest(job))
    assert not (place.folder / "checkpoints/checkpoint-10").exists()
    other = sft_place("other", trainer={"max_steps": 3})
    sft.prepare(other)
    (place.folder / "checkpoints").rename(other.folder / "checkpoints")
    with pytest.raises(RunFolderError, match="made by another job"):
        sft.train(other.folder / "job.json")


def test_a_mistake_in_a_launched_process_is_a_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "align.sft", str(tmp_path / "job.json")],
        env=ENVIRONMENT,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "no training job" in done.stderr and "Traceback" not in done.stderr
