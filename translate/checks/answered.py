"""Finds questions that are none any more: the model answered instead of translating."""

from __future__ import annotations

from collections.abc import Iterator

from translate.checks.findings import Evidence
from translate.checks.views import Pair, Text

QUESTION_MARKS = frozenset("?？؟՞\u037e")
"""Latin, full-width, Arabic, Armenian, Greek."""
_CLOSING = "\"”’')]»*_` \n"


def question_lost(pair: Pair) -> Iterator[Evidence]:
    """Compare question marks: a source that asks must not become a text without a question."""
    asked, asks = _questions(pair.source), _questions(pair.translation)
    if asked == asks:
        return
    if not asks:
        ends = pair.source.raw.rstrip(_CLOSING)[-1:] in QUESTION_MARKS
        yield Evidence("question", f"no question left of {asked}", 1 if ends or asked > 1 else 0.5)
    else:
        yield Evidence("question", f"{asks} questions, {asked} in the source", 0.5 if abs(asks - asked) > 1 else 0.25)


def _questions(text: Text) -> int:
    marks = QUESTION_MARKS & text.chars
    return sum(text.prose.count(mark) for mark in marks) if marks else 0
