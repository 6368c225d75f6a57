"""Workplaces of the step `annotate`, as the plan of a small recipe makes them, on the conversations a test gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from align.annotations import stage
from align.annotations.known import Known, read_known
from kielo.plan import Outcome, Workplace, make_plan
from kielo.recipe.reading import load
from kielo.records import Conversation, Message, write_records

RECIPE = """\
language: fi
model: pocket
translate:
  prompt: {{shots: 3, shots_file: pocket}}
  datasets:
    one: {{kind: conversations, pocket: oasst2, rows: 12}}
annotate: {annotate}
sft:
  mixes:
    few: {{shares: {{en: 1.0, fi: 1.0}}, select: {select}}}
"""
TOPICS = (
    "bake bread with rye flour",
    "sort a list of numbers in Python",
    "write a poem about the sea",
    "convert miles to kilometres",
)


def talk(number: int, asked: str, *answers: str) -> Conversation:
    """A conversation with a turn for every answer."""
    answers = answers or (f"Here is answer {number}.",)
    turns = [Message(role, text) for answer in answers for role, text in (("user", asked), ("assistant", answer))]
    return Conversation(f"one/{number:05d}", "en", tuple(turns))  # type: ignore[arg-type]


def talks(count: int) -> list[Conversation]:
    """Conversations on four topics, by turns."""
    return [talk(number, f"How do I {TOPICS[number % 4]}, {number} of them?") for number in range(count)]


MakePlace = Callable[..., Workplace]


@pytest.fixture
def make_place(write_recipe: Any, tmp_path: Path) -> MakePlace:
    """Make the workplace of a step `annotate`."""

    def make(
        annotate: str, select: str = "{method: mig, size: 3}", rows: Sequence[Conversation] | None = None
    ) -> Workplace:
        recipe = load(write_recipe(text=RECIPE.format(annotate=annotate, select=select)))
        (step,) = (step for step in make_plan(recipe) if step.kind == "annotate")
        write_records(tmp_path / "source" / "one" / "rows.jsonl", talks(24) if rows is None else rows)
        folder = tmp_path / "annotate" / "one"
        folder.mkdir(parents=True, exist_ok=True)
        return Workplace(step, recipe, folder, {"source/one": tmp_path / "source" / "one"})

    return make


def annotated(place: Workplace) -> tuple[Outcome, Known, list[dict[str, Any]]]:
    """Run the step; return its outcome, what the reader reads of it, and the rows of its file."""
    outcome = stage.run(place)
    assert all((place.folder / name).is_file() for name in outcome.outputs)
    lines = (place.folder / "annotations.jsonl").read_text("utf-8").splitlines()
    return outcome, read_known(place.folder), [json.loads(line) for line in lines]
