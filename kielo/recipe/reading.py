"""Reads a recipe: strict YAML, the schema, the links between its parts; a mistake is one sentence with file and line."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from kielo import strict_yaml
from kielo.errors import RecipeError, at
from kielo.recipe.links import broken_links
from kielo.schema import Recipe


def load(path: Path) -> Recipe:
    """Read and check a recipe.

    Raises:
        RecipeError: one sentence with the file, the line and the nearest fix.
    """
    values, lines = strict_yaml.load(path)
    if "file" in values:
        raise RecipeError(f"{at(path, lines['file',])}: unknown key 'file'; remove it.")
    try:
        recipe = Recipe.model_validate({"name": path.stem, **values, "file": path.resolve()})
    except ValidationError as error:
        raise RecipeError(sentence_of(error, path, lines, Recipe)) from error
    for where, sentence in broken_links(recipe):
        raise RecipeError(f"{at(path, strict_yaml.line_of(where, lines))}: {'.'.join(map(str, where))}: {sentence}.")
    return recipe


_INNER = ("function-after", "float", "constrained-float", "literal['X']", "[key]")
"""What pydantic puts into a path of keys for itself."""


def sentence_of(error: ValidationError, path: Path, lines: strict_yaml.Lines, schema: type[BaseModel]) -> str:
    """Say the first mistake that a schema found in a YAML file, with its line and the nearest known key."""
    # A misspelt key also leaves its right spelling missing: name the misspelling.
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    where = _written(tuple(part for part in first["loc"] if part not in _INNER), lines)
    name = ".".join(map(str, where))
    place = at(path, strict_yaml.line_of(where, lines))
    more = f" ({error.error_count() - 1} more after this one)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        return f"{place}: unknown key '{name}'; {nearest(str(where[-1]), known_keys(where[:-1], schema))}{more}"
    if first["type"] == "missing":
        return f"{place}: key '{name}' is missing; add it.{more}"
    message = first["msg"].removeprefix("Value error, ").rstrip(".")
    value = "" if isinstance(first["input"], dict | list | BaseModel) else f" (it is {_short(repr(first['input']))})"
    return f"{place}: {f'{name}: ' if name else ''}{message}{value}.{more}"


def _short(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:100]}..."


def _written(where: tuple[Any, ...], lines: strict_yaml.Lines) -> tuple[Any, ...]:
    """Take out of a path of keys the place in a list that was not written as one (a single `engine`)."""
    for place, part in enumerate(where):
        if isinstance(part, int) and where[:place] in lines and where[: place + 1] not in lines:
            return where[:place] + where[place + 1 :]
    return where


def nearest(word: str, known: list[str]) -> str:
    """Suggest the nearest of the known words, or list them all: the end of a sentence."""
    near = difflib.get_close_matches(word, known, 1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(sorted(known))}."


def known_keys(where: tuple[Any, ...], schema: type[BaseModel] = Recipe) -> list[str]:
    """List the keys that a recipe (or another schema) knows at a path of keys."""
    node: dict[str, Any] = schema.model_json_schema()
    definitions = node["$defs"]
    for part in where:
        node = _resolve(node.get("properties", {}).get(part) or node.get("additionalProperties") or {}, definitions)
    return [name for name, value in node.get("properties", {}).items() if not value.get("hidden")]


def _resolve(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    for option in (node, *node.get("anyOf", ()), *node.get("allOf", ())):
        if "$ref" in option:
            resolved: dict[str, Any] = definitions[option["$ref"].rsplit("/", 1)[-1]]
            return resolved
    return node
