"""Rows of open questions (MT-Bench, Arena-Hard, plain prompts) read into records; translation reads its sources with it, the judge its questions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kielo.errors import SourceError, at
from kielo.records import Question
from kielo.row_values import Row, shown, text_of

NO_CATEGORY = "uncategorised"
KEYS = ("key", "question_id", "prompt_id", "id")
"""Columns that name a question, in the order they are looked for."""
_LONGEST_NUMBER = 19  # digits; a longer row of digits is a hash, and no JSON reader would keep it


def questions(rows: Iterable[tuple[int, Row]], file: object, language: str) -> Iterator[Question]:
    """Read questions: `turns`, or a `prompt` that is one text or a list of them; a key, category and references are optional.

    The key is the first of the row's KEYS that is a whole number, else the row's line number. The records have empty ids.

    Raises:
        SourceError: a malformed row, or two rows of one key.
    """
    lines: dict[int, int] = {}
    for line, row in rows:
        place = at(file, line)
        turns = _turns(row, place)
        key = numbered(row, KEYS)
        if key is None:
            key = line
        if key in lines:
            raise SourceError(
                f"{place}: its key {key} is that of line {lines[key]}, too; give every question an id of its own."
            )
        lines[key] = line
        yield Question("", language, key, _category(row, place), turns, _references(row, len(turns), place))


def numbered(row: Row, columns: Iterable[str]) -> int | None:
    """Give the first whole number of some columns, which may be written as text; None where there is none."""
    return next((number for column in columns if (number := _whole_number(row.get(column))) is not None), None)


def _whole_number(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < _LONGEST_NUMBER:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _turns(row: Row, place: str) -> tuple[str, ...]:
    column = "turns" if row.get("turns") is not None else "prompt"
    written = row.get(column)
    if isinstance(written, str) and column == "prompt":
        return (text_of(row, column, place),)
    if not isinstance(written, Sequence) or isinstance(written, str) or not written:
        raise SourceError(f"{place}: '{column}' needs the user's turns, this is {shown(written)}; mend the row.")
    return tuple(_turn(turn, f"{column}[{index}]", place) for index, turn in enumerate(written))


def _turn(turn: Any, name: str, place: str) -> str:
    text = turn.get("content") if isinstance(turn, Mapping) else turn  # Arena-Hard 0.1 wraps its texts
    return text_of({name: text}, name, place)


def _category(row: Row, place: str) -> str:
    if row.get("category") is None or row["category"] == "":
        return NO_CATEGORY
    return text_of(row, "category", place)


def _references(row: Row, turns: int, place: str) -> tuple[str, ...]:
    """Read the right answers, one a turn (`references` in Kielo's rows); a turn without one has an empty text."""
    column = "references" if row.get("references") is not None else "reference"
    written = row.get(column)
    texts = [written] if isinstance(written, str) else written or []
    if not isinstance(texts, Sequence) or not all(text is None or isinstance(text, str) for text in texts):
        raise SourceError(f"{place}: '{column}' needs a list of texts, this is {shown(written)}; mend the row.")
    if len(texts) > turns:
        raise SourceError(f"{place}: {len(texts)} references for {turns} turns; mend the row.")
    found = [text_of({column: text}, column, place) if text and text.strip() else "" for text in texts]
    return tuple(found) if any(found) else ()
