"""The model, its revision, the seed and the chat template of alignment-handbook or TRL files, as a recipe writes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kielo.errors import RecipeError
from kielo.handbook.reading import Reading, short
from kielo.schema import CHAT_TEMPLATES


def base_model(readings: Sequence[Reading]) -> dict[str, Any]:
    """Take model, revision and seed: those of the first file, which the other one starts from.

    Raises:
        RecipeError: the first file names no model.
    """
    values: dict[str, Any] = {}
    for reading in readings:
        model, revision, seed = (reading.take(key) for key in ("model_name_or_path", "model_revision", "seed"))
        first = not values
        if first:
            values = {"model": _written(reading, model)}
        else:
            reading.note(
                "dropped", "model_name_or_path", f"{short(model)}: the tuning starts from this recipe's sft run"
            )
        if revision is not None:
            _revision(reading, revision, first, values)
        if seed is not None:
            _seed(reading, seed, values)
    return values


def _written(reading: Reading, model: Any) -> str:
    """Write a model as a recipe does: a Hub id, or a folder from the root."""
    if not isinstance(model, str) or not model:
        raise RecipeError(f"{reading.path}: model_name_or_path is missing or no text; name a model.")
    named = str(Path(model).resolve()) if Path(model).is_dir() else model
    where = "" if not named.startswith(("/", ".")) or Path(named).is_dir() else "no such folder on this machine"
    reading.renamed("model_name_or_path", "model", named, where)
    return named


def _revision(reading: Reading, revision: Any, first: bool, values: dict[str, Any]) -> None:
    if first and revision != "main":
        values["revision"] = str(revision)
        reading.renamed("model_revision", "revision", revision)
    else:
        reading.note("dropped", "model_revision", f"{short(revision)}{'' if first else ': of another model'}")


def _seed(reading: Reading, seed: Any, values: dict[str, Any]) -> None:
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise RecipeError(f"{reading.where('seed')}: seed: a whole number from 0 is needed, not {short(seed)}.")
    if values.setdefault("seed", seed) == seed:
        reading.note("kept", "seed", str(seed))
    else:
        reading.note("dropped", "seed", f"{seed}: a recipe has one seed, {values['seed']}")


def chat_template(readings: Sequence[Reading]) -> tuple[str, str | None]:
    """Take the chat template: a name or path for the recipe, and the text where a file holds it itself."""
    chosen: tuple[str, str | None] | None = None
    for reading in readings:
        for key in ("chat_template", "chat_template_path"):
            value = reading.take(key)
            if value is None:
                continue
            if chosen is not None:
                reading.note("dropped", key, "a recipe has one template, that of the fine-tuning")
                continue
            chosen = _template(reading, key, str(value))
    if chosen is not None:
        return chosen
    name, why = ("chatml", "`model` takes the tokenizer's own") if readings[0].task == "sft" else ("model", "its own")
    readings[0].note("added", "chat_template", f"{name} ({why})")
    return name, None


def _template(reading: Reading, key: str, value: str) -> tuple[str, str | None]:
    if "{" in value:
        reading.note("renamed", key, "chat_template: a file beside the recipe")
        return "", value
    if (CHAT_TEMPLATES / f"{value}.jinja").is_file():
        reading.note("kept", key, value)
        return value, None
    if Path(value).is_file():
        named = str(Path(value).resolve())
        reading.renamed(key, "chat_template", named)
        return named, None
    reading.renamed(key, "chat_template", "model", f"there is no file {short(value)} here")
    return "model", None
