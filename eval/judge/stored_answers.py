"""Questions and answers from files as people have them: Kielo's own rows, FastChat's, and plain {prompt, response}."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.judge.cases import Answers, Key
from kielo.errors import SourceError, at
from kielo.records import Question, read_jsonl, refuse_half_characters

_KEYS = ("key", "question_id", "prompt_id", "id")
_TEXTS = ("response", "answer", "output")
UNCATEGORISED = "uncategorised"


@dataclass(frozen=True)
class StoredAnswers:
    """A file's answers by question, and how many of its rows answer no question here."""

    answers: Answers
    elsewhere: int


def read_questions(path: Path, code: str) -> list[Question]:
    """Read questions: `turns`, or a `prompt`; with an optional key, category and right answers (`references`, `reference`).

    Raises:
        SourceError: a malformed row, two rows of one key, or no row at all.
    """
    found: dict[Key, Question] = {}
    for line, row in read_jsonl(path):
        place = at(path, line)
        refuse_half_characters(row, place)
        turns = _texts(row.get("turns") or row.get("prompt"), "'turns' or 'prompt'", place)
        references = _texts(row.get("references") or row.get("reference") or [], "'reference'", place)
        key = _key(row)
        if key is None:
            key = line
        if not turns or key in found:
            wrong = f"key {key} is there twice" if turns else "a question needs 'turns' or a 'prompt'"
            raise SourceError(f"{place}: {wrong}; mend the row.")
        category = row.get("category")
        found[key] = Question(
            f"{path.stem}/{key}", code, key, category if isinstance(category, str) and category else UNCATEGORISED,
            turns, references[: len(turns)],
        )  # fmt: skip
    if not found:
        raise SourceError(f"{path}: holds no questions; name a file of rows with 'turns' or 'prompt'.")
    return list(found.values())


def read_stored_answers(path: Path, questions: Sequence[Question]) -> StoredAnswers:
    """Read a model's answers and match them to questions: by key where a row has one, else by the prompt's text.

    Raises:
        SourceError: a malformed row, two answers to one question, or no answer to any question.
    """
    keys = {question.key: question.key for question in questions}
    by_text = {question.turns[0]: question.key for question in questions}
    found: dict[Key, tuple[str, ...]] = {}
    elsewhere = 0
    for line, row in read_jsonl(path):
        place = at(path, line)
        refuse_half_characters(row, place)
        written = _key(row)
        key = keys.get(written) if written is not None else by_text.get(_prompt(row, place))
        if key is None:
            elsewhere += 1
        elif key in found:
            raise SourceError(f"{place}: a second answer to question {key}; keep one.")
        else:
            found[key] = _answer(row, place)
    if not found:
        raise SourceError(
            f"{path}: answers none of the {len(questions)} questions; are these the answers to that file?"
        )
    return StoredAnswers(found, elsewhere)


def _key(row: Mapping[str, Any]) -> int | None:
    """Give a row's key; numbers may be written as text, other texts name rows only within Kielo."""
    for name in _KEYS:
        value = row.get(name)
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < _LONGEST_NUMBER:
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


_LONGEST_NUMBER = 19  # digits; a longer row of digits is a hash


def _prompt(row: Mapping[str, Any], place: str) -> str:
    prompt = row.get("prompt", row.get("instruction"))
    if not isinstance(prompt, str):
        raise SourceError(f"{place}: an answer needs a key (question_id) or the text of its 'prompt'; mend the row.")
    return prompt


def _answer(row: Mapping[str, Any], place: str) -> tuple[str, ...]:
    """Find the answers of a row, one a turn; FastChat writes several choices, of which the first counts."""
    choices = row.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return _texts(choices[0].get("turns"), "'choices[0].turns'", place)
    if "responses" in row:
        return _texts(row["responses"], "'responses'", place)
    name = next((name for name in _TEXTS if name in row), None)
    if name is None:
        raise SourceError(f"{place}: holds no answer; 'responses', 'choices' or 'response' is needed.")
    return _texts("" if row[name] is None else row[name], f"'{name}'", place)


def _texts(value: Any, name: str, place: str) -> tuple[str, ...]:
    """Read one text or a list of them; a null in a list is an empty text."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(text is None or isinstance(text, str) for text in texts):
        raise SourceError(f"{place}: {name} must be a text or a list of texts; mend the row.")
    return tuple(text or "" for text in texts)
