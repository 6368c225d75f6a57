"""Rows of open questions (MT-Bench, Arena-Hard, plain prompts) read into records of kind questions; one of the formats of `formats.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kielo.errors import SourceError, at
from kielo.records import Question
from translate.rows.values import Row, shown, text_of

NO_CATEGORY = "uncategorised"
_IDS = ("question_id", "prompt_id", "id")
"""Columns that name a question, in the order they are looked for."""


def questions(rows: Iterable[tuple[int, Row]], file: str, language: str) -> Iterator[Question]:
    """Read questions: `turns`, or a `prompt` that is one text or a list of them; category, reference and an id are optional.

    The key is the id where that is a whole number, else the row's line number.

    Raises:
        SourceError: a malformed row, or two rows of one key.
    """
    lines: dict[int, int] = {}
    for line, row in rows:
        place = at(file, line)
        turns = _turns(row, place)
        key = _key(row, line)
        if key in lines:
            raise SourceError(
                f"{place}: its key {key} is that of line {lines[key]}, too; give every question an id of its own."
            )
        lines[key] = line
        yield Question("", language, key, _category(row, place), turns, _references(row, len(turns), place))


def _key(row: Row, line: int) -> int:
    written = next((row[name] for name in _IDS if row.get(name) is not None), None)
    if isinstance(written, str) and written.isascii() and written.isdecimal() and len(written) < _LONGEST_NUMBER:
        return int(written)
    return written if isinstance(written, int) and not isinstance(written, bool) else line


_LONGEST_NUMBER = 19  # digits; a longer row of digits is a hash, and no JSON reader would keep it


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
    """Read the right answers, one a turn; a turn without one has an empty text."""
    written = row.get("reference")
    texts = [written] if isinstance(written, str) else written or []
    if not isinstance(texts, Sequence) or not all(text is None or isinstance(text, str) for text in texts):
        raise SourceError(f"{place}: 'reference' needs a list of texts, this is {shown(written)}; mend the row.")
    if len(texts) > turns:
        raise SourceError(f"{place}: {len(texts)} references for {turns} turns; mend the row.")
    found = [text_of({"reference": text}, "reference", place) if text and text.strip() else "" for text in texts]
    return tuple(found) if any(found) else ()
