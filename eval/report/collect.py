"""Reads what a run's steps left behind (step.json, scores.json) into one value that the report is written from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from eval.ifeval.scores_file import scores_of
from eval.report.measures import Measures
from eval.report.scored import Document, Evaluation
from eval.responses import responses_file
from kielo.errors import SourceError
from kielo.languages.pack import language
from kielo.recipe.mixes import Selection, Taken, expand_mixes, selections
from kielo.recipe.trainings import DpoTraining, SftTraining, dpo_trainings, sft_trainings
from kielo.records import read_json
from kielo.run_folder import RECORD, SCORES
from kielo.schema import Recipe


@dataclass(frozen=True)
class Answered:
    """One model on open questions in one language: the measures of its answers, and the file of them."""

    model: str
    benchmark: str
    language: str
    folder: Path
    responses: Path
    document: Document


@dataclass(frozen=True)
class Run:
    """A whole run: its recipe, the records of its steps in plan order, and what was measured."""

    recipe: Recipe
    records: Mapping[str, Document]
    folders: Mapping[str, Path]
    evaluations: tuple[Evaluation, ...]
    """On the recipe's IFEval set, which the paper's tables are of."""
    further: tuple[Evaluation, ...]
    """On IFEval sets beside it, such as native ones."""
    questions: tuple[Answered, ...]
    judged: Mapping[str, Document]
    """Step of the judge -> what it wrote."""
    translation: Mapping[str, Document]

    def of_kind(self, kind: str) -> dict[str, Document]:
        """Pick the records of one kind of step."""
        return {name: record for name, record in self.records.items() if record["kind"] == kind}

    def evaluation(self, model: str, code: str) -> Evaluation | None:
        """Find a model's evaluation on the main set in a language."""
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

    @cached_property
    def measures(self) -> Measures:
        """The intervals and tests of this report."""
        return Measures()

    @cached_property
    def supervised(self) -> Mapping[str, SftTraining]:
        """Map the models of supervised fine-tuning, as step names, to what they were trained with."""
        return {f"sft/{training.name}": training for training in sft_trainings(self.recipe)}

    @cached_property
    def preferring(self) -> Mapping[str, DpoTraining]:
        """Map the models of preference tuning, as step names, to what they were trained with."""
        return {f"dpo/{training.name}": training for training in dpo_trainings(self.recipe)}

    @cached_property
    def shares(self) -> Mapping[str, float]:
        """Map the models that are the plain training of a mix to its share of the target-language rows."""
        mixes = expand_mixes(self.recipe)
        plain = {model: one.mix for model, one in self.supervised.items() if one.run == one.mix}
        return {model: self._share(mix, mixes[mix]) for model, mix in plain.items()}

    @cached_property
    def selected(self) -> Mapping[str, Selection]:
        """Map the mixes whose rows were chosen first to how."""
        return selections(self.recipe)

    def generator(self, name: str, code: str) -> str | None:
        """Name the model that answered a data set's prompts anew in a language, as the recipe does; None where the answers are the data set's own."""
        dataset = self.recipe.translate.datasets[name]
        while_translating = dataset.answers == "regenerate" and code == self.recipe.language
        if dataset.prompts_of is None and not while_translating:
            return None
        engines = dataset.engine or self.recipe.translate.engine or ()
        return next((engine.model for engine in engines[:1] if engine.model), self.recipe.model)

    def of_selection(self, mix: str) -> Mapping[str, Mapping[str, int]]:
        """Count a selection's rows by language: available, in the pool once rows were left out, selected; nothing where it is not made."""
        found: Mapping[str, Mapping[str, int]] = (
            self.records.get(f"select/{mix}", {}).get("counts", {}).get("languages", {})
        )
        return found

    def _share(self, mix: str, taken: tuple[Taken, ...]) -> float:
        """Take a share as the recipe writes it, or out of the counts of a blend, a number of rows or a selection."""
        target = self.recipe.language
        if mix in self.selected and target in self.selected[mix].languages:
            found = self.of_selection(mix).get(target, {"selected": 0, "available": 0})
            return round(found["selected"] / found["available"], 3) if found["available"] else 0.0
        written = {part.shares.get(target, 0.0) for part in taken}
        if len(written) == 1 and not any(target in part.rows for part in taken):
            return written.pop()
        counts = self.records.get(f"mix/{mix}", {}).get("counts", {}).get("languages", {}).get(target)
        return round(counts["rows"] / counts["available"], 3) if counts else 0.0

    def of_one_seed(self, models: Iterable[str]) -> list[str]:
        """Keep the models of the first seed, for what shows one of each."""
        seed = (self.recipe.seeds or (self.recipe.seed,))[0]
        return [model for model in models if self.seed_of(model) == seed]

    def seed_of(self, model: str) -> int:
        """Give the seed that a model was trained with."""
        training = self.supervised.get(model) or self.preferring[model]
        return training.seed


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
    scored = [_evaluation(name, folders) for name, record in records.items() if record["kind"] == "ifeval-scores"]
    main = recipe.eval.ifeval.dataset if recipe.eval.ifeval else ""
    return Run(
        recipe, records, folders,
        tuple(one for one in scored if one.benchmark == main), tuple(one for one in scored if one.benchmark != main),
        tuple(_answered(name, folders) for name, record in records.items() if record["kind"] == "question-scores"),
        _documents(records, folders, "judge"), _documents(records, folders, "translation-quality"),
    )  # fmt: skip


def _documents(records: Mapping[str, Document], folders: Mapping[str, Path], kind: str) -> dict[str, Document]:
    return {name: _document(folders[name] / SCORES) for name, record in records.items() if record["kind"] == kind}


def _document(path: Path) -> dict[str, Any]:
    document = read_json(path)
    if document is None:
        raise SourceError(f"{path}: missing; make its step again with --redo.")
    return document


def _evaluation(name: str, folders: Mapping[str, Path]) -> Evaluation:
    path = folders[name] / SCORES
    document = _document(path)
    names = (document["model"], document["benchmark"], document["language"])
    return Evaluation(*names, folders[name], _answers(folders, *names), document, scores_of(document, path))


def _answered(name: str, folders: Mapping[str, Path]) -> Answered:
    document = _document(folders[name] / SCORES)
    names = (document["model"], document["benchmark"], document["language"])
    return Answered(*names, folders[name], _answers(folders, *names), document)


def _answers(folders: Mapping[str, Path], model: str, benchmark: str, code: str) -> Path:
    return folders[f"responses/{model}"] / responses_file(f"{benchmark}-{code}")
