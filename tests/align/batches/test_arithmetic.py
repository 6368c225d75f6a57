"""Batch arithmetic before any token is known: steps, what surely fits at once, and what does not divide."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from align.batches.arithmetic import plan_batches, room
from align.batches.arrange import Room
from align.machine import Machine
from kielo.errors import RecipeError
from tests.align.training.test_arguments import GCDS, JOB, LAPTOP, job


def test_the_papers_batches() -> None:
    batches = plan_batches(job(global_batch_size=128, num_train_epochs=3, per_device_train_batch_size=4), GCDS)
    assert (batches.per_device, batches.accumulation) == (4, 1)
    assert batches.steps == 3 * 72, "9,091 rows are 71 whole batches and a part of one"
    assert plan_batches(job("dpo", global_batch_size=64), GCDS).per_device == 2
    assert plan_batches(dataclasses.replace(JOB, longest_row=10**6), LAPTOP).accumulation == 128


def test_rows_at_once_follow_from_the_longest() -> None:
    short = dataclasses.replace(JOB, longest_row=100)
    assert plan_batches(short, LAPTOP).per_device == 10, "1,024 tokens on a CPU"
    assert plan_batches(short, LAPTOP).accumulation == 13, "the last of them is not full"
    assert plan_batches(dataclasses.replace(short, kind="dpo"), LAPTOP).per_device == 5, "a pair is two rows"


@pytest.mark.parametrize(("processes", "steps"), [(1, 36), (4, 36), (32, 36)])
def test_steps_depend_on_no_machine(processes: int, steps: int) -> None:
    machine = Machine(processes, "cuda", True)
    assert plan_batches(job(global_batch_size=256, num_train_epochs=1), machine).steps == steps


def test_room_is_the_recipes_or_the_devices() -> None:
    assert room(job(global_batch_size=128), 4, "cuda") == Room(8192, 32, 1024)
    assert room(job(global_batch_size=128, per_device_train_batch_size=2), 4, "cpu") == Room(2048, 2, 32)


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
