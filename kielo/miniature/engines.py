"""The engines of a miniature: all of them transformers in this process, with miniatures of the models that they name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kielo.errors import RecipeError
from kielo.miniature.making import make_miniature
from kielo.schema import CHAT_TEMPLATES, Recipe

Values = dict[str, Any]


class Models:
    """The miniatures of a recipe's models, made when they are first named."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        self.recipe, self.folder = recipe, folder
        self.own = str(make_miniature(recipe.model_path, folder, recipe.revision))
        self.unknown: set[str] = set()
        """Models that the recipe's own miniature stands in for."""

    def of(self, name: str | None) -> str | None:
        """Name the miniature of an engine's model; where nothing is known of that, the recipe's own."""
        if name is None:
            return None
        try:
            return str(make_miniature(self.recipe.named_model(name), self.folder))
        except RecipeError:
            self.unknown.add(name)
            return self.own

    def judge(self, name: str) -> str:
        """Name the miniature of a judge, which is asked in messages whatever it is."""
        template = (CHAT_TEMPLATES / "chatml.jinja").read_text("utf-8")
        try:
            return str(make_miniature(self.recipe.named_model(name), self.folder / "judges", chat_template=template))
        except RecipeError:
            self.unknown.add(name)
            own = self.recipe.model_path, self.folder / "judges", self.recipe.revision
            return str(make_miniature(*own, chat_template=template))

    def stand_in(self) -> str:
        """Say which models are not themselves in miniature."""
        names = ", ".join(sorted(self.unknown))
        return f"Nothing is known of the architecture of {names}: the miniature stands in. " if names else ""


def engine(written: Mapping[str, Any] | None, models: Models) -> Values:
    """Make any engine one of transformers' in this process; how it is prompted stays."""
    given = written or {}
    own = {"prompt": given["prompt"]} if given.get("prompt") and given.get("kind") != "deepl" else {}
    return {"kind": "hf", **own, **({"model": found} if (found := models.of(given.get("model"))) else {})}


def engines(written: list[Mapping[str, Any]] | None, models: Models) -> list[Values] | None:
    """Make all engines such ones; two that became the same are one."""
    if written is None:
        return None
    small: list[Values] = []
    for each in written:
        if (found := engine(each, models)) not in small:
            small.append(found)
    return small


def judging(written: list[Mapping[str, Any]], models: Models) -> list[Values]:
    """Make judges such engines; models that nothing is known of are one judge."""
    names = dict.fromkeys(models.judge(each["model"]) for each in written)
    return [{"kind": "hf", "model": name} for name in names]
