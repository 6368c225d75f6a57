"""Reads run folders for an analysis: the records of their steps, their models by one name each, and what each was trained on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from eval.report.scored import Document
from kielo.errors import UsageError
from kielo.records import read_json
from kielo.run_folder import RECORD, RunFolder

RECIPE = "recipe.json"
_STEPS = (
    "translate/*",
    "regenerate/*",
    "annotate/*",
    "mix/*",
    "tokens/*/*",
    "sft/*",
    "dpo/*",
    "responses/*/*",
    "judge/*",
)


@dataclass(frozen=True)
class AnalysedRun:
    """A run folder and the records of its complete steps."""

    name: str
    """Of the recipe; where two have one name, with the folder's behind."""
    folder: Path
    recipe: Document
    records: Mapping[str, Document]

    def of_kind(self, kind: str) -> dict[str, Document]:
        """Pick the records of one kind of step."""
        return {name: record for name, record in self.records.items() if record["kind"] == kind}

    @property
    def unanswered(self) -> list[str]:
        """List the trainings begun, as far as the recipe evaluates them, that have not answered anything yet."""
        begun = [name.removeprefix("tokens/") for kind in ("tokens", "sft", "dpo") for name in self.of_kind(kind)]
        asked = self.recipe.get("eval", {}).get("models") or begun
        return [name for name in dict.fromkeys(begun) if name in asked and f"responses/{name}" not in self.records]

    def mix_of(self, model: str) -> str | None:
        """Name the mix that a model was trained on, for preference tuning that of the model it started from."""
        waiting, seen = [model], {model}
        while waiting:
            step = waiting.pop(0)
            if step.startswith("mix/"):
                return step
            inputs = self.records.get(step, {}).get("fields", {}).get("inputs", {})
            new = [name for name in inputs if name not in seen]
            seen.update(new)
            waiting += new
        return None


@dataclass(frozen=True)
class Model:
    """A tuned model of one of the runs."""

    name: str
    """In tables; no two models have the same."""
    run: AnalysedRun
    step: str

    @cached_property
    def responses(self) -> Document:
        """The record of the step that asked it."""
        found: Document = self.run.records[f"responses/{self.step}"]
        return found

    @property
    def folder(self) -> Path:
        """Where its weights lie."""
        return self.run.folder / self.step / "model"


def read_runs(folders: Sequence[Path]) -> list[AnalysedRun]:
    """Read some run folders.

    Raises:
        UsageError: one is no run folder, or is named twice.
        RunFolderError: a record is damaged.
    """
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise UsageError("a run folder is named twice; name each once.")
    recipes = {folder: _recipe(folder) for folder in folders}
    times = Counter(recipe["name"] for recipe in recipes.values())
    return [
        AnalysedRun(
            recipe["name"] if times[recipe["name"]] == 1 else f"{recipe['name']} ({folder})",
            folder, recipe, dict(_records(folder)),
        )
        for folder, recipe in recipes.items()
    ]  # fmt: skip


def _recipe(folder: Path) -> Document:
    recipe = read_json(folder / RECIPE) if folder.is_dir() else None
    if recipe is None or "name" not in recipe:
        raise UsageError(
            f"{folder}: no run folder (it holds no {RECIPE} of a run); name one that `kielo run` made, such as runs/pocket."
        )
    return recipe


def _records(folder: Path) -> Iterator[tuple[str, Document]]:
    run = RunFolder(folder)
    for pattern in _STEPS:
        names = (path.parent.relative_to(folder).as_posix() for path in folder.glob(f"{pattern}/{RECORD}"))
        for name in sorted(names, key=_reading_order):
            record = run.record(name)
            if record is not None:
                yield name, record


def _reading_order(name: str) -> tuple[bool, list[tuple[int, str]]]:
    """Put supervised models before preference tuning, and mix-400 before mix-1000."""
    parts = re.split(r"([0-9]+)", name)
    return name.startswith("responses/dpo/"), [
        (int(part), "") if at % 2 else (-1, part) for at, part in enumerate(parts)
    ]


def models_of(runs: Sequence[AnalysedRun]) -> list[Model]:
    """List the models that answered anything, by short names: with the stage or the run only where that tells two apart."""
    found = [(run, name.removeprefix("responses/")) for run in runs for name in run.of_kind("responses")]
    short = [step.partition("/")[2] for _, step in found]
    names = short if len(set(short)) == len(short) or len(runs) > 1 else [step for _, step in found]
    if len(runs) > 1:
        per_run = Counter((run.name, name) for (run, _), name in zip(found, short, strict=True))
        names = [
            f"{run.name}: {name if per_run[run.name, name] == 1 else step}"
            for (run, step), name in zip(found, short, strict=True)
        ]
    return [Model(name, run, step) for name, (run, step) in zip(names, found, strict=True)]
