"""Rows of any file with prompts in it, for `kielo select near-duplicates`: what the user says in each, and how long the answers are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kielo.errors import SourceError, at
from kielo.questions import KEYS
from kielo.records import read_jsonl, refuse_half_characters

FIELDS = ("messages", "prompt", "turns", "instruction", "text")
"""Where a row's prompt stands, in the order it is looked for."""
_ANSWERS = ("chosen", "response", "output", "answer")


@dataclass(frozen=True)
class PromptRow:
    """A row of a file, and its prompt."""

    line: int
    name: str
    """Its id as the file writes it, else `line 3`."""
    language: str
    """Empty where the row does not say."""
    turns: tuple[str, ...]
    """Of the user."""
    answers_length: int
    """Characters of its answers; where it has none, of its prompt."""
    score: float
    """NaN: it has none."""
    row: Mapping[str, Any]

    @property
    def prompt(self) -> str:
        """All that the user says."""
        return "\n".join(self.turns)


def read_prompt_rows(path: Path, field: str | None = None, score_field: str | None = None) -> list[PromptRow]:
    """Read the rows of a .jsonl or .jsonl.gz file; `field` says where the prompt stands, as one of FIELDS otherwise does.

    Raises:
        SourceError: a row has no prompt, or one that is no text, or a score that is no number; or there are no rows.
    """
    rows = [_row(row, number, at(path, number), field, score_field) for number, row in read_jsonl(path)]
    if not rows:
        raise SourceError(f"{path}: holds no rows.")
    if score_field is not None and all(math.isnan(row.score) for row in rows):
        raise SourceError(f"{path}: no row has a number in '{score_field}'; name the right one with --score-field.")
    return rows


def _row(row: Mapping[str, Any], line: int, place: str, field: str | None, score_field: str | None) -> PromptRow:
    refuse_half_characters(row, place)
    name = next((str(row[key]) for key in KEYS if isinstance(row.get(key), str | int)), f"line {line}")
    found = field or next((each for each in FIELDS if row.get(each) is not None), None)
    if found is None or row.get(found) is None:
        looked = f"'{field}'" if field else f"none of {', '.join(FIELDS)}"
        raise SourceError(
            f"{place}: no prompt (looked for {looked}; it has {', '.join(row) or 'nothing':.200}); name it with --field."
        )
    turns, answers = _turns(row[found], f"{place}: '{found}'")
    length = sum(map(len, answers)) or sum(len(row[key]) for key in _ANSWERS if isinstance(row.get(key), str))
    language = row.get("language")
    score = math.nan if score_field is None else _score(row.get(score_field), f"{place}: '{score_field}'")
    return PromptRow(
        line, name, language if isinstance(language, str) else "", turns, length or sum(map(len, turns)), score, row
    )


def _turns(value: Any, place: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Take what the user says, and what is answered, out of a text, a list of the user's texts or a list of messages."""
    if isinstance(value, str):
        return (value,), ()
    if not isinstance(value, list) or not value:
        raise SourceError(f"{place} needs a text, a list of texts or messages, this is a {type(value).__name__}.")
    messages = [{"role": "user", "content": each} if isinstance(each, str) else each for each in value]
    if not all(isinstance(each, dict) and isinstance(each.get("content"), str) for each in messages):
        raise SourceError(f"{place}: each turn needs a text, or a `role` and a `content` that is one.")
    asked = tuple(each["content"] for each in messages if each.get("role") == "user")
    if not asked:
        raise SourceError(f"{place}: no turn has the role `user`.")
    return asked, tuple(each["content"] for each in messages if each.get("role") == "assistant")


def _score(value: Any, place: str) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise SourceError(f"{place} must be a finite number or null, this is {value!r:.60}.")
    return float(value)
