"""Several processes share a training: configurations rendered for the model's own layers, and FSDP2 for real on two CPU processes."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from align import sft
from align.machine import Machine
from align.training import parallel
from align.training.arguments import trainer_arguments
from align.training.job import Job, read_job
from align.training.launch import train_here
from align.training.stopping import STOP, Stopped
from kielo.errors import MissingExtraError, RecipeError, RunFolderError
from tests.align.training.test_arguments import GCDS, JOB, LAPTOP, job
from tests.align.training.test_course import LORA, metrics, weights

SHORT = {"num_train_epochs": 1, "save_steps": 2, "logging_steps": 1}
TWO_CPUS = Machine(2, "cpu", False)


def spread(job: Path) -> None:
    train_here("align.sft", job, sft.train, processes=2)


def close(one: Path, other: Path) -> bool:
    first, second = weights(one), weights(other)
    return set(first) == set(second) and all((first[name] - second[name]).abs().max() < 1e-4 for name in first)


def test_the_choice() -> None:
    assert [parallel.choose(job(), machine) for machine in (LAPTOP, TWO_CPUS, GCDS)] == ["alone", "ddp", "fsdp2"]
    assert parallel.choose(job(parallel="zero3"), GCDS) == "zero3"
    assert parallel.choose(job(parallel="fsdp2"), LAPTOP) == "alone", "the same recipe on a laptop"
    quantised = dataclasses.replace(JOB, lora={**LORA, "quantise": "4bit"})
    assert parallel.choose(quantised, GCDS) == "ddp"
    with pytest.raises(RecipeError, match="fsdp2 cannot share out weights of 4bit"):
        parallel.choose(dataclasses.replace(quantised, trainer={"parallel": "fsdp2"}), GCDS)


@pytest.mark.parametrize(
    ("config", "layers"),
    [
        ("LlamaConfig", ["LlamaDecoderLayer"]),
        ("BloomConfig", ["BloomBlock"]),
        ("Gemma3TextConfig", ["Gemma3DecoderLayer"]),
        ("Qwen3Config", ["Qwen3DecoderLayer"]),
    ],
)
def test_layers_of_the_model_itself(config: str, layers: list[str], tmp_path: Path) -> None:
    import transformers

    sizes = {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 2, "vocab_size": 64}
    getattr(transformers, config)(**sizes).save_pretrained(tmp_path)
    assert parallel.layer_classes(str(tmp_path), None) == layers
    given = {"gradient_checkpointing": True}
    rendered = parallel.render(dataclasses.replace(job(), model=str(tmp_path)), GCDS, given)
    assert rendered.arguments["fsdp_config"]["transformer_layer_cls_to_wrap"] == layers
    assert rendered.arguments["fsdp_config"]["activation_checkpointing"] and rendered.arguments["fsdp"] is True
    assert rendered.arguments["gradient_checkpointing"] is False, "layers would be computed three times"
    assert rendered.environment["FSDP_CPU_RAM_EFFICIENT_LOADING"] == "true"


def test_keys_of_the_recipe_go_over_what_is_rendered(tiny: Path) -> None:
    written = dataclasses.replace(job(fsdp_config={"cpu_offload": True}), model=str(tiny))
    assert parallel.render(written, GCDS, {"gradient_checkpointing": True}).arguments["fsdp_config"]["cpu_offload"]
    assert parallel.merged({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}, "d": 4}) == {"a": {"b": 3, "c": 2}, "d": 4}


def zero3_of(tiny: Path, machine: Machine) -> dict[str, Any]:
    made = dataclasses.replace(job(global_batch_size=128, per_device_train_batch_size=2), model=str(tiny))
    return parallel.zero3(made, machine, trainer_arguments(made, machine))


def test_zero3_leaves_nothing_to_guess(tiny: Path) -> None:
    config = zero3_of(tiny, GCDS)
    assert "auto" not in json.dumps(config)
    zero = config["zero_optimization"]
    assert (zero["stage"], zero["stage3_gather_16bit_weights_on_model_save"]) == (3, True)
    assert zero["offload_param"]["device"] == zero["offload_optimizer"]["device"] == "none"
    assert config["train_batch_size"] == 128 and config["train_micro_batch_size_per_gpu"] == 2
    assert config["gradient_accumulation_steps"] == 2 and config["bf16"]["enabled"] and config["gradient_clipping"] == 1


def test_deepspeed_reads_our_zero3(tiny: Path) -> None:
    pytest.importorskip("deepspeed", reason="deepspeed is not installed: only the shape of its configuration is tested")
    from deepspeed.runtime.config import DeepSpeedConfig

    read = DeepSpeedConfig(zero3_of(tiny, Machine(1, "cuda", True)))  # without a process group it knows of one process
    assert (read.train_batch_size, read.gradient_accumulation_steps) == (128, 64)
    assert read.zero_config.stage == 3 and read.zero_config.gather_16bit_weights_on_model_save


def test_zero3_without_deepspeed(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"\.\[zero3\]', or use fsdp2"):
        parallel.render(dataclasses.replace(job(parallel="zero3"), model=str(tiny)), GCDS, {})


def ask_once_begun(folder: Path) -> None:
    """Ask a training to stop as soon as its processes are there: a file from before is that of an earlier start."""
    while not (folder / parallel.FILE).exists():
        time.sleep(0.01)
    (folder / STOP).touch()


def test_fsdp2_stops_goes_on_and_gives_the_model_of_one_process(sft_place: Any) -> None:
    alone = sft_place("alone", trainer=SHORT)
    sft.run(alone)
    shared = sft_place("shared", trainer={**SHORT, "parallel": "fsdp2", "gradient_checkpointing": True})
    job = sft.prepare(shared)
    asking = Thread(target=ask_once_begun, args=(shared.folder,), daemon=True)
    asking.start()
    with pytest.raises(Stopped):
        spread(job)
    asking.join()
    (checkpoint,) = (shared.folder / "checkpoints").glob("checkpoint-*")
    step = int(checkpoint.name.partition("-")[2])
    files = json.loads((checkpoint / "complete.json").read_text())["files"]
    assert sum(name.startswith("pytorch_model_fsdp_0/__") for name in files) == 2, "every process wrote its part"
    assert not (shared.folder / STOP).exists() and not (shared.folder / "model").exists()
    with pytest.raises(RunFolderError, match="shared the model by fsdp2, now they would by alone"):
        sft.train(job)
    spread(job)
    counts = sft.collect(shared).counts
    assert (counts["parallel"], counts["processes"], counts["resumed_from_step"]) == ("fsdp2", 2, step)
    for one, other in zip(metrics(alone.folder), metrics(shared.folder), strict=True):
        assert one["loss"] == pytest.approx(other["loss"], abs=1e-3) and one["tokens"] == other["tokens"]
    assert close(alone.folder, shared.folder)
    used = json.loads((shared.folder / "parallel.json").read_text())
    assert used["kind"] == "fsdp2" and used["arguments"]["fsdp_config"]["transformer_layer_cls_to_wrap"]


def test_fsdp2_exports_adapters_in_16_bits(sft_place: Any) -> None:
    from transformers import AutoModelForCausalLM

    keys = {**SHORT, "dtype": "bfloat16"}
    alone, shared = (sft_place("alone", trainer=keys, lora=LORA), sft_place("shared", trainer={**keys, "parallel": "fsdp2"}, lora=LORA))  # fmt: skip
    sft.run(alone)
    spread(sft.prepare(shared))
    model = AutoModelForCausalLM.from_pretrained(shared.folder / "model")
    assert str(model.dtype) == "torch.bfloat16" and not any("lora" in name for name, _ in model.named_parameters())
    first, second = weights(alone.folder), weights(shared.folder)
    assert set(first) == set(second) and all((first[name] - second[name]).abs().max() < 0.02 for name in first)


def test_zero3_gives_the_model_of_one_process(sft_place: Any) -> None:
    pytest.importorskip("deepspeed", reason="deepspeed is not installed")
    alone = sft_place("alone", trainer=SHORT)
    sft.run(alone)
    shared = sft_place("shared", trainer={**SHORT, "parallel": "zero3", "per_device_train_batch_size": 2})
    job = sft.prepare(shared)
    (shared.folder / STOP).touch()
    with pytest.raises(Stopped):
        spread(job)
    spread(job)
    assert sft.collect(shared).counts["resumed_from_step"] == 1
    assert close(alone.folder, shared.folder)


def test_a_changed_learning_rate_does_not_go_on(sft_place: Any) -> None:
    place = sft_place(trainer=SHORT)
    job = sft.prepare(place)
    (place.folder / STOP).touch()
    with pytest.raises(Stopped):
        sft.train(job)
    values = json.loads(job.read_text())
    values["trainer"]["learning_rate"] = 1e-3
    job.write_text(json.dumps(values))
    with pytest.raises(RunFolderError, match="trainer.learning_rate: 0.005 -> 0.001"):
        sft.train(job)
    assert isinstance(read_job(job), Job)
    with pytest.raises(RunFolderError, match="trainer.learning_rate: 0.001 -> 0.005"):
        sft.prepare(place)
