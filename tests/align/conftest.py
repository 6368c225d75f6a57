"""A tiny untrained Llama with a BPE tokenizer, and workplaces for the steps of the alignment stage."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from align import prepare, reference
from kielo.plan import Step, Workplace
from kielo.recipe.reading import load
from kielo.records import Conversation, Message, PreferencePair, write_records
from kielo.schema import Recipe

WORDS = "one two three four five six seven eight nine ten red green blue small large house river tree".split()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random Llama (no chat tokens, eos </s>) that trains in a blink."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<s>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    bpe.train_from_iterator([" ".join(WORDS)] * 20, trainer)
    PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token="<s>", eos_token="</s>").save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(bpe.get_vocab()), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=256, bos_token_id=0, eos_token_id=1, tie_word_embeddings=False,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def conversation(index: int, language: str = "en", turns: int = 1) -> Conversation:
    """A conversation that can be learnt: count on from a word."""
    messages: list[Message] = []
    for turn in range(turns):
        start = (index + turn) % len(WORDS)
        messages.append(Message("user", f"after {WORDS[start]}?"))
        messages.append(Message("assistant", " ".join((WORDS + WORDS)[start + 1 : start + 4 + index % 3])))
    return Conversation(f"set/{index:05d}", language, tuple(messages))


def pair(index: int, language: str = "en") -> PreferencePair:
    """A pair: the right continuation against its reverse."""
    row = conversation(index, language)
    right = row.messages[-1].content
    return PreferencePair(row.id, language, row.messages[:-1], right, " ".join(reversed(right.split())))


MakePlace = Callable[..., Workplace]


def make_tokens(recipe: Recipe, name: str, own: Mapping[str, Any], inputs: Mapping[str, Path], runs: Path) -> Workplace:
    """Make the tokens that a training needs, as the plan's step before it does."""
    benchmarks: dict[str, Any] = {"overlap": "report", "benchmarks": []}
    settings = {"model": "tiny", "seed": 7, "chat_template": "chatml", "eval": benchmarks, **own}
    folder = runs / name
    folder.mkdir(parents=True, exist_ok=True)
    place = Workplace(Step(name, "tokens", settings, tuple(inputs)), recipe, folder, inputs)
    prepare.run(place)
    return place


def make_reference(
    start: Workplace, tokens: Workplace, name: str, keys: Mapping[str, Any], runs: Path
) -> dict[str, Path]:
    """Make the start model's log-probabilities, as the plan's step before a dpo step does."""
    trainer = {key: keys[key] for key in ("per_device_train_batch_size", "ld_alpha") if key in keys}
    settings = {"model": "tiny", "dpo": {"start": start.step.name, "lora": None, "trainer": trainer}}
    inputs = {start.step.name: start.folder, tokens.step.name: tokens.folder}
    folder = runs / "reference" / name
    folder.mkdir(parents=True, exist_ok=True)
    place = Workplace(
        Step(f"reference/{name}", "reference", settings, tuple(inputs), True), start.recipe, folder, inputs
    )
    reference.run(place)
    return {place.step.name: folder}


@pytest.fixture
def sft_place(tiny: Path, write_recipe: Callable[..., Path], tmp_path: Path) -> MakePlace:
    """Make the workplace of an sft step on rows of the tiny world."""

    def make(
        name: str = "run", rows: int = 24, trainer: Mapping[str, Any] | None = None, loss_on: str = "all",
        neftune: float | None = None, lora: Mapping[str, Any] | None = None, model: Path = tiny, over_length: str = "cut",
    ) -> Workplace:  # fmt: skip
        recipe = load(write_recipe(("model: pocket", f"model: {json.dumps(str(model))}")))
        mix = tmp_path / "runs" / "mix" / "m"
        write_records(mix / "train.jsonl", [conversation(i, "en" if i % 2 else "fi", 1 + i % 2) for i in range(rows)])
        keys = {"global_batch_size": 8, "learning_rate": 5e-3, "num_train_epochs": 2, **(trainer or {})}
        own = {"loss_on": loss_on, "over_length": over_length, "trainer": {"max_length": keys.get("max_length")}}
        tokens = make_tokens(recipe, f"tokens/sft/{name}", {"sft": own}, {"mix/m": mix}, tmp_path / "runs")
        settings = {
            "model": "tiny", "seed": 7, "sft": {"neftune_noise_alpha": neftune, "lora": lora, "trainer": keys},
        }  # fmt: skip
        step = Step(f"sft/{name}", "sft", settings, (tokens.step.name,), True)
        folder = tmp_path / "runs" / "sft" / name
        folder.mkdir(parents=True, exist_ok=True)
        return Workplace(step, recipe, folder, {tokens.step.name: tokens.folder})

    return make


@pytest.fixture
def dpo_place(sft_place: MakePlace, tmp_path: Path) -> MakePlace:
    """Make the workplace of a dpo step that starts from a folder `model/` of an sft step."""

    def make(
        start: Workplace,
        name: str = "run",
        rows: int = 16,
        trainer: Mapping[str, Any] | None = None,
        lora: Mapping[str, Any] | None = None,
        scored: bool = True,
        language_pairs: float = 0,
    ) -> Workplace:
        source, translated = tmp_path / "runs/source/helpsteer2", tmp_path / "runs/translate/helpsteer2"
        write_records(source / "rows.jsonl", [pair(i) for i in range(rows)])
        write_records(translated / "accepted.jsonl", [pair(i, "fi") for i in range(rows)])
        keys = {"global_batch_size": 8, "learning_rate": 2e-3, "num_train_epochs": 2, **(trainer or {})}
        own = {
            "data": {"helpsteer2": ["en", "fi"]}, "language_pairs": language_pairs, "accept": ["cross-language", "over-length", "tied"],
            "trainer": {"max_length": keys.get("max_length")},
        }  # fmt: skip
        pairs = {"source/helpsteer2": source, "translate/helpsteer2": translated}
        tokens = make_tokens(start.recipe, f"tokens/dpo/{name}", {"dpo": own}, pairs, tmp_path / "runs")
        settings = {"model": "tiny", "seed": 7, "dpo": {"beta": 0.1, "lora": lora, "trainer": keys}}
        inputs = {start.step.name: start.folder, tokens.step.name: tokens.folder}
        if scored:
            inputs |= make_reference(start, tokens, name, keys, tmp_path / "runs")
        folder = tmp_path / "runs" / "dpo" / name
        folder.mkdir(parents=True, exist_ok=True)
        return Workplace(Step(f"dpo/{name}", "dpo", settings, tuple(inputs), True), start.recipe, folder, inputs)

    return make
