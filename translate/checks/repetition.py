"""Finds loops: what is repeated in a translation far more than in its source, by words, sentences and characters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import eq

from translate.checks.findings import Evidence
from translate.checks.views import SENTENCE, Pair, Text

EXCESS = (4, 0.03)
"""4-grams repeated more than in the source, and more than this per word of the translation. Loops of 3, 6 and 10 turns are
found where gzip < 0.3 misses most (after Raunak et al. 2021)."""
WORD_RUN = 4
_FIVE = re.compile(r"(\S)\1\1\1\1")
_CHARACTER_RUN = re.compile(r"([^\s\w])\1{7,}|([^\W\d_])\2{4,}")


def repetition(pair: Pair) -> Iterator[Evidence]:
    """Find n-grams, words, sentences or characters repeated beyond what the source repeats."""
    source, translation = pair.source, pair.translation
    excess = translation.repeated_ngrams - source.repeated_ngrams
    if excess >= max(EXCESS[0], EXCESS[1] * len(translation.words)):
        yield Evidence("repetition", f"{excess} repeated 4-grams more than in the source", 1)
        return
    word, run = _word_run(translation.words)
    if run >= WORD_RUN and run >= 2 * _word_run(source.words)[1]:
        yield Evidence("repetition", f"'{word:.40}' {run} times in a row", 1)
        return
    if excess > 0:
        again, before = _again(translation), _again(source)
        if len(again) > len(before):
            weight = 1 if len(again) - len(before) >= 2 else 0.5
            yield Evidence("repetition", f"said again: {again[-1]:.80}", weight)
            return
    run_on = _character_run(translation)
    if run_on and not _character_run(source):
        yield Evidence("repetition", f"'{run_on}' in a row", 1)


def _character_run(text: Text) -> str:
    """Find a letter five times in a row or a sign eight times."""
    found = _CHARACTER_RUN.search(text.outside) if _FIVE.search(text.outside) else None
    return found.group()[:40] if found else ""


def _word_run(words: Sequence[str]) -> tuple[str, int]:
    if not any(map(eq, words, words[1:])):
        return "", 1
    return max(((word, len(list(run))) for word, run in groupby(words)), key=lambda each: each[1])


def _again(text: Text) -> list[str]:
    """List the sentences of several words that have been said before."""
    seen: set[str] = set()
    again = []
    for line in text.prose_lines:
        for sentence in SENTENCE.split(line):
            if sentence in seen:
                again.append(sentence)
            elif " " in sentence and any(map(str.isalpha, sentence)):
                seen.add(sentence)
    return again
