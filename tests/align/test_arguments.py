"""Batch arithmetic and the arguments that a training is run with."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from align.arguments import Machine, plan_batches, trainer_arguments, weights_dtype
from align.job import Job
from kielo.errors import RecipeError

JOB = Job(
    kind="sft", model="m", revision=None, model_identity="x", seed=3, trainer={}, lora=None, neftune_noise_alpha=None, beta=None,
    stop_token_id=1, added_token_ids=(), rows=9091, longest_row=1024, data="", counts={},
)  # fmt: skip
LAPTOP, GCDS = Machine(1, "cpu", False), Machine(32, "cuda", True)


def job(kind: str = "sft", **trainer: Any) -> Job:
    return dataclasses.replace(JOB, kind=kind, trainer=trainer)  # type: ignore[arg-type]


def test_the_papers_batches() -> None:
    batches = plan_batches(job(global_batch_size=128, num_train_epochs=3, per_device_train_batch_size=4), GCDS)
    assert (batches.per_device, batches.accumulation) == (4, 1)
    assert batches.steps == 3 * 72, "9,091 rows are 71 whole batches and a part of one"
    assert plan_batches(job(global_batch_size=128), LAPTOP).per_device == 8, (
        "8 rows of 1,024 tokens at once, the largest divisor that fits"
    )
    assert plan_batches(job("dpo", global_batch_size=64), GCDS).per_device == 2
    assert plan_batches(dataclasses.replace(JOB, longest_row=10**6), LAPTOP).accumulation == 128


@pytest.mark.parametrize(
    ("trainer", "machine", "says"),
    [
        (
            {"global_batch_size": 100},
            GCDS,
            "global_batch_size 100 does not divide by 32 processes; use a multiple of 32",
        ),
        (
            {"global_batch_size": 128, "per_device_train_batch_size": 3},
            GCDS,
            "is 4 for each, which does not divide by per_device_train_batch_size 3; use one of 1, 2, 4",
        ),
    ],
)
def test_what_does_not_divide_is_refused(trainer: dict[str, Any], machine: Machine, says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        plan_batches(job(**trainer), machine)


def test_arguments_are_explicit() -> None:
    arguments = trainer_arguments(job(warmup_ratio=0.1, learning_rate=2e-5, save_steps=7), GCDS)
    assert arguments["warmup_steps"] == 0.1 and arguments["learning_rate"] == 2e-5 and arguments["save_steps"] == 7
    assert (
        arguments["seed"] == arguments["data_seed"] == 3 and arguments["bf16"] and arguments["gradient_checkpointing"]
    )
    assert arguments["max_length"] is None and arguments["packing"] is False and arguments["report_to"] == "none"
    on_cpu = trainer_arguments(job("dpo"), LAPTOP)
    assert on_cpu["use_cpu"] and not on_cpu["bf16"] and not on_cpu["gradient_checkpointing"] and "packing" not in on_cpu


def test_a_kill_loses_a_tenth_at_most() -> None:
    for rows in (10, 500, 9091):
        arguments = trainer_arguments(dataclasses.replace(JOB, rows=rows), LAPTOP)
        steps = plan_batches(dataclasses.replace(JOB, rows=rows), LAPTOP).steps
        assert arguments["save_steps"] <= max(1, steps / 10 + arguments["logging_steps"])
        assert arguments["save_steps"] % arguments["logging_steps"] == 0, "a resumed run logs the same means"


def test_a_share_of_the_steps() -> None:
    assert trainer_arguments(job(max_steps=50, logging_steps=0.1), LAPTOP)["logging_steps"] == 5
    assert trainer_arguments(job(max_steps=50, logging_steps=7.0), LAPTOP)["logging_steps"] == 7


def test_full_training_keeps_32_bit_weights() -> None:
    lora = dataclasses.replace(JOB, lora={"r": 4})
    assert [weights_dtype(JOB, GCDS), weights_dtype(lora, GCDS), weights_dtype(lora, LAPTOP)] == [
        "float32",
        "bfloat16",
        "float32",
    ]
    assert weights_dtype(job(dtype="bfloat16"), GCDS) == "bfloat16"
