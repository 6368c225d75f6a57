"""ROUGE-1 and ROUGE-L of two texts (Lin 2004) over words of any script; the usual package knows a-z and 0-9 alone."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache

from eval.ifeval.unicode_words import word_letter


def rouge_words(text: str) -> tuple[str, ...]:
    """List the words of a text, composed and without case (NFKC, casefold): runs of letters, digits and their marks."""
    return tuple(_pattern().findall(unicodedata.normalize("NFKC", text).casefold()))


def rouge1(ours: Sequence[str], theirs: Sequence[str]) -> float:
    """Give the F score of the words in common, each as often as both have it, 0..1."""
    return _f_score((Counter(ours) & Counter(theirs)).total(), len(ours), len(theirs))


def rouge_l(ours: Sequence[str], theirs: Sequence[str]) -> float:
    """Give the F score of the longest common subsequence of words, 0..1."""
    return _f_score(longest_common(ours, theirs), len(ours), len(theirs))


def longest_common(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """Count the words of the longest common subsequence.

    Bit-parallel (Hyyrö 2004): a row of the usual table is one whole number, its zero bits where the length grows.
    """
    places: dict[str, int] = {}
    for place, word in enumerate(ours):
        places[word] = places.get(word, 0) | 1 << place
    full = (1 << len(ours)) - 1
    row = full
    for word in theirs:
        met = row & places.get(word, 0)
        row = (row + met | row - met) & full
    return len(ours) - row.bit_count()


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile(f"{word_letter()}+")


def _f_score(common: int, ours: int, theirs: int) -> float:
    return 2 * common / (ours + theirs) if common else 0.0
