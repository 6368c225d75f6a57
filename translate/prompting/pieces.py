"""Cuts a long text at sentence ends before it is put into prompts; joined, the pieces are the text again."""

from __future__ import annotations

import re
from itertools import chain

from kielo.languages.pack import Language

LONGEST_PIECE = 1500
"""Characters; longer segments lose their ends in base models (notes: segments over about 1,500 are split, not dropped)."""

_HALF_CHARACTERS = re.compile("[\ud800-\udfff]")  # lone surrogates, which sentencex refuses


def pieces_of(text: str, language: Language) -> list[str]:
    """Cut a long text at sentence ends into pieces of at most LONGEST_PIECE characters."""
    if len(text) <= LONGEST_PIECE:
        return [text]
    pieces = [""]
    for sentence in chain.from_iterable(map(_bounded, sentences_of(text, language))):
        if pieces[-1] and len(pieces[-1]) + len(sentence) > LONGEST_PIECE:
            pieces.append("")
        pieces[-1] += sentence
    return pieces


def sentences_of(text: str, language: Language) -> list[str]:
    """Cut a text into its sentences, each with the blanks behind it; one without a letter, such as `1.`, begins the next."""
    from sentencex import segment

    readable = _HALF_CHARACTERS.sub("\ufffd", text)
    sentences = [""]
    end = 0
    for sentence in segment(language.code, readable):
        start = readable.find(sentence, end)  # sentencex does not promise to keep every blank between sentences
        if start < 0:
            break
        sentences[-1] += text[end:start]
        end = start + len(sentence)
        if any(map(str.isalpha, sentences[-1])) and any(map(str.isalnum, sentence)):
            sentences.append("")
        sentences[-1] += text[start:end]
    sentences[-1] += text[end:]
    return sentences


def _bounded(sentence: str) -> list[str]:
    """Cut a sentence that is itself too long at blanks, or where it must be."""
    pieces = []
    while len(sentence) > LONGEST_PIECE:
        blank = sentence.rfind(" ", LONGEST_PIECE // 2, LONGEST_PIECE)
        cut = LONGEST_PIECE if blank < 0 else blank + 1
        pieces.append(sentence[:cut])
        sentence = sentence[cut:]
    return [*pieces, sentence] if sentence else pieces
