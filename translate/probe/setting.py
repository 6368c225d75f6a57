"""What is probed: a model on this machine or the Hub, its tokenizer and context, and the recipe that it is asked by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kielo.errors import MissingExtraError, RecipeError, UsageError
from kielo.languages.pack import option_language
from kielo.models import has_chat_template, loading, model_path
from kielo.provenance import CHECKOUT
from kielo.recipe.reading import load
from kielo.schema import Engine, Recipe
from translate.checks import Direction

POCKET_RECIPE = CHECKOUT / "recipes" / "pocket.yaml"
CONTEXT = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")


@dataclass(frozen=True)
class Model:
    """A model's tokenizer, and how many tokens it reads (None: its config does not say)."""

    name: str
    path: str
    tokenizer: Any
    context_tokens: int | None
    vocabulary: int | None
    """Tokens that the model has, which a tokenizer that is another's goes beyond; None: its config does not say."""
    chats: bool
    """Whether it has a chat template."""


def open_model(name: str, revision: str | None) -> Model:
    """Load a model's tokenizer and config, not its weights; no progress bars stand in the page from here on.

    Raises:
        RecipeError: they are not there, or cannot be read.
        MissingExtraError: transformers is not installed.
    """
    try:
        from transformers import AutoConfig, AutoTokenizer
        from transformers.utils import logging
    except ImportError as error:
        raise MissingExtraError(f"probe needs {error.name}: pip install -e '.[train,eval]'.") from error
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    path = model_path(name)
    if name.startswith(("/", "./", "../", "~")) and not Path(path).is_dir():
        raise RecipeError(f"model {name}: no such folder; name a folder that holds a model, a Hub id, or pocket.")
    if Path(path).suffix == ".gguf" or (Path(path).is_dir() and _gguf_alone(Path(path))):
        raise RecipeError(
            f"model {name}: a GGUF file; name the model that it was made of, with its config.json and *.safetensors."
        )
    with loading(name):
        config = AutoConfig.from_pretrained(path, revision=revision).get_text_config()
        tokenizer = AutoTokenizer.from_pretrained(path, revision=revision)
    context = next((int(found) for key in CONTEXT if (found := getattr(config, key, None))), None)
    return Model(name, path, tokenizer, context, getattr(config, "vocab_size", None), has_chat_template(path, revision))


def _gguf_alone(folder: Path) -> bool:
    return any(folder.glob("*.gguf")) and not (folder / "config.json").is_file()


def recipe_for(model: str, revision: str | None, code: str, source: str, data: Path | None, engine: Engine) -> Recipe:
    """Make the recipe that the model is asked by: that of `data`, where it is one, with this model and this engine.

    Raises:
        RecipeError: the recipe cannot be used.
        UsageError: the recipe is of other languages.
    """
    written = {
        "name": "probe", "language": code, "source_language": source, "model": "pocket",
        "translate": {"datasets": {"sample": {"kind": "sentences", "local": "sample.jsonl"}}},
        "sft": {"mixes": {"all": {"shares": {code: 1.0}}}},
    }  # fmt: skip
    recipe = load(data) if data else Recipe.model_validate(written)
    if (recipe.language, recipe.source_language) != (code, source):
        raise UsageError(
            f"--data {data}: this recipe goes from {recipe.source_language} to {recipe.language}, the probe from {source} to "
            f"{code}; give --source and --language as the recipe has them."
        )
    named = str(Path(model).absolute()) if model != "pocket" and Path(model).is_dir() else model
    translate = recipe.translate.model_copy(
        update={
            "engine": (engine,), "sentinels": "auto",
            "prompt": recipe.translate.prompt.model_copy(update={"format": "auto"}),
        }
    )  # fmt: skip
    return recipe.model_copy(update={"model": named, "revision": revision, "translate": translate})


def direction_of(source: str, code: str) -> Direction:
    """Read the packs of both languages.

    Raises:
        UsageError: one has no pack, or both are one.
    """
    if source == code:
        raise UsageError(f"--source {source} --language {code}: a probe compares two languages; name two.")
    return Direction(option_language("--source", source), option_language("--language", code))
