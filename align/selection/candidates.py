"""The rows that a selection chooses from, in the languages it is made of; `knowledge.py` adds what is known of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kielo.errors import SourceError, at
from kielo.plan import Workplace
from kielo.plan.steps import rows_file, rows_step
from kielo.recipe.mixes import Taken
from kielo.records import Conversation, from_json, read_jsonl


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that may be selected."""

    id: str
    language: str
    dataset: str
    step: str
    """That its file is of: a translation's scores are weighted by its quality."""
    prompt: str
    """All that the user says in it."""
    length: int
    """Characters of its answers."""


def read_candidates(place: Workplace, taken: tuple[Taken, ...], languages: tuple[str, ...]) -> list[Candidate]:
    """Read the rows of every data set in the languages that the mix takes of it and that are selected.

    Raises:
        SourceError: an id occurs twice in one language.
    """
    return [
        row
        for part in taken
        for code in part.languages
        if code in languages
        for dataset in part.datasets
        for row in _rows(place, dataset, code)
    ]


def _rows(place: Workplace, dataset: str, code: str) -> Iterator[Candidate]:
    """Go through a file's rows in a language: a translated file holds source rows too, where a translation would have changed the task."""
    step = rows_step(place.recipe, dataset, code)
    file = place.inputs[step] / rows_file(step)
    seen: set[str] = set()
    for number, row in read_jsonl(file):
        record = from_json("conversations", row, at(file, number))
        assert isinstance(record, Conversation)
        if record.language != code:
            continue
        if record.id in seen:
            raise SourceError(f"{file}: id '{record.id}' occurs twice in language '{code}'; ids must be unique.")
        seen.add(record.id)
        prompt = "\n".join(turn.content for turn in record.messages if turn.role == "user")
        length = sum(len(turn.content) for turn in record.messages if turn.role == "assistant")
        yield Candidate(record.id, code, dataset, step, prompt, length)
