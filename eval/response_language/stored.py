"""Reads stored answers for `kielo eval language`, whoever wrote them: Kielo, rows {prompt, response}, or FastChat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kielo.errors import SourceError, at
from kielo.records import read_jsonl, refuse_half_characters


@dataclass(frozen=True)
class StoredAnswer:
    """One answer: which question's (a name of the file's own), which turn from 1 on, and its text, None where the file has null."""

    key: str
    turn: int
    text: str | None


def read_stored(path: Path) -> list[StoredAnswer]:
    """Read the answers of a .jsonl or .jsonl.gz file, a question's turns in order.

    Raises:
        SourceError: a row is no answer, or there are none.
    """
    found = [answer for number, row in read_jsonl(path) for answer in _answers(row, number, at(path, number))]
    if not found:
        raise SourceError(f"{path}: holds no answers.")
    return found


def _answers(row: Mapping[str, Any], number: int, place: str) -> list[StoredAnswer]:
    refuse_half_characters(row, place)
    texts = _texts(row, place)
    wrong = next((text for text in texts if text is not None and not isinstance(text, str)), None)
    if wrong is not None:
        raise SourceError(f"{place}: an answer must be a text or null; this is a {type(wrong).__name__}.")
    key = next((row[name] for name in ("key", "question_id", "id") if row.get(name) is not None), number)
    if not isinstance(key, int | str):
        raise SourceError(f"{place}: the question's key must be a number or a text; this is {key!r:.60}.")
    return [StoredAnswer(str(key), turn, text) for turn, text in enumerate(texts, 1)]


def _texts(row: Mapping[str, Any], place: str) -> list[Any]:
    """Find the answers of a row: FastChat's first choice, Kielo's turns, or the one response."""
    if "choices" in row:
        choices = row["choices"]
        turns = (
            choices[0].get("turns") if isinstance(choices, list) and choices and isinstance(choices[0], dict) else None
        )
        if not isinstance(turns, list) or not turns:
            raise SourceError(f"{place}: `choices` must be a list whose first item has a list of `turns`.")
        return turns
    if isinstance(row.get("responses"), list):
        return list(row["responses"])
    if "response" in row:
        return [row["response"]]
    raise SourceError(
        f"{place}: no answer: has none of `response`, `responses`, `choices`; it has {', '.join(row) or 'nothing':.200}."
    )
