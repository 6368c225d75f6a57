"""Files of questions, and of a model's answers to them, for `kielo eval judge`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eval.judge.cases import Answers, Key
from eval.stored_answers import read_named_answers
from kielo.errors import SourceError, at
from kielo.questions import questions
from kielo.records import Question, read_jsonl


@dataclass(frozen=True)
class FoundAnswers:
    """A file's answers by question, and how many of its rows answer no question here."""

    answers: Answers
    elsewhere: int


def read_questions(path: Path, code: str) -> list[Question]:
    """Read questions in any of the formats of `kielo/questions.py`.

    Raises:
        SourceError: a malformed row, two rows of one key, or no row at all.
    """
    found = [replace(each, id=f"{path.stem}/{each.key}") for each in questions(read_jsonl(path), path, code)]
    if not found:
        raise SourceError(f"{path}: holds no questions; name a file of rows with 'turns' or 'prompt'.")
    return found


def read_answers_to(asked: Sequence[Question], path: Path) -> FoundAnswers:
    """Read a model's answers and match them to questions: by key where a row has one, else by the prompt's text.

    Raises:
        SourceError: a malformed row, two answers to one question, or no answer to any question.
    """
    keys = {question.key: question.key for question in asked}
    by_text = {question.turns[0]: question.key for question in asked}
    found: dict[Key, tuple[str, ...]] = {}
    elsewhere = 0
    for each in read_named_answers(path):
        key = by_text.get(each.prompt or "") if each.key is None else keys.get(each.key)
        if key is None:
            elsewhere += 1
        elif key in found:
            raise SourceError(f"{at(path, each.line)}: a second answer to question {key}; keep one.")
        else:
            found[key] = tuple(text or "" for text in each.texts)
    if not found:
        raise SourceError(f"{path}: answers none of the {len(asked)} questions; are these the answers to that file?")
    return FoundAnswers(found, elsewhere)
