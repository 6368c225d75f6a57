"""How long a row may be: the recipe's max_length, within what the model can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kielo.errors import RecipeError
from kielo.models import loading

_CONTEXT = (
    "max_position_embeddings",
    "n_positions",
    "seq_length",
)  # as model families spell it; ALiBi models have none


def max_length(model: str, revision: str | None, trainer: Mapping[str, Any], part: str) -> int | None:
    """Find the most tokens of a row; None where neither the recipe nor the model sets a limit.

    Raises:
        RecipeError: the recipe asks for more than the model can read.
    """
    from transformers import AutoConfig

    with loading(model):
        config = AutoConfig.from_pretrained(model, revision=revision).get_text_config()
    context = next((getattr(config, name) for name in _CONTEXT if getattr(config, name, None)), None)
    written = trainer.get("max_length")
    if written is not None and context is not None and written > context:
        raise RecipeError(
            f"{part}.trainer.max_length: {written} is more than the {context} tokens that model {model} can read; lower it."
        )
    return written or context
