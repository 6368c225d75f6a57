"""Signs of fluency that need no model of a language: its letters and letter sequences, its sentences, its damage. None is a grade."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eval.response_language import readable
from eval.response_language.verdicts import OPEN, Piece
from kielo.languages.detection import usual_trigrams
from kielo.languages.pack import Language
from kielo.languages.scripts import script_names, script_of

WINDOW = 50
"""Words over which different words are counted: the type-token ratio of whole texts falls with their length."""
_FEWEST_TRIGRAMS = 500
"""Profiles with fewer are of languages that write words without letters."""
_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE_END = re.compile(r"[.!?…。！？]+(?=\s|$)")
_TWO_BYTES = re.compile(r"[\u00c2-\u00f4][\u0080-\u00bf\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u017d\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u017e\u0178]+")  # fmt: skip


def usual_share(text: str, langdetect_code: str | None) -> float | None:
    """Give the share of a text's letter trigrams that are frequent in the language; None where that is not known.

    Native Finnish has 0.87 to 0.90, with a letter in twenty wrong 0.83, Estonian 0.69 (docs/response-language.md).
    """
    usual = usual_trigrams(langdetect_code) if langdetect_code else frozenset()
    if len(usual) < _FEWEST_TRIGRAMS:
        return None
    trigrams = [
        padded[at : at + 3]
        for word in _WORD.findall(readable(text).lower())
        for padded in (f" {word} ",)
        for at in range(len(padded) - 2)
    ]
    return sum(trigram in usual for trigram in trigrams) / len(trigrams) if trigrams else None


def foreign_letters(text: str, language: Language) -> float | None:
    """Give the share of letters that are not of the language's alphabet, or, where its pack has none, of its script."""
    letters = [char for char in readable(text) if char.isalpha()]
    if not letters:
        return None
    alphabet = frozenset("".join(language.ifeval.get("alphabet", ())).lower())
    scripts = script_names(language.script)
    foreign = sum(char.lower() not in alphabet if alphabet else script_of(char) not in scripts for char in letters)
    return foreign / len(letters)


def damaged(text: str) -> int:
    """Count what a wrong decoding leaves: replacement characters, and UTF-8 that was read as Windows-1252."""
    return text.count("\ufffd") + sum(_decodes(found[0]) for found in _TWO_BYTES.finditer(text))


def _decodes(stretch: str) -> bool:
    try:
        stretch.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return False
    return True


def sentence_words(text: str) -> float | None:
    """Give the mean number of words in a sentence; the end of a line ends one, too. None of no words."""
    counts = [
        len(_WORD.findall(sentence)) for line in readable(text).splitlines() for sentence in _SENTENCE_END.split(line)
    ]
    counts = [count for count in counts if count]
    return sum(counts) / len(counts) if counts else None


def different_words(words: Sequence[str]) -> float | None:
    """Give the moving-average type-token ratio (Covington and McFall 2010) over WINDOW words; None of fewer words."""
    if len(words) < WINDOW:
        return None
    starts = range(len(words) - WINDOW + 1)
    return sum(len(set(words[start : start + WINDOW])) for start in starts) / (WINDOW * len(starts))


def target_letters(pieces: Sequence[Piece], label: str) -> float | None:
    """Give the share of the letters, of those whose language could be told, that are in the target language."""
    told = [piece for piece in pieces if piece.language != OPEN]
    total = sum(piece.letters for piece in told)
    return sum(piece.letters for piece in told if piece.language == label) / total if total else None


def switches(pieces: Sequence[Piece]) -> int:
    """Count how often the language changes from one piece to the next."""
    told = [piece.language for piece in pieces if piece.language != OPEN]
    return sum(one != other for one, other in zip(told, told[1:], strict=False))
