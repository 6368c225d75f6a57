"""What a card says of a data set: collected from the records that the steps of a run left, read only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kielo.languages.pack import Language, language, read_shots
from kielo.run_folder import RunFolder
from kielo.schema import Dataset, Engine, Recipe
from kielo.sharing.origins import (
    MEMORY,
    REVIEWER,
    answerer_name,
    engine_labels,
    engine_name,
    makers,
    memory_name,
    rows_from,
)
from translate.review.rows import Row, read_rows, worst_first

_WORST = 5


@dataclass(frozen=True)
class Shots:
    """The few-shot pairs of a prompt: how many are shown, out of which file, under which licences."""

    shown: int
    form: str
    file: str
    licences: tuple[str, ...]
    """Empty: the file is not here any more."""


@dataclass(frozen=True)
class Maker:
    """Who made translations: its name, its revision where it is a model of the recipe's, how many texts, and its prompt."""

    name: str
    texts: int
    revision: str | None = None
    shots: Shots | None = None


@dataclass(frozen=True)
class Facts:
    """Everything about a data set that its card says besides its rows and its licence."""

    recipe: Recipe
    name: str
    dataset: Dataset
    source: Language
    target: Language
    origin: str
    steps: Mapping[str, Mapping[str, Any]]
    """The record of every step that made its rows, by name."""
    makers: tuple[Maker, ...]
    answered_by: str | None
    worst: tuple[Row, ...]

    @property
    def translation(self) -> Mapping[str, Any] | None:
        """The record of the step that translated it."""
        return next((record for name, record in self.steps.items() if name.startswith("translate/")), None)

    @property
    def limit(self) -> int | None:
        """How many records of the source were taken; None: all."""
        sources = (record for name, record in self.steps.items() if name.startswith("source/"))
        return next((record.get("counts", {}).get("limit") for record in sources), None)


def facts_of(recipe: Recipe, run: RunFolder, name: str, steps: tuple[str, ...]) -> Facts:
    """Collect the facts; `steps`: those that made the rows, all complete."""
    dataset = recipe.translate.datasets[name]
    rows_of = dataset.prompts_of or name
    translated = any(step.startswith("translate/") for step in steps)
    return Facts(
        recipe, name, dataset, language(recipe.source_language), language(recipe.language),
        rows_from(recipe.translate.datasets[rows_of]), {step: run.record(step) or {} for step in steps},
        _makers(recipe, run, rows_of) if translated else (), answerer_name(recipe, dataset),
        _worst(rows_of, run.folder(f"translate/{rows_of}")) if translated else (),
    )  # fmt: skip


def _makers(recipe: Recipe, run: RunFolder, name: str) -> tuple[Maker, ...]:
    counted, labels = makers(recipe, run, name), engine_labels(recipe, name)
    return tuple(_maker(recipe, label, labels.get(label), name, texts) for label, texts in counted.items())


def _maker(recipe: Recipe, label: str, engine: Engine | None, name: str, texts: int) -> Maker:
    if label == REVIEWER:
        return Maker("one of these, and read by a reviewer", texts)
    if engine is None:
        assert label == MEMORY
        memory = recipe.translate.datasets[name].memory or recipe.translate.memory
        return Maker(memory_name(memory) if memory else "a translation memory", texts)
    if engine.kind == "deepl":
        return Maker("DeepL", texts)
    revision = None if engine.model else recipe.revision
    return Maker(engine_name(recipe, engine), texts, revision, _shots(recipe, engine))


def _shots(recipe: Recipe, engine: Engine) -> Shots:
    prompt = engine.prompt or recipe.translate.prompt
    if prompt.shots_file == "pocket":
        return Shots(prompt.shots, prompt.format, "the pocket world's", ("Apache-2.0",))
    path = recipe.shots_of(prompt)
    licences = tuple(dict.fromkeys(shot.licence for shot in read_shots(path))) if path.is_file() else ()
    return Shots(prompt.shots, prompt.format, path.name, licences)


def _worst(name: str, folder: Path) -> tuple[Row, ...]:
    """Choose the accepted texts that the checks, the ladder and the model were least sure of."""
    rows = [row for row in read_rows(name, folder) if row.accepted and row.judgeable]
    return tuple(rows[place] for place in worst_first(rows)[:_WORST])
