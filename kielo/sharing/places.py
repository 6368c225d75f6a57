"""Takes places of the machine out of what is shared: paths name people and projects, addresses name servers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kielo.schema import Recipe

_OF_THE_MACHINE = re.compile(r"^(?:/|~|\.{1,2}/|[A-Za-z]:[\\/])")


def without_places(value: Any) -> Any:
    """Cut paths down to their last part, wherever they stand: they name machines and people."""
    if isinstance(value, Mapping):
        return {key: without_places(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_places(each) for each in value]
    if isinstance(value, str) and _OF_THE_MACHINE.match(value):
        return re.split(r"[/\\]", value.rstrip("/\\"))[-1]
    return value


def recipe_told(recipe: Recipe) -> dict[str, Any]:
    """Write a recipe out with all its defaults, without the folders and servers of a machine."""
    told: dict[str, Any] = without_places(_without_servers(recipe.model_dump(mode="json")))
    return told


def _without_servers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: [] if key in ("urls", "command") else _without_servers(each) for key, each in value.items()}
    return [_without_servers(each) for each in value] if isinstance(value, list) else value
