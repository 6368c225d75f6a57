"""Real trainings on our micro-batches: short last steps, several processes and micro-batches of any size train the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from align import dpo, sft
from align.batches.arranged import lengths_of
from align.training import checkpoints
from align.training.launch import train_here
from tests.align.training.test_course import metrics, weights

ROWS = 21  # in steps of 8: the last one has 5
ONE_EPOCH = {"num_train_epochs": 1, "logging_steps": 1}


def compare(one: Path, other: Path, loss: float, weight: float) -> None:
    for expected, found in zip(metrics(one), metrics(other), strict=True):
        assert found["loss"] == pytest.approx(expected["loss"], abs=loss) and found["tokens"] == expected["tokens"]
    trained, again = weights(one), weights(other)
    assert max((trained[name] - again[name]).abs().max().item() for name in trained) < weight


def test_two_processes_train_a_short_last_step_as_one(sft_place: Any) -> None:
    alone = sft_place("alone", rows=ROWS, trainer=ONE_EPOCH)
    spread = sft_place("spread", rows=ROWS, trainer={**ONE_EPOCH, "per_device_train_batch_size": 1})
    sft.run(alone)
    # The fifth conversation is alone in its micro-batch: the other process takes part with a row that trains nothing.
    train_here("align.sft", sft.prepare(spread), sft.train, processes=2)
    assert sft.collect(spread).counts["steps"] == 3
    compare(alone.folder, spread.folder, 1e-4, 1e-3)
    assert (
        metrics(spread.folder)[-1]["tokens"]
        == sft.collect(spread).counts["languages"]["en"]["tokens"]
        + (sft.collect(spread).counts["languages"]["fi"]["tokens"])
    ), "every token once"


@pytest.mark.parametrize("every", [1, 3])
def test_going_on_in_the_middle_of_an_epoch(sft_place: Any, monkeypatch: pytest.MonkeyPatch, every: int) -> None:
    keys = {"num_train_epochs": 2, "save_steps": 2, "logging_steps": every, "per_device_train_batch_size": 2}
    whole, ended = (sft_place(name, rows=ROWS, trainer=keys, neftune=5.0) for name in ("whole", "ended"))
    sft.run(whole)
    mark = checkpoints.mark

    def mark_and_end(checkpoint: Path, *given: Any) -> None:
        mark(checkpoint, *given)
        raise KeyboardInterrupt

    for resumed in (None, 2, 4):  # after the second step of three, then after the first of the second epoch
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(checkpoints, "mark", mark_and_end)
            sft.run(ended)
        assert resumed is None or metrics(ended.folder)[-1]["step"] > resumed
    sft.run(ended)
    for one, other in zip(metrics(whole.folder), metrics(ended.folder), strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    compare(whole.folder, ended.folder, 0, 1e-9)


@pytest.mark.parametrize("loss", ["sigmoid", ["sigmoid", "sft"]])
def test_pairs_weigh_the_same_however_they_lie(sft_place: Any, dpo_place: Any, loss: Any) -> None:
    start = sft_place("start", trainer={"max_steps": 2})
    sft.run(start)
    # 14 pairs in steps of 8: the second has 6, which 4 at a time do not divide.
    runs = [dpo_place(start, f"at-once-{size}", rows=7, trainer={**ONE_EPOCH, "loss_type": loss, "per_device_train_batch_size": size}) for size in (8, 4, 1)]  # fmt: skip
    for place in runs:
        assert dpo.run(place).counts["steps"] == 2
    for place in runs[1:]:
        compare(runs[0].folder, place.folder, 1e-5, 1e-5)


def test_no_noise_is_no_noise(sft_place: Any) -> None:
    runs = [sft_place(f"alpha-{alpha}", trainer={"max_steps": 1}, neftune=alpha) for alpha in (None, 0.0)]
    for place in runs:
        sft.run(place)
    compare(runs[0].folder, runs[1].folder, 0, 1e-9)


def test_lengths_are_read_off_the_column() -> None:
    from datasets import Dataset

    rows = Dataset.from_dict({"input_ids": [[1, 2], [3], [4, 5, 6], [7] * 9]})
    assert lengths_of(rows, "input_ids") == [2, 1, 3, 9]
    assert lengths_of(rows.select([3, 0]), "input_ids") == [9, 2], "of the rows as they are chosen"
