"""Signals and failures of a training: it stops in good order and goes on to the same weights; what went wrong is said."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from transformers import TrainerControl

from align import sft
from align.training.failures import told_apart
from align.training.launch import check_world, run_process, train_here
from align.training.stopping import Stopped, StopRequest
from align.training.watch import Watch
from kielo.errors import RecipeError, UsageError
from tests.align.training.test_arguments import JOB
from tests.align.training.test_checkpoints import ENVIRONMENT, LONG
from tests.align.training.test_course import metrics, weights
from tests.conftest import ROOT
from tests.ports import free_port

LAUNCHER = "import sys; from pathlib import Path; from align.training.launch import train_here, run_process; from align import sft; sys.exit(run_process(lambda job: train_here('align.sft', job, sft.train, 2), sys.argv[1:]))"


def started(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, *command], env=ENVIRONMENT, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def until_it_trains(process: subprocess.Popen[str], folder: Path) -> None:
    deadline = time.monotonic() + 120
    while not (folder / "checkpoints/checkpoint-10/complete.json").is_file():
        assert process.poll() is None and time.monotonic() < deadline, "the training ended before it could be stopped"
        time.sleep(0.01)


@pytest.mark.parametrize("processes", [1, 2], ids=["one process", "two processes"])
def test_a_signal_stops_after_a_checkpoint_and_the_rest_is_the_same(sft_place: Any, processes: int) -> None:
    whole, stopped = (sft_place(name, trainer=LONG) for name in ("whole", "stopped"))
    train_here("align.sft", sft.prepare(whole), sft.train, processes)
    job = sft.prepare(stopped)
    process = started(*(("-m", "align.sft") if processes == 1 else ("-c", LAUNCHER)), str(job))
    until_it_trains(process, stopped.folder)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=240)
    assert process.returncode == 130 and "Traceback" not in said
    assert "stopped at step" in said and "the same command goes on from there" in said
    assert not (stopped.folder / "model").exists() and not (stopped.folder / "STOP").exists()
    train_here("align.sft", job, sft.train, processes)
    counts = sft.collect(stopped).counts
    assert counts["resumed_from_step"] >= 10 and counts["processes"] == processes
    for first, second in zip(metrics(whole.folder), metrics(stopped.folder), strict=True):
        assert first["loss"] == pytest.approx(second["loss"], abs=1e-6) and first["tokens"] == second["tokens"]
    one, other = weights(whole.folder), weights(stopped.folder)
    assert max((one[name] - other[name]).abs().max() for name in one) < 1e-5


def test_the_second_signal_stops_at_once(tmp_path: Path) -> None:
    request = StopRequest(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), request.listen(patient=False):
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR1)
        assert request.asked()
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_launched_process_waits_for_its_launcher(tmp_path: Path) -> None:
    request, asked = StopRequest(tmp_path), []
    with request.listen(patient=True, then=lambda: asked.append(1)):
        assert not request.asked()
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
    assert request.asked() and len(asked) == 2


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        request = StopRequest(tmp_path)
        with request.listen(patient=False):
            os.kill(os.getpid(), signal.SIGINT)
        assert not request.asked()
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_file_asks_every_process(tmp_path: Path) -> None:
    request = StopRequest(tmp_path)
    StopRequest(tmp_path).hand_on()
    assert request.asked()
    request.done()
    assert not request.asked()


ONE_RANK_IS_ASKED = """
import os, sys
from pathlib import Path
from types import SimpleNamespace
from accelerate import PartialState
from transformers import TrainerControl
from align.preferences.reference_pass import _asked_anywhere
from align.training.stopping import StopRequest
from align.training.watch import Watch
rank, folder = int(sys.argv[1]), Path(sys.argv[2])
state = PartialState(cpu=True)
request = StopRequest(folder / str(rank))
request.signalled = rank == 1
seen = [_asked_anywhere(request)]
watch = Watch(None, request, "ddp")
for step in (1, 2):
    request.signalled = rank == 1 and step == 2
    control = watch.on_step_end(SimpleNamespace(fp16=False, device="cpu"), SimpleNamespace(global_step=step, max_steps=9), TrainerControl())
    seen.append(control.should_training_stop and control.should_save)
print(seen)
state.destroy_process_group()
"""


def test_what_one_process_sees_all_do(tmp_path: Path) -> None:
    world = {**ENVIRONMENT, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ONE_RANK_IS_ASKED, rank, str(tmp_path)],
            env={**world, "RANK": rank, "LOCAL_RANK": rank}, cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )
        for rank in ("0", "1")
    ]  # fmt: skip
    said = [process.communicate(timeout=120)[0].splitlines()[-1] for process in processes]
    assert said == ["[True, False, True]"] * 2, "a file is seen on one node before another: they must agree"


def test_a_launched_process_that_stopped_ended_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(_: Path) -> None:
        raise Stopped

    assert run_process(stopped, ["job.json"]) == 130
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert run_process(stopped, ["job.json"]) == 0, "torchrun would make a failure of any other code"


def test_a_stop_that_an_earlier_start_left_stops_nothing(sft_place: Any) -> None:
    place = sft_place(trainer={"max_steps": 2})
    StopRequest(place.folder).hand_on()
    assert sft.run(place).counts["steps"] == 2


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"KIELO_WORLD_SIZE": "32", "WORLD_SIZE": "8"}, "sees 8 of the 32 processes"),
        ({"KIELO_WORLD_SIZE": "4"}, r"sees 1 of the 4 processes .* \$SLURM_PROCID"),
        ({"SLURM_STEP_NUM_TASKS": "4"}, "srun started 4 processes that know nothing of each other"),
    ],
)
def test_worlds_that_fell_apart(
    environment: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch, sft_place: Any
) -> None:
    job = sft.prepare(sft_place(trainer={"max_steps": 1}))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=says):
        sft.train(job)


def test_a_whole_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIELO_WORLD_SIZE", "2")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "2")
    check_world()


def test_no_number_names_the_batch_and_keeps_the_last_checkpoint(sft_place: Any) -> None:
    keys = {"learning_rate": 1e30, "max_grad_norm": 1e30, "optim": "sgd", "warmup_ratio": 0.9, "max_steps": 20}
    place = sft_place(rows=8, trainer={**keys, "save_steps": 1, "logging_steps": 7})
    with pytest.raises(RecipeError, match=r"no number any more at step \d+ \(in the batch of set/0000\d \((en|fi)\)"):
        sft.run(place)


def test_the_culprit_among_the_rows(sft_place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    from trl import SFTTrainer

    place = sft_place(trainer={"per_device_train_batch_size": 2, "save_steps": 1, "max_steps": 3})
    original, seen = SFTTrainer.training_step, []

    def training_step(self: Any, model: Any, inputs: Any, *rest: Any) -> Any:
        loss = original(self, model, inputs, *rest)
        seen.append(inputs)
        return loss * torch.nan if len(seen) == 6 else loss

    monkeypatch.setattr(SFTTrainer, "training_step", training_step)
    with pytest.raises(RecipeError, match="at step 2 .* checkpoint of step 1 is kept") as caught:
        sft.run(place)
    assert 1 <= str(caught.value).count("set/") <= 2, "the conversations of one micro-batch, not of the whole step"


def test_the_scaler_of_fp16_may_overflow(tmp_path: Path) -> None:
    watch = Watch(JOB, StopRequest(tmp_path), "alone")
    watch.losses, watch.norms, watch.batches = [1.0], [math.inf], [{}]
    half = SimpleNamespace(fp16=True, device="cpu")
    watch.on_step_end(half, SimpleNamespace(global_step=1, max_steps=2), TrainerControl())
    assert not watch.norms and not watch.stopped


def test_a_signal_in_the_last_step_stops_the_plan_and_loses_nothing(
    sft_place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(self: StopRequest) -> bool:
        self.signalled = True
        return True

    place = sft_place(trainer={"max_steps": 1})
    with monkeypatch.context() as patched, pytest.raises(Stopped):
        patched.setattr(StopRequest, "asked", asked)
        sft.run(place)
    made = (place.folder / "model" / "model.safetensors").stat().st_mtime_ns
    sft.run(place)
    assert (place.folder / "model" / "model.safetensors").stat().st_mtime_ns == made, "it was whole already"


@pytest.mark.parametrize(
    "words", ["HIP out of memory. Tried to allocate", "DefaultCPUAllocator: can't allocate memory"]
)
def test_full_memory_is_a_sentence(words: str) -> None:
    with pytest.raises(RecipeError, match="out of memory; .* per_device_train_batch_size 1, .* lora, more devices"):
        with told_apart(JOB):
            raise RuntimeError(words)
    with pytest.raises(RuntimeError, match="our own bug"), told_apart(JOB):
        raise RuntimeError("our own bug")


@pytest.mark.parametrize(
    "words", ["[enforce fail at inline_container.cc:672] . unexpected pos 5 vs 4", "Error: Quota (os error 122)"]
)
def test_a_full_quota_is_a_sentence(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    def write(_: Path) -> None:
        with told_apart(JOB):
            raise RuntimeError(words)

    assert run_process(write, ["job.json"]) == 2 and "no space left; make room" in capsys.readouterr().err


def test_a_lost_process_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def lost(_: Path) -> None:
        raise RuntimeError("[gloo/transport/tcp/pair.cc:538] Connection closed by peer [127.0.0.1]:1234")

    assert run_process(lost, ["job.json"]) == 2 and "another process of this training ended" in capsys.readouterr().err
