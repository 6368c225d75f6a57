"""`kielo import`: every key of alignment-handbook and TRL files is kept, renamed or accounted for, and the recipe is one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from kielo.cli import main
from kielo.handbook import Imported, convert
from kielo.handbook.writing import as_yaml, write_recipe
from kielo.recipe.reading import load

CHATML = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
COMMON: dict[str, Any] = {
    "model_name_or_path": "some-group/some-model", "model_revision": "step-7", "torch_dtype": "bfloat16",
    "attn_implementation": "sdpa", "trust_remote_code": False, "preprocessing_num_workers": 3, "bf16": True,
    "do_eval": True, "do_train": True, "evaluation_strategy": "epoch", "eval_strategy": "no", "eval_steps": 77,
    "gradient_accumulation_steps": 2, "gradient_checkpointing": True,
    "gradient_checkpointing_kwargs": {"use_reentrant": False}, "hub_model_id": "x", "hub_model_revision": "y",
    "hub_strategy": "every_save", "learning_rate": 3e-6, "log_level": "info", "logging_steps": 4,
    "logging_strategy": "steps", "lr_scheduler_type": "cosine_with_min_lr", "lr_scheduler_kwargs": {"min_lr_rate": 0.2},
    "max_grad_norm": 0.7, "num_train_epochs": 2, "optim": "adamw_torch", "output_dir": "out/there",
    "overwrite_output_dir": True, "per_device_eval_batch_size": 9, "per_device_train_batch_size": 4,
    "push_to_hub": True, "push_to_hub_revision": True, "remove_unused_columns": True, "report_to": ["wandb"],
    "run_name": "mine", "save_strategy": "steps", "save_steps": 50, "save_total_limit": 2, "seed": 13,
    "warmup_ratio": 0.2, "weight_decay": 0.05, "dataset_num_proc": 2, "ddp_timeout": 99, "use_liger_kernel": True,
    "average_tokens_across_devices": True, "eos_token": "<|im_end|>", "use_flash_attention_2": False,
    "wandb_project": "p", "logging_first_step": True,
}  # fmt: skip
LORA: dict[str, Any] = {
    "use_peft": True, "load_in_4bit": True, "lora_r": 8, "lora_alpha": 24, "lora_dropout": 0.1,
    "lora_target_modules": ["query_key_value", "lm_head"],
}  # fmt: skip
MIXER = {
    "dataset_mixer": {"some-group/one": 1.0, "/data/of mine": 0.25},
    "dataset_splits": ["train_sft", "test_sft"],
    "dataset_configs": ["default", "tiny"],
}
MIXTURE = {
    "dataset_mixture": {
        "datasets": [
            {"id": "a/b", "config": "default", "split": "train", "columns": ["messages"], "weight": 1.0},
            {"id": "a/b", "config": "other", "split": "more", "columns": ["messages"], "weight": 0.5},
        ],
        "seed": 3,
        "test_split_size": 10,
    }
}
TRL = {"datasets": [{"path": "a/b", "name": "all", "split": "train", "fraction": 0.5, "data_dir": "x"}]}
SINGLE = {"dataset_name": "a/b", "dataset_config": "all", "dataset_train_split": "train", "dataset_test_split": "test"}
SFT = {
    **COMMON, **MIXER, "max_seq_length": 2048, "max_steps": -1, "packing": True, "packing_strategy": "ffd",
    "neftune_noise_alpha": 5, "chat_template": CHATML, "dataset_kwargs": {"add_special_tokens": False},
    "assistant_only_loss": True,
}  # fmt: skip
DPO = {
    **COMMON, **MIXER, **LORA, "beta": 0.02, "loss_type": "sigmoid", "max_length": 1024, "max_prompt_length": 512,
    "padding_free": True, "precompute_ref_log_probs": True,
}  # fmt: skip


@pytest.fixture
def take(tmp_path: Path) -> Callable[..., Imported]:
    def make(*files: dict[str, Any], devices: int | None = None) -> Imported:
        paths = [tmp_path / f"file-{number}.yaml" for number in range(len(files))]
        for path, values in zip(paths, files, strict=True):
            path.write_text(yaml.safe_dump(values, sort_keys=False), "utf-8")
        return convert(paths, "fi", devices)

    return make


@pytest.mark.parametrize("values", [SFT, DPO], ids=["sft", "dpo"])
def test_every_key_is_accounted_for_once_and_known(values, take, tmp_path: Path) -> None:
    imported = take(values)
    told = [note.key for note in imported.notes if note.fate != "added"]
    assert sorted({key.partition(".")[0] for key in told}) == sorted(values)
    assert len(told) == len(set(told))
    assert [note.key for note in imported.notes if note.fate == "unknown"] == []
    written = write_recipe(imported, "x.yaml", tmp_path / "recipe.yaml")
    assert load(written[0]).language == "fi"


@pytest.mark.parametrize("data", [MIXER, MIXTURE, TRL, SINGLE], ids=["mixer", "mixture", "trl", "single"])
@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_every_way_of_naming_data_gives_a_recipe(data, kind, take, tmp_path: Path) -> None:
    imported = take({"model_name_or_path": "a/m", **data, **({"beta": 0.1} if kind == "dpo" else {})})
    write_recipe(imported, "x.yaml", tmp_path / "recipe.yaml")
    recipe = load(tmp_path / "recipe.yaml")
    wanted = "conversations" if kind == "sft" else "preferences"
    read = [(each.hub, each.config, each.split) for each in recipe.translate.datasets.values() if each.kind == wanted]
    expected: dict[str, list[Any]] = {
        "dataset_mixer": [("some-group/one", None, "train_sft"), ("/data/of mine", "tiny", "train_sft")],
        "dataset_mixture": [("a/b", None, "train"), ("a/b", "other", "more")],
        "datasets": [("a/b", "all", "train")], "dataset_name": [("a/b", "all", "train")],
    }  # fmt: skip
    assert read == expected[next(iter(data))]


def test_values_arrive_where_a_recipe_has_them(take) -> None:
    values = take(SFT, devices=16).values
    assert (values["model"], values["revision"]) == ("some-group/some-model", "step-7")
    assert values["seed"] == 13
    trainer = values["sft"]["trainer"]
    assert trainer["global_batch_size"] == 4 * 2 * 16
    assert (trainer["max_length"], trainer["warmup_ratio"], trainer["packing"]) == (2048, 0.2, True)
    assert trainer["lr_scheduler_kwargs"] == {"min_lr_rate": 0.2}
    assert values["sft"]["loss_on"] == "assistant"
    assert values["sft"]["mixes"]["imported"]["sources"]["of-mine"] == {"shares": {"en": 0.25}}
    assert values["sft"]["runs"]["neftune"]["neftune_noise_alpha"] == 5


def test_adapters_and_preferences_arrive(take) -> None:
    values = take(DPO).values
    assert values["dpo"]["beta"] == 0.02
    assert values["dpo"]["lora"] == {
        "r": 8, "lora_alpha": 24, "lora_dropout": 0.1, "target_modules": ["query_key_value"], "quantise": "4bit",
    }  # fmt: skip
    assert values["dpo"]["trainer"]["dtype"] == "bfloat16"


def sentence(imported: Imported, key: str) -> str:
    (note,) = [note for note in imported.notes if note.key == key]
    return f"{note.fate}: {note.sentence}"


@pytest.mark.parametrize(
    ("values", "key", "told"),
    [
        ({"torch_dtype": "bfloat16"}, "torch_dtype", "dropped: now dtype, and bfloat16 left out"),
        ({"torch_dtype": "float32"}, "torch_dtype", 'renamed: trainer.dtype: "float32"'),
        ({"lerning_rate": 1}, "lerning_rate", "unknown: no key that Kielo knows; did you mean 'learning_rate'?"),
        ({"learning_rate": -1}, "learning_rate", "unknown: a recipe refuses -1"),
        ({"warmup_steps": 0.1}, "warmup_steps", "renamed: trainer.warmup_ratio: 0.1"),
        ({"warmup_steps": 10, "max_steps": 50}, "warmup_steps", "renamed: trainer.warmup_ratio: 0.2"),
        ({"warmup_steps": 10}, "warmup_steps", "dropped: 10: a recipe warms up for a share"),
        ({"max_steps": 50, "num_train_epochs": 3}, "num_train_epochs", "dropped: 3: max_steps goes before it"),
        ({"rpo_alpha": 0.3}, "rpo_alpha", 'renamed: trainer.loss_type, trainer.loss_weights: [["sigmoid", "sft"], [1.0, 0.3]]'),
        ({"deepspeed": "zero3.json"}, "deepspeed", 'renamed: trainer.parallel: "zero3"'),
        ({"completion_only_loss": True}, "completion_only_loss", 'renamed: sft.loss_on: "last" (on `messages`'),
        ({"lora_r": 16}, "lora_r", "dropped: without use_peft it does nothing"),
        ({}, "max_length", "added: 1024, TRL's default"),
        ({}, "global_batch_size", "added: trainer.global_batch_size: 64 = 8 x 1 x 8 devices; 8 devices are an assumption"),
        ({"per_device_train_batch_size": 2}, "global_batch_size", "added: trainer.global_batch_size: 16"),
        ({"precompute_ref_log_probs": True}, "precompute_ref_log_probs", "dropped: always so"),
        ({"packing": True, "beta": 0.1}, "packing", "dropped: it does nothing in dpo"),
    ],
)  # fmt: skip
def test_what_is_said_of_a_key(values, key, told, take) -> None:
    assert sentence(take({"model_name_or_path": "a/m", "dataset_name": "a/b", **values}), key).startswith(told)


def test_capital_truth_values_are_read(tmp_path: Path) -> None:
    text = (
        "model_name_or_path: a/m\ndataset_name: a/b\nuse_peft: True\nload_in_4bit: True\nbf16: False\npacking: TRUE\n"
    )
    (tmp_path / "x.yaml").write_text(text, "utf-8")
    values = convert([tmp_path / "x.yaml"], "fi", None).values
    assert values["sft"]["lora"]["quantise"] == "4bit"
    assert (values["sft"]["trainer"]["bf16"], values["sft"]["trainer"]["packing"]) == (False, True)


def test_sft_and_dpo_become_one_recipe(take, tmp_path: Path) -> None:
    imported = take(DPO, SFT)
    assert sentence(imported, "max_prompt_length").startswith("dropped")
    recipe = load(write_recipe(imported, "two files", tmp_path / "recipe.yaml")[0])
    assert recipe.dpo is not None
    assert recipe.dpo.start == "sft/imported"
    assert "PLACE-HOLDER" not in (tmp_path / "recipe.yaml").read_text("utf-8")
    assert (tmp_path / "recipe.jinja").read_text("utf-8") == CHATML
    assert "PLACE-HOLDER" in as_yaml(take(DPO), "x.yaml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("model_name_or_path: a\n", "no data set of which anything is taken"),
        ("learning_rate: 1\n", "neither a model nor data"),
        ("dataset_name: a/b\n", "model_name_or_path is missing"),
        ("model_name_or_path: a\ndataset_mixer: [a]\n", "line 2: dataset_mixer: data sets with shares"),
        ("model_name_or_path: a\ndataset_mixer: {a: much}\n", 'the share of a is "much"'),
        ("model_name_or_path: a\ndatasets: [{split: x}]\n", "a data set without id or path"),
        ("model_name_or_path: a\ndataset_name: b\nmax_length: long\n", "line 3: max_length: a positive whole number"),
        ("model_name_or_path: a\ndataset_name: b\nuse_peft: perhaps\n", "use_peft: true or false is needed"),
        ("model_name_or_path: a\nmodel_name_or_path: b\n", "stands already in line 1"),
        ("a: &x [1]\nb: *x\n", "aliases"),
        ("a: !!python/object/apply:os.system [id]\n", "not valid YAML"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(text, told, tmp_path: Path, capsys) -> None:
    (tmp_path / "x.yaml").write_text(text, "utf-8")
    assert main(["import", str(tmp_path / "x.yaml"), "--language", "fi"]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


def test_the_command_writes_lists_and_never_overwrites(tmp_path: Path, capsys) -> None:
    file, out = tmp_path / "sft.yaml", tmp_path / "fi.yaml"
    file.write_text(yaml.safe_dump({**SFT, "odd\x1b[2Jkey": 1}), "utf-8")
    arguments = ["import", str(file), "--language", "fi", "--out", str(out)]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "kept     learning_rate: 3e-06" in said
    assert "\x1b" not in said
    assert main(["check", str(out)]) == 0
    assert main(arguments) == 2
    assert "exists already" in capsys.readouterr().err


def test_a_model_folder_that_is_elsewhere_is_said(tmp_path: Path, capsys) -> None:
    file = tmp_path / "sft.yaml"
    file.write_text("model_name_or_path: /of/a/cluster\ndataset_name: a/b\n", "utf-8")
    assert main(["import", str(file), "--language", "fi", "--out", str(tmp_path / "fi.yaml")]) == 1
    said = capsys.readouterr()
    assert "no such folder on this machine" in said.out
    assert "not yet a recipe" in said.err


def test_every_key_of_the_installed_trl_is_known(take) -> None:
    from trl import DPOConfig, ModelConfig, ScriptArguments, SFTConfig

    for configs in ((SFTConfig,), (DPOConfig,), (ModelConfig, ScriptArguments)):
        names = {each.name for config in configs for each in dataclasses.fields(config)} - {"loss_type"}
        values = {**dict.fromkeys(names), "model_name_or_path": "a/m", "datasets": [{"path": "a/b"}]}
        notes = [note for note in take(values).notes if note.fate != "added"]
        assert [note.key for note in notes if note.fate == "unknown"] == []
        assert {note.top for note in notes} == set(values), "a key that is not set is said, too"
