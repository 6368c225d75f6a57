"""FLORES-200 sentences in 13 languages, as the benchmarks of language identification take them apart and mix them."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from kielo.languages.pack import Language, language

DATA = Path(os.environ.get("KIELO_SHARED_DATA", "../shared/data"))
CODES = {
    "fin": "fi", "est": "et", "swe": "sv", "dan": "da", "nob": "nb", "nno": "nn", "isl": "is", "fao": "fo", "gle": "ga",
    "mlt": "mt", "eus": "eu", "cym": "cy", "eng": "en",
}  # fmt: skip
PARAGRAPH, DOCUMENT = 5, 10
"""Sentences of the answers that are made of them."""
Texts = Mapping[str, Sequence[str]]
Mixed = Iterator[tuple[str, float]]
"""Answers, each with the share of its letters that is English."""


def read(code: str) -> list[str]:
    """Read a language's sentences."""
    with gzip.open(DATA / "flores200" / f"{code}.devtest.gz", "rt", encoding="utf-8") as lines:
        return [line.strip() for line in lines]


def pack(code: str) -> Language:
    """Give what an identifier needs to know of a language, whether there is a pack or not."""
    own = CODES[code]
    known = {"fi", "et", "sv", "da", "en", "cy"}
    langdetect = "no" if own == "nb" else own if own in known else None
    fields = {"code": own, "iso639_3": code, "flores": f"{code}_Latn", "langdetect": langdetect}
    return language("en").model_copy(update=fields)


def first_words(sentence: str) -> str:
    """Give the first three words of a sentence."""
    return " ".join(sentence.split()[:3])


def beginning(sentence: str, letters: int) -> str:
    """Give the first words of a sentence that hold so many letters."""
    held = ""
    for word in sentence.split():
        held = f"{held} {word}".strip()
        if sum(map(str.isalpha, held)) >= letters:
            break
    return held


def batches(sentences: Sequence[str], size: int) -> Iterator[str]:
    """Join so many neighbouring sentences each, a line each."""
    for start in range(0, len(sentences) - size + 1, size):
        yield "\n".join(sentences[start : start + size])


def mixtures(texts: Texts, english: int, size: int = DOCUMENT) -> Mixed:
    """Make answers whose last sentences are English ones of the same document, with the share of English letters."""
    for start in range(0, len(texts["fin"]) - size + 1, size):
        finnish = texts["fin"][start : start + size - english]
        foreign = texts["eng"][start + size - english : start + size]
        yield "\n".join((*finnish, *foreign)), share(foreign, finnish)


def headed(texts: Texts) -> Mixed:
    """Make answers of three Finnish sentences under a heading of six English words."""
    for start in range(0, len(texts["fin"]) - 2, 3):
        heading = " ".join(texts["eng"][start].split()[:6])
        finnish = texts["fin"][start : start + 3]
        yield "\n\n".join((f"# {heading}", " ".join(finnish))), share([heading], finnish)


def titled(texts: Texts) -> Mixed:
    """Make answers whose every sentence ends with a quoted title of four English words."""
    for start in range(0, len(texts["fin"]) - PARAGRAPH + 1, PARAGRAPH):
        finnish = texts["fin"][start : start + PARAGRAPH]
        titles = [" ".join(text.split()[:4]).title() for text in texts["eng"][start : start + PARAGRAPH]]
        lines = [f"{text.rstrip('.')} (”{title}”)." for text, title in zip(finnish, titles, strict=True)]
        yield "\n".join(lines), share(titles, finnish)


def switched(texts: Texts) -> Mixed:
    """Make answers whose sentences begin in Finnish and end in English."""
    for start in range(0, len(texts["fin"]) - PARAGRAPH + 1, PARAGRAPH):
        pairs = zip(texts["fin"][start : start + PARAGRAPH], texts["eng"][start : start + PARAGRAPH], strict=True)
        halves = [(_half(finnish, 0), _half(english, 1)) for finnish, english in pairs]
        yield "\n".join(map(" ".join, halves)), share([half for _, half in halves], [half for half, _ in halves])


def _half(sentence: str, part: int) -> str:
    words = sentence.split()
    middle = len(words) // 2
    return " ".join(words[middle:] if part else words[:middle])


def share(foreign: Iterable[str], own: Iterable[str]) -> float:
    """Give the share of letters that the foreign texts hold."""
    counts = [sum(map(str.isalpha, "".join(part))) for part in (foreign, own)]
    return counts[0] / sum(counts)
