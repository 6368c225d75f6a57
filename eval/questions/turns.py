"""Measures one answer to one turn of a question: the row of numbers that all totals are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from eval.questions import fluency, repetition
from eval.response_language import Identifier
from eval.response_language.verdicts import judged_pieces
from kielo.languages.pack import Language
from kielo.records import QuestionResponse

REPETITION = ("repeated_ngrams", "longest_repeat", "loop", "echo", "earlier_answer")
FLUENCY = ("target_letters", "switches", "usual_trigrams", "foreign_letters", "damage", "different_words", "sentence_words")  # fmt: skip
LENGTHS = ("characters", "words", "empty", "cut")


@dataclass(frozen=True)
class Asked:
    """What answers are measured by: the language they should be in, the one a model may fall back to, and who tells them apart."""

    target: Language
    source: Language | None
    identifier: Identifier


def measured_turns(answer: QuestionResponse, texts: Sequence[str], asked: Asked) -> Iterator[dict[str, Any]]:
    """Measure the answers to a question's turns; `texts` are the answers as they count, without thoughts where asked."""
    asked_words: list[str] = []
    earlier: list[str] = []
    for question, text, reason in zip(answer.turns, texts, answer.finish_reasons, strict=True):
        asked_words += repetition.words_of(question)
        yield {**_lengths(text, reason), **_repetition(text, asked_words, earlier), **_fluency(text, asked)}
        earlier += repetition.words_of(text)


def _lengths(text: str, reason: str) -> dict[str, Any]:
    words = len(repetition.words_of(text))
    return {"characters": len(text), "words": words, "empty": not text.strip(), "cut": reason == "length"}


def _repetition(text: str, asked_words: Sequence[str], earlier: Sequence[str]) -> dict[str, Any]:
    words = repetition.words_of(text)
    return {
        "repeated_ngrams": repetition.repeated_share(words),
        "longest_repeat": repetition.longest_repeat(words),
        "loop": bool(repetition.loop_at_end(text)),
        "echo": repetition.echo_share(words, asked_words),
        "earlier_answer": repetition.echo_share(words, earlier) if earlier else None,
    }


def _fluency(text: str, asked: Asked) -> dict[str, Any]:
    label = asked.identifier.label(asked.target)
    pieces = judged_pieces(text, asked.target, asked.source, asked.identifier) if label else None
    return {
        "target_letters": None if pieces is None or label is None else fluency.target_letters(pieces, label),
        "switches": None if pieces is None else fluency.switches(pieces),
        "usual_trigrams": fluency.usual_share(text, asked.target.langdetect),
        "foreign_letters": fluency.foreign_letters(text, asked.target),
        "damage": fluency.damaged(text),
        "different_words": fluency.different_words(repetition.words_of(text)),
        "sentence_words": fluency.sentence_words(text),
    }
