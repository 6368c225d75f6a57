"""A run folder with two trained models (tiny, untrained) and the answers one of them gave."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from kielo.recipe.reading import load
from kielo.records import Prompt, Response, write_records
from tests.kielo.generation.http_server import serving

RECIPE = """\
language: fi
model: pocket
translate:
  datasets:
    oasst2: {kind: conversations, pocket: oasst2, rows: 12}
    ifeval: {kind: ifeval, pocket: ifeval, rows: 6}
sft:
  mixes:
    en-fi-Xpct: {shares: {en: 1.0, fi: X}, X: [0, 0.5, 1.0]}
eval:
  ifeval: {languages: [en, fi], max_tokens: 12}
"""
TRAINED = ("sft/en-fi-0pct", "sft/en-fi-100pct")

serve = pytest.fixture(serving)


def parsed(add: Callable[[argparse.ArgumentParser], None], *given: object) -> argparse.Namespace:
    """Parse arguments as the command line does."""
    parser = argparse.ArgumentParser()
    add(parser)
    return parser.parse_args([str(each) for each in given])


@pytest.fixture
def run_folder(tmp_path: Path, tiny_chat_model: Path) -> Path:
    """Two of three trainings are complete; the first has answered four of six prompts."""
    recipe = tmp_path / "small.yaml"
    recipe.write_text(RECIPE, "utf-8")
    run = tmp_path / "runs" / "small"
    for name in TRAINED:
        complete(run / name)
        (run / name / "model").symlink_to(tiny_chat_model / "model")
    (run / "recipe.json").write_text(json.dumps(load(recipe).model_dump(mode="json")), "utf-8")
    prompts = [Prompt(f"ifeval/{key}", "fi", key, f"Kerro kissasta {key}.", (), ()) for key in range(6)]
    write_records(run / "translate/ifeval/accepted.jsonl", prompts)
    answered = run / "responses" / TRAINED[0]
    complete(answered)
    rows = [
        Response(each.id, each.key, "fi", each.text, f"Kissa {each.key} nukkuu sohvalla.", "stop")
        for each in prompts[:4]
    ]
    write_records(answered / "ifeval-fi.jsonl", rows)
    return run


def complete(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "step.json").write_text('{"fields": {}, "outputs": {}, "sizes": {}}', "utf-8")
