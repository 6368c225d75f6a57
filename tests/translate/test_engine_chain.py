"""Engines in turn: the memory first, then a language model, then DeepL, as the recipe says; a pair's answers by one of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from kielo.errors import RecipeError
from kielo.generation.protocol import Completion, Request
from kielo.records import read_jsonl
from tests.translate.conftest import BackwardsGenerator, backwards
from tests.translate.deepl_server import KEY, DeepLServer, serving

RunSteps = Callable[..., dict[str, Mapping[str, Any]]]
Write = Callable[..., Path]
RECIPE = """\
language: fi
model: pocket
translate:
  engine: [{kind: hf}, {kind: deepl, timeout_seconds: 5}]
  memory: {file: memory.jsonl}
  sentinels: brackets
  checks: paper  # words written backwards are no Finnish
  prompt: {shots: 3, shots_file: pocket}
  datasets:
    pairs: {kind: preferences, local: pairs.jsonl}
    talk: {kind: conversations, pocket: oasst2, translate: false, rows: 3}
sft: {mixes: {all: {shares: {en: 1.0}}}}
"""
LONG = "The harbour office opens at noon and closes when the last ferry has left the island"
PAIRS = [
    {"prompt": "When does the office open?", "chosen": f"{LONG}.\nAsk there about tickets for children.", "rejected": "Nobody knows when it opens these days."},
    {"prompt": "Where is the ferry?", "chosen": "It waits beside the old harbour wall.", "rejected": "It sank many years ago near the lighthouse."},
]  # fmt: skip


class FailsAtTickets(BackwardsGenerator):
    """Says words backwards, but never gets to the end of a text about tickets."""

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        for index, completion in super().generate(requests):
            cut = "tickets" in str(requests[index].prompt).rpartition("English:")[2]
            yield index, Completion(completion.text, "length" if cut else "stop", 9, 9)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[DeepLServer]:
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in PAIRS), "utf-8")
    known = {"source": PAIRS[1]["prompt"], "target": "Missä lautta on?"}
    (tmp_path / "memory.jsonl").write_text(json.dumps(known) + "\n", "utf-8")
    with serving(monkeypatch) as server:
        yield server


def test_each_engine_is_asked_for_what_those_before_could_not_do(
    server: DeepLServer, write_recipe: Write, run_steps: RunSteps, use_generator: Any, tmp_path: Path
) -> None:
    use_generator(FailsAtTickets())
    counts = run_steps(write_recipe(text=RECIPE))["translate/pairs"]
    assert counts["accepted"] == 2
    made = {(row["id"], row["where"]): row for _, row in read_jsonl(tmp_path / "translate/pairs/translations.jsonl")}
    assert {place: row["engine"] for place, row in made.items()} == {
        ("pairs/00000", "prompt[0]"): "hf",
        ("pairs/00000", "chosen"): "deepl",
        ("pairs/00000", "rejected"): "deepl",  # it was sound, but style must not tell the answers apart
        ("pairs/00001", "prompt[0]"): "memory",
        ("pairs/00001", "chosen"): "hf",
        ("pairs/00001", "rejected"): "hf",
    }
    assert made["pairs/00000", "chosen"]["translation"] == backwards(PAIRS[0]["chosen"])
    assert counts["rungs"]["engine deepl"]["passed"] >= 1
    assert counts["billed_characters"]["deepl"] == server.characters > 0


def test_a_missing_key_is_found_before_the_first_engine_works(
    server: DeepLServer, write_recipe: Write, run_steps: RunSteps, use_generator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = use_generator(FailsAtTickets())
    monkeypatch.delenv("DEEPL_AUTH_KEY")
    with pytest.raises(RecipeError, match="DEEPL_AUTH_KEY"):
        run_steps(write_recipe(text=RECIPE))
    assert generator.asked == 0


def test_the_key_stands_in_no_file(
    server: DeepLServer, write_recipe: Write, run_steps: RunSteps, use_generator: Any, tmp_path: Path
) -> None:
    use_generator(FailsAtTickets())
    run_steps(write_recipe(text=RECIPE))
    assert all(KEY.encode() not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
