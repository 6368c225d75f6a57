"""How long a row may be: the recipe's max_length, within what the model can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from align.estimate.model_shape import CONTEXT, read_shape
from kielo.errors import RecipeError
from kielo.models import loading
from kielo.recipe.trainings import dpo_trainings, sft_trainings
from kielo.schema import Recipe


def check_lengths(recipe: Recipe) -> None:
    """Check every training's max_length against the model's config.json, where that is on this machine; no torch is loaded.

    Raises:
        RecipeError: one asks for more than the model can read.
    """
    shape = read_shape(recipe.model_path, recipe.revision)
    if isinstance(shape, str):
        return
    for part, trainings in (("sft", sft_trainings(recipe)), ("dpo", dpo_trainings(recipe))):
        for training in trainings:
            _check(training.trainer.get("max_length"), shape.context, recipe.model, part)


def max_length(model: str, revision: str | None, trainer: Mapping[str, Any], part: str) -> int | None:
    """Find the most tokens of a row; None where neither the recipe nor the model sets a limit.

    Raises:
        RecipeError: the recipe asks for more than the model can read.
    """
    from transformers import AutoConfig

    with loading(model):
        config = AutoConfig.from_pretrained(model, revision=revision).get_text_config()
    context = next((getattr(config, name) for name in CONTEXT if getattr(config, name, None)), None)
    written = trainer.get("max_length")
    _check(written, context, model, part)
    return written or context


def _check(written: int | None, context: int | None, model: str, part: str) -> None:
    if written is not None and context is not None and written > context:
        raise RecipeError(
            f"{part}.trainer.max_length: {written} is more than the {context} tokens that model {model} can read; lower it."
        )
