"""Preference tuning on TRL: its losses by name, metrics by language, and the words for what does not fit."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import math
from pathlib import Path
from typing import Any

import pytest

from align import dpo, sft
from align.training.launch import train_here
from kielo.plan import Workplace
from kielo.recipe.losses import DIVERGENCES, LOSSES, loss_mistakes
from kielo.records import read_jsonl


def metrics(folder: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_jsonl(folder / "metrics.jsonl")]


@pytest.fixture
def start(sft_place: Any) -> Workplace:
    place: Workplace = sft_place(trainer={"max_steps": 2})
    sft.run(place)
    return place


FIRST_LOSS = {
    "sigmoid": math.log(2), "hinge": 1.0, "ipo": 25.0, "apo_zero": 1.0, "robust": math.log(2), "nca_pair": 2 * math.log(2),
    "sigmoid_norm": math.log(2),
}  # fmt: skip
"""What each loss is where the model is its own reference, beta 0.1."""


def test_losses_by_name(start: Workplace, dpo_place: Any, tmp_path: Path) -> None:
    """One reference pass serves all of them."""
    base = dpo_place(start, trainer={"max_steps": 1})

    def first_loss(name: str, **keys: Any) -> float:
        settings = base.step.settings["dpo"]
        changed = {**base.step.settings, "dpo": {**settings, "trainer": {**settings["trainer"], **keys}}}
        place = dataclasses.replace(
            base, step=dataclasses.replace(base.step, settings=changed), folder=tmp_path / "runs" / "dpo" / name
        )
        place.folder.mkdir()
        dpo.run(place)
        return float(metrics(place.folder)[0]["loss"])

    for name, expected in FIRST_LOSS.items():
        smoothing = {"label_smoothing": 0.1} if name == "robust" else {}
        assert first_loss(name, loss_type=name, **smoothing) == pytest.approx(expected, abs=1e-4), name
    both = first_loss("both", loss_type=["sigmoid", "sft"], loss_weights=[1.0, 0.5])
    assert both > math.log(2) + 1, "half the loss of the chosen answers is added"


def test_metrics_by_language(start: Workplace, dpo_place: Any) -> None:
    place = dpo_place(start, trainer={"max_steps": 6, "per_device_train_batch_size": 8}, rows=20)
    dpo.run(place)
    rows = metrics(place.folder)
    assert {name for row in rows for name in row if "/" in name and name.partition("/")[0] in ("margin", "accuracy")} == {
        "margin/en", "margin/fi", "accuracy/en", "accuracy/fi",
    }  # fmt: skip
    assert rows[0]["margin/fi"] == pytest.approx(0, abs=1e-4) and rows[-1]["margin/fi"] > 0.01
    for row in rows:
        present = [row[f"margin/{code}"] for code in ("en", "fi") if f"margin/{code}" in row]
        assert min(present) - 1e-5 <= row["rewards/margins"] <= max(present) + 1e-5


def test_metrics_of_all_pairs_are_means_over_pairs(start: Workplace, dpo_place: Any) -> None:
    place = dpo_place(
        start, rows=7, trainer={"global_batch_size": 15, "per_device_train_batch_size": 5, "max_steps": 4}
    )
    dpo.run(place)
    for row in metrics(place.folder):  # seven pairs in each language, in micro-batches of 5, 5 and 4 or the like
        assert row["rewards/margins"] == pytest.approx((row["margin/en"] + row["margin/fi"]) / 2, rel=1e-5, abs=1e-7)
        assert row["rewards/accuracies"] == pytest.approx((row["accuracy/en"] + row["accuracy/fi"]) / 2)


def test_two_processes_train_as_one(start: Workplace, dpo_place: Any, tmp_path: Path) -> None:
    """The last step of an epoch has 5 pairs: nothing is repeated to fill it, and the metrics count each pair once."""
    alone = dpo_place(start, rows=13, language_pairs=0, trainer={"max_steps": 4})
    shared = dataclasses.replace(alone, folder=tmp_path / "runs" / "dpo" / "shared")
    shared.folder.mkdir()
    dpo.run(alone)
    train_here("align.dpo", dpo.prepare(shared), dpo.train, processes=2)
    for one, two in zip(metrics(alone.folder), metrics(shared.folder), strict=True):
        for name in ("loss", "margin/en", "margin/fi", "accuracy/fi", "tokens"):
            assert two.get(name) == pytest.approx(one.get(name), abs=1e-4), (one["step"], name)


def test_the_losses_are_those_of_trl() -> None:
    from trl.trainer import dpo_trainer

    tree = ast.parse(inspect.getsource(dpo_trainer))
    compared = {
        (getattr(node.left, "id", getattr(node.left, "attr", "")), node.comparators[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.Eq)
        and isinstance(node.comparators[0], ast.Constant)
    }
    assert {value for name, value in compared if name == "loss_type"} == set(LOSSES)
    assert {value for name, value in compared if name == "f_divergence_type"} == set(DIVERGENCES)


@pytest.mark.parametrize(
    ("trainer", "key", "says"),
    [
        ({"loss_type": "sigmiod"}, "loss_type", "no preference loss 'sigmiod'; did you mean 'sigmoid'"),
        ({"loss_type": "mse"}, "loss_type", "there are sigmoid, hinge"),
        ({"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0]}, "loss_weights", "1 weights for 2 losses"),
        ({"loss_type": "exo_pair"}, "loss_type", "exo_pair needs label_smoothing above 0"),
        ({"label_smoothing": 0.1}, "label_smoothing", "would do nothing with sigmoid; the losses that read it are exo_pair"),
        ({"loss_type": "aot"}, "loss_type", "set per_device_train_batch_size, to 2 or more"),
        ({"f_divergence_type": "reverse"}, "f_divergence_type", "did you mean 'reverse_kl'"),
        ({"loss_type": "apo_zero", "f_divergence_type": "js_divergence"}, "f_divergence_type", "for reverse_kl alone"),
        ({"ref_model_sync_steps": 10}, "ref_model_sync_steps", "would do nothing without sync_ref_model"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_a_sentence(trainer: dict[str, Any], key: str, says: str) -> None:
    ((where, sentence),) = loss_mistakes(trainer)
    assert where == key and says in sentence


def test_what_fits_says_nothing() -> None:
    fitting: list[dict[str, Any]] = [
        {}, {"loss_type": "robust", "label_smoothing": 0.1}, {"loss_type": "aot", "per_device_train_batch_size": 4},
        {"loss_type": ["sigmoid", "sft"], "loss_weights": [1, 0.2]}, {"f_divergence_type": "js_divergence"},
        {"sync_ref_model": True, "ref_model_sync_steps": 8},
    ]  # fmt: skip
    assert not [mistake for trainer in fitting for mistake in loss_mistakes(trainer)]
