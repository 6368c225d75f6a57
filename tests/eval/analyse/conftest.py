"""Fixtures of the analysis' tests: a finished run whose models answer in styles of their own, with its training data and ratings."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.eval.fixture_run import Built, build

RECIPE = """
language: fi
model: example/base
translate:
  datasets:
    oasst2: {kind: conversations, hub: example/oasst2}
    anew: {kind: conversations, prompts_of: oasst2, engine: {kind: openai, model: example/teacher, urls: ["http://teacher.example/v1"]}}
    ifeval: {kind: ifeval, hub: example/ifeval}
    mt-bench: {kind: questions, hub: example/mt-bench}
sft:
  mixes:
    own: {shares: {en: 1.0, fi: 1.0}}
    taught: {sources: {anew: {shares: {fi: 1.0}}}}
    plain: {sources: {oasst2: {shares: {en: 1.0}}}}
eval:
  ifeval: {languages: [en, fi]}
  questions:
    mt-bench: {languages: [fi]}
  judge:
    engines: [{kind: openai, model: example/judge, urls: ["http://judge.example/v1"]}]
    modes: [single]
"""
WORDS = "talvi lumi piha lapsi koira järvi metsä polku kesä aamu ilta tuuli sade kukka leipä kirja".split()
BOLD = {"own": 1, "taught": 4, "plain": 0}
"""How many bold words an answer of each model has."""


def answer(model: str, number: int) -> str:
    """Write an answer of some words, those of one prompt much the same for all models, with the model's number of bold ones."""
    words = random.Random(number).choices(WORDS, k=24) + random.Random(f"{model} {number}").choices(WORDS, k=12)
    bold = " ".join(f"**{word}**" for word in words[: BOLD[model] + number % 2])
    return f"{bold} {' '.join(words)}.\n\n- {words[0]}\n- {words[1]}\n"


@pytest.fixture(scope="session")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A run of three models; the mix `taught` has bold answers of another model."""
    return make(tmp_path_factory.mktemp("analysed") / "run")


def make(folder: Path, name: str = "three") -> Built:
    """Build the run; answers, training data and a measurement are written over what the report's fixture makes up."""
    built = build(folder, RECIPE, name, prompts=30)
    (folder / "recipe.json").write_text(json.dumps(built.recipe.model_dump(mode="json")), "utf-8")
    for model in BOLD:
        _answered(folder, model)
    _mixed(folder, "taught", "anew", 5)
    _mixed(folder, "own", "oasst2", 1)
    measured = {
        "model": "example/teacher@main", "engine": "openai", "device": None, "requests": 40, "prompt_tokens": 4000, "completion_tokens": 8000,
        "seconds": 16.0, "peak_memory_bytes": None, "memory": "the server is not Kielo's, so nothing tells its memory", "sessions": 2, "until": 1.0,
    }  # fmt: skip
    (folder / "regenerate/anew/generation.json").write_text(json.dumps(measured), "utf-8")
    return built


def _answered(folder: Path, model: str) -> None:
    path = folder / f"responses/sft/{model}/mt-bench-fi.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for number, row in enumerate(rows):
        row["responses"] = [answer(model, number), "Lyhyesti."]
    write_rows(path, rows)


def _mixed(folder: Path, mix: str, dataset: str, bold: int) -> None:
    rows = [
        {
            "id": f"{dataset}/{number:05d}", "language": "fi",
            "messages": [{"role": "user", "content": "Miksi?"}, {"role": "assistant", "content": " ".join(["**siksi**"] * bold)}],
        }
        for number in range(40)
    ]  # fmt: skip
    write_rows(folder / f"mix/{mix}/train.jsonl", rows)


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as JSONL."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
