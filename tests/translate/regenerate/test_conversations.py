"""Answers made anew: the user's turns are translated, the pocket model answers them, and every answer is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from kielo.errors import RecipeError
from kielo.models import POCKET
from kielo.recipe.reading import load
from kielo.records import read_jsonl
from tests.translate.conftest import pocket_recipe

needs_pocket_model = pytest.mark.skipif(not POCKET.is_dir(), reason="the pocket base model has not been made yet")
RECIPE = pocket_recipe("talks: {kind: conversations, pocket: oasst2, rows: 24, answers: regenerate}")


@needs_pocket_model
def test_the_model_answers_in_the_target_language(
    write_recipe: Callable[..., Path], run_steps: Callable[..., dict[str, Mapping[str, Any]]], tmp_path: Path
) -> None:
    counts = run_steps(write_recipe(text=RECIPE))["translate/talks"]
    folder = tmp_path / "translate" / "talks"
    sources = {row["id"]: row for _, row in read_jsonl(tmp_path / "source/talks/rows.jsonl")}
    accepted = [row for _, row in read_jsonl(folder / "accepted.jsonl")]
    assert len(accepted) == counts["accepted"] >= 18
    for row in accepted:
        assert [turn["role"] for turn in row["messages"]] == [turn["role"] for turn in sources[row["id"]]["messages"]]
        assert all(turn["content"].strip() for turn in row["messages"])
    made = {(row["id"], row["where"]): row for _, row in read_jsonl(folder / "translations.jsonl")}
    answers = [
        row for (_, where), row in made.items() if sources[row["id"]]["messages"][_place(where)]["role"] == "assistant"
    ]
    assert {row["rung"] for row in answers if row["accepted"]} <= {"answers", "answers-samples"}
    assert counts["rungs"]["answers"]["asked"] >= 24
    assert counts["accepted"] + sum(counts["rejected"].values()) == counts["records"]


def _place(where: str) -> int:
    return int(where.removeprefix("messages[").removesuffix("]"))


def test_pairs_rank_the_answers_they_have(write_recipe: Callable[..., Path]) -> None:
    text = RECIPE.replace("kind: conversations, pocket: oasst2", "kind: preferences, pocket: helpsteer2")
    with pytest.raises(RecipeError, match="answers would do nothing with kind preferences"):
        load(write_recipe(text=text))
