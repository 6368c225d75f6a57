"""Trackers by name: where they write, under which names, one run for each training, and no key among what they are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from align import sft
from align.training.reporting import report_arguments
from align.training.stopping import Stopped, StopRequest
from kielo.errors import MissingExtraError
from kielo.records import read_jsonl
from tests.align.training.test_arguments import job

KEYS = {"HF_TOKEN": "hf_unspoken", "OPENAI_API_KEY": "sk-unspoken", "DEEPL_AUTH_KEY": "unspoken:fx"}


def losses(folder: Path) -> dict[int, float]:
    return {row["step"]: row["loss"] for _, row in read_jsonl(folder / "metrics.jsonl")}


def no_key_in(folder: Path) -> bool:
    return not any(b"unspoken" in file.read_bytes() for file in folder.rglob("*") if file.is_file())


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def test_off_unless_named() -> None:
    assert report_arguments(job()) == report_arguments(job(report_to=["none"])) == {"report_to": "none"}


def test_a_missing_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("align.training.reporting.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="sft.trainer.report_to: trackio is not installed; pip install trackio"):
        report_arguments(job(report_to=["none", "trackio"]))


def test_tensorboard_goes_on_after_an_interruption(sft_place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    place = sft_place(trainer={"max_steps": 4, "logging_steps": 1, "report_to": "tensorboard"})
    with monkeypatch.context() as patched, pytest.raises(Stopped):
        patched.setattr(StopRequest, "asked", lambda self: True)
        sft.run(place)
    assert sft.run(place).counts["resumed_from_step"] == 1
    folder = place.folder / "tensorboard"
    assert len(list(folder.iterdir())) == 2, "a file for each start, in one folder"
    shown = EventAccumulator(str(folder)).Reload()
    assert {each.step: pytest.approx(each.value) for each in shown.Scalars("train/loss")} == losses(place.folder)
    assert set(losses(place.folder)) == {1, 2, 3, 4}
    told = shown.Tensors("args/text_summary")[0].tensor_proto.string_val[0].decode()
    assert f'"run_name": "sft/{place.folder.name}"' in told and no_key_in(place.folder)


def test_wandb_has_one_run_for_each_training(sft_place: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    opened: list[dict[str, Any]] = []
    init = wandb.init
    monkeypatch.setattr(wandb, "init", lambda **given: (opened.append(given), init(**given))[1])
    for name in ("one", "other"):
        place = sft_place(name, trainer={"max_steps": 1, "logging_steps": 1, "report_to": ["wandb"]})
        sft.run(place)
        assert wandb.run is None, "left open, the next training would write into it"
        assert json.loads((place.folder / "report.json").read_text())["id"] == opened[-1]["id"]
        assert opened[-1]["name"] == f"sft/{name}" and opened[-1]["resume"] == "allow" and no_key_in(place.folder)
    assert len(opened) == 2 and opened[0]["id"] != opened[1]["id"]
    assert {each["project"] for each in opened} == {place.folder.parents[1].name}
