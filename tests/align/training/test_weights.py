"""Weights in and out: quantised for training and merged unquantised, in the format asked for, with the attention named."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from align import sft
from align.training import weights
from kielo.errors import MissingExtraError, RecipeError
from tests.align.training.test_course import LORA, differ, metrics
from tests.align.training.test_course import weights as weights_of


@pytest.mark.parametrize("bits", ["4bit", "8bit"])
def test_adapters_on_quantised_weights(sft_place: Any, bits: str) -> None:
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    from transformers import AutoModelForCausalLM

    keys = {"num_train_epochs": 8, "learning_rate": 1e-2}
    plain, place = (
        sft_place(name, lora={**LORA, "quantise": q}, trainer=keys) for name, q in (("a", None), ("b", bits))
    )
    sft.run(plain)
    outcome = sft.run(place)
    assert outcome.counts["train_loss"]["last"] < outcome.counts["train_loss"]["first"] - 0.2
    first = metrics(place.folder)[0]["loss"]
    assert first != metrics(plain.folder)[0]["loss"] and first == pytest.approx(
        metrics(plain.folder)[0]["loss"], abs=0.05
    )
    config = json.loads((place.folder / "model" / "config.json").read_text())
    assert "quantization_config" not in config, "merged into the weights as they were"
    assert str(AutoModelForCausalLM.from_pretrained(place.folder / "model").dtype) == "torch.float32"
    assert differ(weights_of(plain.folder), weights_of(place.folder))


def test_quantised_without_the_package(sft_place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="sft.lora.quantise: 4bit needs the package bitsandbytes"):
        sft.run(sft_place(lora={**LORA, "quantise": "4bit"}))


def test_attention_that_the_model_has_not(sft_place: Any) -> None:
    with pytest.raises(RecipeError, match="sft.trainer.attn_implementation: "):
        sft.run(sft_place(trainer={"attn_implementation": "fast_attention"}))


def test_files_that_are_torn(sft_place: Any, tiny: Path, tmp_path: Path) -> None:
    torn = shutil.copytree(tiny, tmp_path / "torn")
    file = torn / "model.safetensors"
    file.write_bytes(file.read_bytes()[:2000])
    place = sft_place()
    with pytest.raises(RecipeError, match=r"model .*torn: it cannot be loaded \(.*\); fetch it"):
        sft.run(dataclasses.replace(place, recipe=place.recipe.model_copy(update={"model": str(torn)})))


def test_attention_as_the_recipe_names_it(sft_place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, load = [], weights.load_model

    def load_and_tell(*given: Any) -> Any:
        loaded.append(load(*given))
        return loaded[-1]

    monkeypatch.setattr("align.training.trainer.load_model", load_and_tell)
    sft.run(sft_place(trainer={"attn_implementation": "eager", "max_steps": 1}))
    assert loaded[0].config._attn_implementation == "eager"


def test_a_16_bit_model_when_asked_for(sft_place: Any) -> None:
    place = sft_place(trainer={"dtype": "bfloat16", "max_steps": 1})
    sft.run(place)
    assert json.loads((place.folder / "model" / "config.json").read_text())["dtype"] == "bfloat16"
    assert {str(value.dtype) for value in weights_of(place.folder).values()} == {"torch.bfloat16"}


def test_rows_of_added_tokens_are_trained_through_the_adapter(sft_place: Any) -> None:
    """In 16-bit arithmetic TRL's head would be used, which looks past the adapter of the output layer."""
    place = sft_place(lora=LORA, trainer={"bf16": True, "max_steps": 4, "learning_rate": 1e-2})
    sft.run(place)
    head = weights_of(place.folder)["lm_head.weight"]
    assert not (head[-1] == head[-2]).all(), "the two added tokens began as the same mean"
