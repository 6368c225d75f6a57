"""Reads what a run's steps left behind (step.json, scores.json) into one value that the report is written from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.report.numbers import Followed, Ratio, total
from kielo.errors import SourceError
from kielo.languages import language
from kielo.links import expand_mixes
from kielo.records import read_json
from kielo.run_folder import RECORD
from kielo.schema import Recipe

RESPONSE_LANGUAGE = "language:response_language"
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Evaluation:
    """One model on one benchmark in one language; only prompts that ask for no response language are counted."""

    model: str
    language: str
    folder: Path
    document: Document
    followed: Followed
    by_category: Mapping[str, Ratio]
    in_language: Ratio | None

    @property
    def accuracy(self) -> Ratio:
        """Instruction-level strict accuracy, the number of the paper's tables."""
        return total(self.followed)


@dataclass(frozen=True)
class Run:
    """A whole run: its recipe, the records of its steps in plan order, and what was measured."""

    recipe: Recipe
    records: Mapping[str, Document]
    folders: Mapping[str, Path]
    evaluations: tuple[Evaluation, ...]
    translation: Mapping[str, Document]

    def of_kind(self, kind: str) -> dict[str, Document]:
        """Pick the records of one kind of step."""
        return {name: record for name, record in self.records.items() if record["kind"] == kind}

    def evaluation(self, model: str, code: str) -> Evaluation | None:
        """Find a model's evaluation in a language."""
        return next((found for found in self.evaluations if (found.model, found.language) == (model, code)), None)

    @property
    def models(self) -> tuple[str, ...]:
        """List the evaluated models as step names, in plan order."""
        return tuple(dict.fromkeys(found.model for found in self.evaluations))

    @property
    def languages(self) -> tuple[str, ...]:
        """List the languages of the evaluations, in plan order."""
        return tuple(dict.fromkeys(found.language for found in self.evaluations))

    def role(self, code: str) -> str:
        """Say which of the two languages a code is, for colours and markers: source or target."""
        return "source" if code == self.recipe.source_language else "target"

    @property
    def shares(self) -> dict[str, float]:
        """Map the recipe's mixes to their share of the target-language rows."""
        mixes = expand_mixes(self.recipe.sft.mixes)
        return {name: shares.get(self.recipe.language, 0.0) for name, shares in mixes.items()}


def short(model: str) -> str:
    """Name a model without its stage: `sft/neftune` is neftune."""
    return model.partition("/")[2]


def quoted(model: str) -> str:
    """Name a model inside a sentence; both writers set what stands between backticks as code, unbroken."""
    return f"`{short(model)}`"


def name_of(code: str) -> str:
    """Give a language's English name from its pack."""
    return language(code).name


def collect(recipe: Recipe, folders: Mapping[str, Path]) -> Run:
    """Read the records and scores of the steps in `folders`; a step that is not complete is left out.

    Raises:
        SourceError: a record or a scores file is damaged.
    """
    records = {name: _document(folder / RECORD) for name, folder in folders.items() if (folder / RECORD).is_file()}
    evaluations = tuple(_evaluation(folders[name]) for name, record in records.items() if record["kind"] == "eval")
    translation = {
        name: _document(folders[name] / "scores.json")
        for name, record in records.items() if record["kind"] == "translation-quality"
    }  # fmt: skip
    return Run(recipe, records, folders, evaluations, translation)


def _document(path: Path) -> dict[str, Any]:
    document = read_json(path)
    if document is None:
        raise SourceError(f"{path}: missing; make its step again with --redo.")
    return document


def _evaluation(folder: Path) -> Evaluation:
    document = _document(folder / "scores.json")
    prompts = [row for row in document["prompts"] if RESPONSE_LANGUAGE not in row["instruction_id_list"]]
    followed = {row["key"]: (sum(row["strict"]), len(row["strict"])) for row in prompts}
    spoken = document["response_language"]
    return Evaluation(
        document["model"], document["language"], folder, document, followed, _by_category(prompts),
        Ratio(spoken["in_target"], spoken["total"]) if spoken else None,
    )  # fmt: skip


def _by_category(prompts: list[dict[str, Any]]) -> dict[str, Ratio]:
    counts: dict[str, list[bool]] = defaultdict(list)
    for row in prompts:
        for name, passed in zip(row["instruction_id_list"], row["strict"], strict=True):
            counts[name.partition(":")[0]].append(passed)
    return {category: Ratio(sum(passed), len(passed)) for category, passed in sorted(counts.items())}
