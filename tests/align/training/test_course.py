"""SFT and DPO on a tiny model, for real: the loss falls, ablations differ, the result is what evaluation loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from align import dpo, sft
from kielo.errors import KieloError, RecipeError, RunFolderError, SourceError
from kielo.records import read_jsonl

LORA = {"r": 4, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": "all-linear"}


def metrics(folder: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_jsonl(folder / "metrics.jsonl")]


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "model" / "model.safetensors"))


def differ(one: dict[str, Any], other: dict[str, Any]) -> bool:
    import torch

    return any(not torch.equal(one[name], other[name]) for name in one)


def test_sft_learns_and_leaves_a_chat_model(sft_place: Any, tiny: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place = sft_place(trainer={"num_train_epochs": 30, "learning_rate": 1e-2})
    outcome = sft.run(place)
    assert outcome.counts["train_loss"]["last"] < outcome.counts["train_loss"]["first"] - 2
    assert outcome.counts["steps"] == metrics(place.folder)[-1]["step"] == 90
    assert outcome.counts["added_tokens"] == 2
    assert all((place.folder / name).is_file() for name in outcome.outputs)
    assert {"model/config.json", "model/model.safetensors", "model/tokenizer.json", "model/chat_template.jinja"} <= set(
        outcome.outputs
    )
    assert not (place.folder / "checkpoints").exists() and not (place.folder / "model" / "training_args.bin").exists()
    modes = {(place.folder / "model" / name).stat().st_mode for name in ("config.json", "model.safetensors")}
    assert len(modes) == 1, "who may read the configuration may read the weights"

    tokenizer = AutoTokenizer.from_pretrained(place.folder / "model")
    model = AutoModelForCausalLM.from_pretrained(place.folder / "model")
    stop = tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert model.generation_config.eos_token_id == [stop, 1]
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "after one?"}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    assert tokenizer.decode(prompt["input_ids"][0]) == "<|im_start|>user\nafter one?<|im_end|>\n<|im_start|>assistant\n"
    generated = model.generate(**prompt, max_new_tokens=40, do_sample=False)
    assert generated[0, -1] == stop, "the end of turn was not learnt"


def test_counts_by_language(sft_place: Any) -> None:
    outcome = sft.run(sft_place(rows=10, loss_on="assistant", trainer={"max_steps": 1, "max_length": 60}))
    english, finnish = outcome.counts["languages"]["en"], outcome.counts["languages"]["fi"]
    assert (english["rows"], finnish["rows"]) == (5, 5)
    assert english["truncated"] > 0 and 0 < english["loss_tokens"] < english["tokens"]


def test_masking_and_neftune_are_not_the_baseline(sft_place: Any) -> None:
    runs = {"base": {}, "masked": {"loss_on": "assistant"}, "neftune": {"neftune": 5.0}}
    outcomes = {name: sft.run(sft_place(name, **settings, trainer={"max_steps": 2})) for name, settings in runs.items()}
    results = {name: weights(Path(sft_place(name).folder)) for name in runs}
    again = sft_place("again", trainer={"max_steps": 2})
    sft.run(again)
    assert not differ(results["base"], weights(again.folder)), "the same job must give the same weights"
    assert differ(results["base"], results["masked"]) and differ(results["base"], results["neftune"])
    trained = {name: outcome.counts["languages"]["fi"]["loss_tokens"] for name, outcome in outcomes.items()}
    assert trained["masked"] < trained["base"] == trained["neftune"]


def test_accumulation_and_packing_do_not_change_what_is_trained(sft_place: Any) -> None:
    whole, split, packed = (
        sft_place("whole", trainer={"max_steps": 3, "packing": False}),
        sft_place("split", trainer={"max_steps": 3, "packing": False, "per_device_train_batch_size": 2}),
        sft_place("packed", trainer={"max_steps": 3, "packing": True}),
    )
    counts = [sft.run(place).counts["passes_of_a_step"] for place in (whole, split, packed)]
    assert counts[1] == 4 > counts[0]
    for rows in zip(*(metrics(place.folder) for place in (whole, split, packed)), strict=True):
        assert len({row["tokens"] for row in rows}) == 1
        for name in ("loss", "entropy", "mean_token_accuracy"):
            assert rows[1][name] == pytest.approx(rows[0][name], abs=2e-5), name
            assert rows[2][name] == pytest.approx(rows[0][name], abs=2e-5), name


@pytest.mark.parametrize("tied", [False, True])
def test_lora_trains_added_tokens_and_is_merged(sft_place: Any, tiny: Path, tmp_path: Path, tied: bool) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    start = tmp_path / "start"
    model = AutoModelForCausalLM.from_pretrained(tiny)
    if tied:
        model.config.tie_word_embeddings = True
        model.tie_weights()
    model.save_pretrained(start)
    AutoTokenizer.from_pretrained(tiny).save_pretrained(start)
    place = sft_place(lora=LORA, model=start, trainer={"num_train_epochs": 8})
    outcome = sft.run(place)
    assert outcome.counts["train_loss"]["last"] < outcome.counts["train_loss"]["first"] - 0.2
    trained = AutoModelForCausalLM.from_pretrained(place.folder / "model")
    assert not any("lora" in name for name, _ in trained.named_parameters())
    rows = trained.get_output_embeddings().weight
    old = model.get_output_embeddings().weight
    assert torch.equal(rows[: len(old)], old) and not torch.equal(rows[-1], rows[-2]), (
        "only the rows of the added tokens move"
    )
    # The merged model computes what was trained: its loss is that of the last steps, not of another function.
    mix = tmp_path / "runs" / "mix" / "m" / "train.jsonl"
    tokenizer = AutoTokenizer.from_pretrained(place.folder / "model")
    texts = [tokenizer.apply_chat_template(row["messages"], tokenize=False) for _, row in read_jsonl(mix)]
    losses = []
    for text in texts:
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        losses.append((trained(input_ids=ids, labels=ids).loss.item(), ids.shape[1] - 1))
    mean = sum(loss * count for loss, count in losses) / sum(count for _, count in losses)
    assert mean == pytest.approx(outcome.counts["train_loss"]["last"], abs=0.25)


def test_dpo_prefers_chosen(sft_place: Any, dpo_place: Any) -> None:
    start = sft_place(trainer={"num_train_epochs": 4})
    sft.run(start)
    place = dpo_place(start, trainer={"num_train_epochs": 4})
    outcome = dpo.run(place)
    rows = metrics(place.folder)
    assert rows[0]["loss"] == pytest.approx(0.6931, abs=1e-3), "the reference is the start model"
    assert rows[-1]["loss"] < 0.6 and rows[-1]["rewards/margins"] > 0.1 and rows[-1]["rewards/accuracies"] > 0.7
    assert outcome.counts["languages"]["fi"]["rows"] == outcome.counts["languages"]["en"]["rows"] == 16
    assert differ(weights(start.folder), weights(place.folder))
    with_adapters = dpo_place(start, "lora", lora=LORA, trainer={"max_steps": 4})
    dpo.run(with_adapters)
    assert metrics(with_adapters.folder)[0]["loss"] == pytest.approx(0.6931, abs=1e-3)
    other_loss = dpo_place(start, "ipo", trainer={"max_steps": 1, "loss_type": "ipo"})
    assert dpo.run(other_loss).counts["train_loss"]["first"] > 1, "not the sigmoid loss"


def test_a_finished_training_is_not_repeated(sft_place: Any) -> None:
    from huggingface_hub import constants

    place = sft_place(trainer={"max_steps": 1})
    first = sft.run(place)
    made = (place.folder / "model" / "model.safetensors").stat().st_mtime_ns
    assert constants.HF_HUB_DISABLE_TELEMETRY, "nobody is told of a training"
    assert sft.run(place) == first
    assert (place.folder / "model" / "model.safetensors").stat().st_mtime_ns == made


@pytest.mark.parametrize(
    ("trainer", "says"),
    [
        ({"per_device_train_batch_size": 3}, "use one of 1, 2, 4, 8"),
        ({"max_length": 4096}, "more than the 256 tokens"),
        ({"optim": "adamm"}, "sft.trainer: adamm is not a valid OptimizerNames"),
        ({"optim_args": "fused"}, "sft.trainer: not enough values to unpack"),
        ({"lr_scheduler_type": "cosine_with_min_lr"}, "sft.trainer: One of min_lr or min_lr_rate"),
        ({"lr_scheduler_kwargs": {"speed": 2}}, "sft.trainer: .* unexpected keyword argument 'speed'"),
        ({"activation_offloading": True}, "activation_offloading moves to the CPU, where this training is"),
        ({"loss_type": "mse"}, "sft.trainer: Invalid `loss_type` mse"),
        ({"learning_rate": 1e30, "max_grad_norm": 1e30, "optim": "sgd"}, "the loss is no number any more"),
    ],
)
def test_mistakes_are_sentences(sft_place: Any, trainer: dict[str, Any], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        sft.run(sft_place(trainer=trainer))


@pytest.mark.parametrize(("key", "package"), [({"report_to": "wandb"}, "wandb"), ({"use_liger_kernel": True}, "liger")])
def test_packages_that_are_missing(
    sft_place: Any, monkeypatch: pytest.MonkeyPatch, key: dict[str, Any], package: str
) -> None:
    monkeypatch.setattr("transformers.integrations.integration_utils.is_wandb_available", lambda: False)
    monkeypatch.setattr("align.training.trainer.find_spec", lambda name: None)
    with pytest.raises(KieloError, match=f"sft.trainer.*{package}"):
        sft.run(sft_place(trainer=key))


def test_our_own_errors_are_no_mistakes_of_the_recipe(sft_place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise TypeError("a bug of ours")

    monkeypatch.setattr("align.sft.Collator", broken)
    with pytest.raises(TypeError, match="a bug of ours"):
        sft.run(sft_place())


def test_nothing_to_train_on(sft_place: Any) -> None:
    with pytest.raises(SourceError, match="no_answer_within_max_length"):
        sft_place(loss_on="assistant", trainer={"max_length": 4})


def test_checkpoints_of_another_job_are_refused(sft_place: Any) -> None:
    place = sft_place(trainer={"max_steps": 2})
    sft.prepare(place)
    (place.folder / "checkpoints" / "checkpoint-1").mkdir(parents=True)
    with pytest.raises(RunFolderError, match="seed: 7 -> 8|trainer.max_steps: 2 -> 3"):
        sft.prepare(sft_place(trainer={"max_steps": 3}))


def test_changed_rows_are_another_job(sft_place: Any) -> None:
    assert sft.run(sft_place(trainer={"max_steps": 1})).counts["rows"] == 24
    assert sft.run(sft_place(trainer={"max_steps": 1}, rows=9)).counts["rows"] == 9
