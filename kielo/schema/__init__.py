"""What a recipe can say: every key, its type and its default (none live in YAML); kielo/recipe/reading.py reads the file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from kielo.languages.pack import shots_of
from kielo.models import model_path
from kielo.schema.alignment import Dpo, DpoRun, Lora, Mix, Pool, Sft, SftRun
from kielo.schema.engines import Engine, FewShot
from kielo.schema.evaluation import Evaluate, Judge
from kielo.schema.parts import Code, Name, Part, once_each
from kielo.schema.selection import Annotate, Embedder, Select
from kielo.schema.trainer import Trainer
from kielo.schema.translation import Dataset, Translate

__all__ = [
    "CHAT_TEMPLATES",
    "Annotate",
    "Dataset",
    "Dpo",
    "DpoRun",
    "Embedder",
    "Engine",
    "FewShot",
    "Judge",
    "Lora",
    "Mix",
    "Pool",
    "Recipe",
    "Select",
    "Sft",
    "SftRun",
    "Trainer",
    "json_schema",
]
Seed = Annotated[int, Field(ge=0, lt=2**32)]  # more is refused by numpy, which every trainer seeds
CHAT_TEMPLATES = Path(__file__).resolve().parents[2] / "recipes" / "chat_templates"


class Recipe(Part):
    """From a base model to a chat model in one language."""

    name: Name = Field("", description="names the run folder; default: the file's name", validate_default=False)
    description: str = ""
    language: Code = Field(description="target language: a pack under recipes/languages/")
    source_language: Code = "en"
    model: str = Field(
        min_length=1,
        description="Hub id; a folder, written /like/this or ./like/this (relative to the recipe); or `pocket`, the small base model shipped with Kielo",
    )
    revision: str | None = Field(None, description="of the model on the Hub")
    chat_template: str = Field(
        "chatml",
        description="a template of recipes/chat_templates/, a path to a .jinja file, relative to the recipe, or `model`: the model's own",
    )
    seed: Seed = Field(0, description="of everything drawn at random")
    seeds: Annotated[tuple[Seed, ...], AfterValidator(once_each)] = Field(
        (),
        description="every training is done once with each of them, named <run>-seed-<seed>; default: once, with `seed`",
    )
    translate: Translate
    annotate: Annotate = Annotate()
    sft: Sft
    dpo: Dpo | None = None
    eval: Evaluate = Evaluate()
    file: Path = Field(Path(), exclude=True, json_schema_extra={"hidden": True})

    @property
    def model_path(self) -> str:
        """Where the model lies: a folder or a Hub id."""
        return self.named_model(self.model)

    def named_model(self, name: str) -> str:
        """Resolve a model's name as a recipe writes it: a folder relative to the recipe, `pocket`, or a Hub id."""
        return str(self.path(name)) if name.startswith(("/", ".")) else model_path(name)

    @property
    def chat_template_path(self) -> Path | None:
        """The template's file: a shipped one of that name, else a path relative to the recipe; None: the model's own."""
        if self.chat_template == "model":
            return None
        shipped = CHAT_TEMPLATES / f"{self.chat_template}.jinja"
        return shipped if shipped.is_file() else self.path(self.chat_template)

    def shots_of(self, prompt: FewShot) -> Path:
        """Name the file of a prompt's few-shot pairs: its own, else the language pack's."""
        return shots_of(self.language) if prompt.shots_file is None else self.path(prompt.shots_file)

    def path(self, written: str) -> Path:
        """Resolve a path written in the recipe, relative to the recipe's own folder."""
        return (self.file.parent / written).resolve()


def json_schema() -> dict[str, Any]:
    """Make the JSON Schema that editors complete recipes with."""
    schema = Recipe.model_json_schema()
    schema["properties"].pop("file")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Kielo recipe"}
