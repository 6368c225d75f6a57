"""Tokens to probe before a run has made them: the first rows of what is there, else a few sentences, put through the same step."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from align import prepare
from kielo.errors import at
from kielo.languages import language, read_shots, shots_of
from kielo.plan import Step, Workplace
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
    datasets = [dataset for dataset, each in recipe.translate.datasets.items() if each.kind == "conversations"]
    files = [run.folder(name) / "train.jsonl"] if run.record(name) else list(_complete(run, datasets))
    rows = [row for code in _codes(recipe) for row in islice(_read(files, "conversations", code), ROWS)]
    write_records(folder / "mix" / "train.jsonl", rows or _sentences(recipe))
    return {name: folder / "mix"}


def _pairs(recipe: Recipe, run: RunFolder, step: Step, folder: Path) -> dict[str, Path]:
    inputs = {}
    for dataset, codes in step.settings["dpo"]["data"].items():
        for code in codes:
            kind, file = _place(recipe, code)
            found = _read(list(_complete(run, [dataset], (kind,))), "preferences", code)
            rows = list(islice(found, ROWS)) or [row for row in _judged(recipe) if row.language == code]
            inputs[f"{kind}/{dataset}"] = folder / kind / dataset
            write_records(folder / kind / dataset / file, rows)
    return inputs


def _place(recipe: Recipe, code: str) -> tuple[str, str]:
    return ("source", "rows.jsonl") if code == recipe.source_language else ("translate", "accepted.jsonl")


def _codes(recipe: Recipe) -> tuple[str, str]:
    return recipe.source_language, recipe.language


def _complete(run: RunFolder, datasets: list[str], kinds: tuple[str, ...] = ("source", "translate")) -> Iterator[Path]:
    """List the rows of data sets that are read or translated already."""
    files = {"source": "rows.jsonl", "translate": "accepted.jsonl"}
    for dataset in datasets:
        for kind in kinds:
            if run.record(f"{kind}/{dataset}"):
                yield run.folder(f"{kind}/{dataset}") / files[kind]


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
