"""The arguments that a training is run with."""

from __future__ import annotations

import dataclasses
from typing import Any

from align.batches.arithmetic import plan_batches
from align.machine import Machine
from align.training.arguments import trainer_arguments, weights_dtype
from align.training.job import Job

JOB = Job(
    kind="sft", model="m", revision=None, model_identity="x", seed=3, trainer={}, lora=None, neftune_noise_alpha=None, beta=None,
    stop_token_id=1, added_token_ids=(), rows=9091, longest_row=1024, data="", tokens="", reference=None, counts={},
)  # fmt: skip
LAPTOP, GCDS = Machine(1, "cpu", False), Machine(32, "cuda", True)


def job(kind: str = "sft", **trainer: Any) -> Job:
    return dataclasses.replace(JOB, kind=kind, trainer=trainer)  # type: ignore[arg-type]


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
