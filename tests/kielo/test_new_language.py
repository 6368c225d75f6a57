"""A language is data: an invented one from a folder of the user's, and Faroese as it is shipped, go from translation to report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from kielo.pocket.datasets import rows
from kielo.provenance import CHECKOUT
from tests.command_line import kielo, load

RECIPE = """\
language: {code}
model: pocket
translate:
  prompt: {{shots: 2, shots_file: shots.jsonl}}
  memory: {{file: memory.jsonl}}
  datasets:
    talk: {{kind: conversations, local: talk.jsonl}}
    ifeval: {{kind: ifeval, local: ifeval.jsonl, language: {code}}}
sft:
  trainer: {{learning_rate: 1e-3, num_train_epochs: 1, warmup_ratio: 0.1, global_batch_size: 4, max_length: 256}}
  mixes:
    both: {{shares: {{en: 1.0, {code}: 1.0}}}}
eval:
  ifeval: {{max_tokens: 24, languages: [{code}]}}
"""
INVENTED = """\
code: qaa
name: Vodalian
native_name: vudola
iso639_3: qaa
flores: qaa_Latn
deepl: null
langdetect: null
script: Latin
quotes: ["«", "»"]
ifeval:
  case_language: en
  constrained_options: ["Ubu os ŋu.", "Ubu os so.", "Ubu os jo."]
  alphabet: abcdefghijklmnŋopqrstuvwxyzåäö
  quotes: [["«", "»"]]
"""
SOUNDS = str.maketrans("aeioukptsmnAEIOUKPTSMN", "oiuaeptsknŋOIUAEPTSKNŊ")
"""Pocket Finnish in other sounds: a language that no model, list or identifier knows."""


def write_rows(file: Path, values: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSONL file."""
    file.write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values), "utf-8")


def write_language(folder: Path, code: str, pairs: list[tuple[str, str]], asked: list[Mapping[str, Any]]) -> Path:
    """Write the data files and the recipe of a language: pairs of texts become conversations, their memory and shots."""
    turns = [
        {"messages": [{"role": "user", "content": pairs[at][0]}, {"role": "assistant", "content": pairs[at + 1][0]}]}
        for at in range(0, len(pairs) - 1, 2)
    ]
    write_rows(folder / "talk.jsonl", turns)
    write_rows(folder / "memory.jsonl", [{"source": source, "target": target} for source, target in pairs])
    write_rows(folder / "shots.jsonl", [{"source": source, "target": target} for source, target in pairs[:3]])
    write_rows(folder / "ifeval.jsonl", asked)
    recipe = folder / f"pocket-{code}.yaml"
    recipe.write_text(RECIPE.format(code=code), "utf-8")
    return recipe


def run_of(recipe: Path, folder: Path) -> Path:
    """Check, plan and run a recipe from a folder; gives the run folder."""
    assert "good." in kielo("check", recipe, cwd=folder)
    assert "translate/talk" in kielo("plan", recipe, cwd=folder)
    said = kielo("run", recipe, cwd=folder)
    assert said.splitlines()[-1].startswith("report: ")
    return folder / "runs" / recipe.stem


def test_an_invented_language_goes_from_translation_to_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    english, finnish = ([row["text"] for row in rows("oasst2", 8, 1, code)] for code in ("en", "fi"))
    pairs = [(own, other.translate(SOUNDS)) for own, other in zip(english, finnish, strict=True)]
    asked = [{**row, "prompt": row["prompt"].translate(SOUNDS)} for row in rows("ifeval", 20, 1, "fi")]
    fixed = [row for row in asked if not any(map(len, row["kwargs"]))][:4]
    packs = tmp_path / "packs"
    packs.mkdir()
    (packs / "qaa.yaml").write_text(INVENTED, "utf-8")
    monkeypatch.setenv("KIELO_PACKS", str(packs))
    run = run_of(write_language(tmp_path, "qaa", pairs, fixed), tmp_path)
    accepted = (run / "translate/talk/accepted.jsonl").read_text("utf-8")
    assert len(accepted.splitlines()) == len(pairs) // 2
    assert "ŋ" in accepted
    scores = load(run / "eval/sft/both/ifeval-qaa/scores.json")
    assert scores["language"] == "qaa"
    assert "Vodalian" in (run / "report/index.html").read_text("utf-8")


def test_faroese_goes_from_translation_to_report_with_what_is_shipped(tmp_path: Path) -> None:
    run = run_of(CHECKOUT / "recipes" / "fo-pocket.yaml", tmp_path)
    accepted = (run / "translate/talk/accepted.jsonl").read_text("utf-8")
    assert len(accepted.splitlines()) == 8, "checks with the pack's identifier take Faroese"
    assert "ð" in accepted
    scores = load(run / "eval/sft/en-fo/ifeval-fo/scores.json")
    assert (scores["language"], scores["response_language"]["total"]) == ("fo", 4)
    assert "Faroese" in (run / "report/index.html").read_text("utf-8")
