"""Estimates: parameters counted from config.json against real models, the memory table of a 34B model, steps and tokens of a run."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from align.estimate.hardware import Hardware, hardware
from align.estimate.memory import Setting, adapter_parameters, memory
from align.estimate.model_shape import FAMILIES, ModelShape, count, read_shape
from align.estimate.table import table
from align.estimate.trainings import estimate
from kielo.cli import main
from kielo.errors import UsageError
from kielo.plan import Outcome, make_plan
from kielo.recipe.reading import load
from kielo.records import write_json, write_records
from kielo.run_folder import RunFolder
from tests.align.conftest import conversation, pair

PORO = count({"n_layer": 54, "hidden_size": 7168, "n_head": 56, "vocab_size": 128000}, FAMILIES["bloom"])
GB = 1e9

SIZE = {"vocab_size": 512, "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4}
GROUPED = {**SIZE, "intermediate_size": 160, "num_key_value_heads": 2}
CONFIGS: list[tuple[str, dict[str, Any]]] = [
    ("Llama", GROUPED), ("Llama", {**GROUPED, "attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}),
    ("Mistral", GROUPED), ("Qwen2", GROUPED), ("Qwen2", {**GROUPED, "tie_word_embeddings": True}),
    ("Qwen3", {**GROUPED, "head_dim": 32}), ("Gemma", {**GROUPED, "head_dim": 32}),
    ("Gemma2", {**GROUPED, "head_dim": 32}), ("Gemma3Text", {**GROUPED, "head_dim": 32}),
    ("Phi3", {**GROUPED, "pad_token_id": 0}), ("GPTNeoX", {**SIZE, "intermediate_size": 256}),
    ("Bloom", {"vocab_size": 512, "hidden_size": 64, "n_layer": 3, "n_head": 4}),
    ("Mpt", {"vocab_size": 512, "d_model": 64, "n_layers": 3, "n_heads": 4}),
    ("GPT2", {"vocab_size": 512, "n_embd": 64, "n_layer": 3, "n_head": 4, "n_positions": 128}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "fields"), CONFIGS)
def test_parameters_are_those_of_the_real_model(name: str, fields: dict[str, Any], tmp_path: Path) -> None:
    import torch
    import transformers

    config = getattr(transformers, f"{name}Config")(**fields)
    config.save_pretrained(tmp_path)
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config)
    real = sum(parameter.numel() for parameter in model.parameters())
    found = read_shape(str(tmp_path), None)
    assert isinstance(found, ModelShape), found
    assert found.parameters == pytest.approx(real, rel=0.005)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"model_type": "mamba"}, "no parameter count for models of type mamba"),
        ({"model_type": "llama", "hidden_size": 8, "vocab_size": 9}, "does not say num_hidden_layers"),
    ],
)
def test_a_model_that_cannot_be_counted_is_said(config: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    write_json(tmp_path / "config.json", config)
    found = read_shape(str(tmp_path), None)
    assert isinstance(found, str)
    assert sentence in found


def full(devices: int, **trainer: Any) -> Setting:
    return Setting(devices, True, True, True, trainer, None)


@pytest.mark.parametrize(
    ("devices", "states", "reference"),
    [(8, 68.4, 8.6), (16, 34.2, 4.3), (24, 22.8, 2.9), (32, 17.1, 2.1), (64, 8.6, 1.1)],
)
def test_states_and_reference_of_poro_over_devices(devices: int, states: float, reference: float) -> None:
    assert PORO.parameters == pytest.approx(34.22e9, rel=0.001)
    held = memory(PORO, full(devices, sync_ref_model=True), 1, 2048)
    assert round((held["weights"] + held["gradients"] + held["optimiser"]) / GB, 1) == states
    assert round(held["reference"] / GB, 1) == reference


@pytest.mark.parametrize(
    ("sequences", "kept", "layer", "logits"), [(1, 1.6, 2.7, 2.6), (2, 3.2, 5.4, 5.2), (4, 6.3, 10.8, 10.5)]
)
def test_activations_and_logits_of_poro(sequences: int, kept: float, layer: float, logits: float) -> None:
    held = memory(PORO, full(32), sequences, 2048)
    assert held["activations"] / GB == pytest.approx(kept + layer, abs=0.1)
    assert round(held["logits"] / GB, 1) == logits


def test_the_papers_batch_fits_32_devices_and_not_8() -> None:
    fits, does_not = (sum(memory(PORO, full(devices), 4, 2048).values()) for devices in (32, 8))
    assert fits < 64 * GB < does_not


def test_what_makes_a_training_smaller() -> None:
    usual = memory(PORO, full(32), 2, 2048)
    assert memory(PORO, full(32, optim="adamw_8bit"), 2, 2048)["optimiser"] == usual["optimiser"] / 4
    assert memory(PORO, full(32, dtype="bfloat16"), 2, 2048)["weights"] == usual["weights"] / 2
    without = dataclasses.replace(full(32), checkpointing=False)
    assert memory(PORO, without, 2, 2048)["activations"] > 20 * usual["activations"]
    apart = dataclasses.replace(full(32), shared_out=False)
    assert memory(PORO, apart, 2, 2048)["weights"] == 32 * usual["weights"]
    lora = dataclasses.replace(full(1), lora={"r": 16, "quantise": "4bit"})
    held = memory(PORO, lora, 2, 2048)
    assert held["weights"] < 0.6 * PORO.parameters + 4 * adapter_parameters(PORO, 16)
    assert held["optimiser"] == 8 * adapter_parameters(PORO, 16)


def test_adapters_are_counted_as_peft_makes_them(tiny: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(tiny), LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
    )
    shape = read_shape(str(tiny), None)
    assert isinstance(shape, ModelShape)
    assert adapter_parameters(shape, 4) == model.num_parameters(only_trainable=True)


TOKENS = {"en": {"rows": 4692, "tokens": 2_000_000}, "fi": {"rows": 4399, "tokens": 3_000_000}}


def made(run: RunFolder, recipe: Any, name: str, files: dict[str, Any], counts: dict[str, Any]) -> None:
    """Leave a complete step in the run folder."""
    step = next(each for each in make_plan(recipe) if each.name == name)
    began = run.begin(step)
    for file, value in files.items():
        (write_records if file.endswith(".jsonl") else write_json)(run.folder(name) / file, value)
    run.finish(step, Outcome(tuple(files), counts), began)


def test_a_counted_training_gives_steps_tokens_and_hours(write_recipe, tmp_path: Path) -> None:
    recipe = load(write_recipe())
    run = RunFolder(tmp_path / "run")
    name = "tokens/sft/en-fi-100pct"
    made(run, recipe, name, {"tokens.json": {"rows": 9091, "longest_row": 512, "counts": TOKENS}}, {})
    given = Hardware(32, "mi250x-gcd", 64, 191.5)
    found, _ = estimate(recipe, make_plan(recipe), run, given)
    (one,) = [each for each in found if each.name == "sft/en-fi-100pct"]
    assert (one.steps_per_epoch, one.steps, one.amount.tokens) == (72, 216, 5_000_000)
    assert not one.amount.guessed
    shape = read_shape(recipe.model_path, None)
    assert isinstance(shape, ModelShape)
    operations = 8 * shape.parameters * 15_000_000  # 6 a parameter and token, a third more for what is computed again
    assert one.device_hours == pytest.approx(operations / (191.5e12 * 0.35) / 3600)
    assert one.hours == pytest.approx(one.device_hours / 32)
    unknown = next(each for each in found if each.name == "sft/en-fi-0pct")
    assert (unknown.steps, unknown.amount.rows, unknown.device_hours) == (None, None, None)


def test_rows_without_tokens_are_guessed_and_marked(write_recipe, tmp_path: Path) -> None:
    recipe = load(write_recipe())
    run = RunFolder(tmp_path / "run")
    rows = [conversation(index, "en" if index % 4 else "fi") for index in range(40)]
    made(run, recipe, "mix/en-fi-50pct", {"train.jsonl": rows}, {"rows": 40})
    found, said = estimate(recipe, make_plan(recipe), run, Hardware(1, "cpu", 16, 0.2))
    one = next(each for each in found if each.name == "sft/en-fi-50pct")
    letters = sum(len(turn.content) for row in rows for turn in row.messages)
    assert one.amount.guessed
    assert one.amount.tokens == pytest.approx(letters / 4, abs=1)
    assert one.amount.by_language["en"] > 2 * one.amount.by_language["fi"]
    text = table(found, said, Hardware(1, "cpu", 16, 0.2))
    assert "en ~" in text
    assert "`kielo tokens` counts them" in text


def test_pairs_are_guessed_from_both_languages(write_recipe, tmp_path: Path) -> None:
    recipe = load(
        write_recipe(("{data: {helpsteer2: [en, fi]}}", "{data: {helpsteer2: [en, fi]}, language_pairs: 0.5}"))
    )
    run = RunFolder(tmp_path / "run")
    english, finnish = ([pair(index, code) for index in range(rows)] for code, rows in (("en", 20), ("fi", 10)))
    made(run, recipe, "source/helpsteer2", {"rows.jsonl": english}, {"records": 20})
    assert estimate(recipe, make_plan(recipe), run, Hardware())[0][-1].amount.rows is None
    made(run, recipe, "translate/helpsteer2", {"accepted.jsonl": finnish}, {"accepted": 10})
    found, _ = estimate(recipe, make_plan(recipe), run, Hardware())
    one = next(each for each in found if each.name == "dpo/dpo-both")
    letters = sum(2 * len(row.prompt[0].content) + len(row.chosen) + len(row.rejected) for row in english)
    assert one.amount.rows == 45
    assert one.amount.by_language["en"] == pytest.approx(1.5 * letters / 4, abs=1)


def test_a_reference_pass_needs_no_global_batch(write_recipe, tmp_path: Path) -> None:
    batch = "trainer: {global_batch_size: 48, per_device_train_batch_size: 3}"
    recipe = load(write_recipe(("dpo:\n", f"dpo:\n  {batch}\n"), ("sft:\n", f"sft:\n  {batch}\n")))
    found, _ = estimate(recipe, make_plan(recipe), RunFolder(tmp_path / "run"), Hardware(16))
    (one,) = [each for each in found if each.kind == "reference"]
    assert (one.batches.per_device, one.devices) == (3, 16)


def test_plan_prints_and_writes_the_estimates(write_recipe, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    recipe, out = str(write_recipe()), tmp_path / "plan.json"
    options = ["--devices", "16", "--device-memory", "0.001", "--tflops", "100", "--json", str(out)]
    assert main(["plan", recipe, *options]) == 0
    said = capsys.readouterr().out
    assert "sft/neftune" in said
    assert "128: 16x" in said
    assert "!: more than the 0.001 GB of a device" in said
    document = json.loads(out.read_text("utf-8"))
    assert all(each["memory_bytes"] for each in document["trainings"])
    (one,) = [each for each in document["trainings"] if each["name"] == "dpo/dpo-both"]
    assert one["global_batch_size"] == 128
    assert one["memory_bytes"]["optimiser"] > 0
    assert [step["name"] for step in document["steps"]][-1] == "report"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--devices", "24"], "global_batch_size 128 does not divide by 24 processes"),
        (["--device", "mi250x"], "--device mi250x: no such device; did you mean 'mi250x-gcd'?"),
        (["--device-memory", "nan"], "'nan' is no positive number"),
        (["--json", "/nowhere/plan.json"], "not a file that can be written"),
    ],
)
def test_a_mistake_is_one_sentence(options: list[str], sentence: str, write_recipe, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        code = main(["plan", str(write_recipe()), *options])
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    assert sentence in capsys.readouterr().err


def test_a_model_of_the_hub_is_read_where_it_was_fetched(tmp_path: Path, monkeypatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert "hf download some/poro config.json" in str(read_shape("some/poro", None))
    folder = tmp_path / "models--some--poro"
    config = {"model_type": "bloom", "n_layer": 54, "hidden_size": 7168, "n_head": 56, "vocab_size": 128000}
    write_json(folder / "snapshots" / "abc" / "config.json", config)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc", "utf-8")
    assert read_shape("some/poro", None) == PORO


def test_every_device_of_the_file_can_be_used() -> None:
    for name in ("mi250x-gcd", "a100-80", "h100-80", "h200-141", "cpu"):
        given = hardware(name, 2, None, None)
        assert given.memory_gb and given.tflops
    assert hardware("a100-80", 1, 20, None).memory_gb == 20
    with pytest.raises(UsageError, match="no such device"):
        hardware("tpu", 1, None, None)
