"""Tokens to probe before a run has made them: the first rows of what is there, else a few sentences, put through the same step."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from align import prepare
from kielo.errors import at
from kielo.languages.pack import language, read_shots, shots_of
from kielo.plan import Step, Workplace
from kielo.plan.steps import rows_file, rows_step
from kielo.recipe.mixes import expand_mixes
from kielo.records import Conversation, Message, PreferencePair, from_json, read_jsonl, write_records
from kielo.run_folder import RunFolder
from kielo.schema import Recipe

ROWS = 32  # of every language


def make_trial(recipe: Recipe, run: RunFolder, step: Step, folder: Path) -> Path:
    """Make a step's tokens of a few rows in a folder, and return where they lie."""
    kind = "sft" if "sft" in step.settings else "dpo"
    own = {**step.settings[kind], **({"language_pairs": 0} if kind == "dpo" else {})}
    settings = {**step.settings, kind: own, "eval": {"overlap": "report", "benchmarks": []}}
    inputs = (_mix if kind == "sft" else _pairs)(recipe, run, step, folder / "inputs")
    made = folder / "tokens"
    made.mkdir(parents=True)
    prepare.make(Workplace(dataclasses.replace(step, settings=settings, inputs=tuple(inputs)), recipe, made, inputs))
    return made


def _mix(recipe: Recipe, run: RunFolder, step: Step, folder: Path) -> dict[str, Path]:
    (name,) = (each for each in step.inputs if each.startswith("mix/"))
    taken = [dataset for part in expand_mixes(recipe)[name.partition("/")[2]] for dataset in part.datasets]
    steps = dict.fromkeys(rows_step(recipe, dataset, code) for code in _codes(recipe) for dataset in taken)
    files = [run.folder(name) / "train.jsonl"] if run.record(name) else _complete(run, steps)
    rows = [row for code in _codes(recipe) for row in islice(_read(files, "conversations", code), ROWS)]
    write_records(folder / "mix" / "train.jsonl", rows or _sentences(recipe))
    return {name: folder / "mix"}


def _pairs(recipe: Recipe, run: RunFolder, step: Step, folder: Path) -> dict[str, Path]:
    inputs = {}
    for dataset, codes in step.settings["dpo"]["data"].items():
        for code in codes:
            place = rows_step(recipe, dataset, code)
            found = _read(_complete(run, [place]), "preferences", code)
            rows = list(islice(found, ROWS)) or [row for row in _judged(recipe) if row.language == code]
            inputs[place] = folder / place
            write_records(folder / place / rows_file(place), rows)
    return inputs


def _codes(recipe: Recipe) -> tuple[str, str]:
    return recipe.source_language, recipe.language


def _complete(run: RunFolder, steps: Iterable[str]) -> list[Path]:
    """List the rows of data steps that are made already."""
    return [run.folder(step) / rows_file(step) for step in steps if run.record(step)]


def _read(files: list[Path], kind: str, code: str) -> Iterator[Any]:
    for file in files:
        for number, row in read_jsonl(file):
            if row.get("language") == code:
                yield from_json(kind, row, at(file, number))


def _sentences(recipe: Recipe) -> list[Conversation]:
    """Make conversations of the language pack's sentences, or of the names of the languages where it has none."""
    talks = []
    for number, (source, target) in enumerate(_texts(recipe)):
        for code, asked, said in zip(_codes(recipe), (target, source), (source, target), strict=True):
            talks.append(Conversation(f"sample/{number}", code, (Message("user", asked), Message("assistant", said))))
    return talks


def _judged(recipe: Recipe) -> list[PreferencePair]:
    """Make pairs of the same sentences: a sentence itself is better than the next one."""
    texts = _texts(recipe)
    return [
        PreferencePair(f"sample/{number}", code, (Message("user", texts[number][side]),), texts[number][side], texts[number - 1][side])
        for number in range(len(texts)) for side, code in enumerate(_codes(recipe))
    ]  # fmt: skip


def _texts(recipe: Recipe) -> list[tuple[str, str]]:
    file = shots_of(recipe.language)
    if file.is_file():
        return [(shot.source, shot.target) for shot in read_shots(file)[:ROWS]]
    source, target = language(recipe.source_language), language(recipe.language)
    return [(source.name, source.native_name), (target.name, target.native_name)]
