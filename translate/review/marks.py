"""What stands fixed in a text, for the review page: code, links, placeholders, and which of them the other side lacks."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from translate.protect import protected_spans
from translate.segments import split

# Splitting costs far more than looking for inline spans: only a text that can hold a block that stays is taken apart.
_MAY_HOLD_BLOCKS = re.compile(r"```|~~~|^(?: {4}|\t)|^ {0,3}<|\\\[|\$\$|\\begin\{", re.MULTILINE)
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Mark:
    """A fixed span of a text, by its offsets in UTF-16 units, and whether the other side holds it, too."""

    start: int
    stop: int
    shared: bool


def compare(source: str, translation: str) -> tuple[list[Mark], list[Mark]]:
    """Mark the fixed spans of a source and of its translation; each is paired with at most one equal span of the other side."""
    left, right = list(_spans(source)), list(_spans(translation))
    return _marks(source, left, _texts(translation, right)), _marks(translation, right, _texts(source, left))


def _texts(text: str, spans: Sequence[tuple[int, int]]) -> Counter[str]:
    return Counter(text[start:stop] for start, stop in spans)


def _marks(text: str, spans: Sequence[tuple[int, int]], others: Counter[str]) -> list[Mark]:
    astral, marks = [match.start() for match in _ASTRAL.finditer(text)], []
    for start, stop in spans:
        span = text[start:stop]
        shared = others[span] > 0
        others[span] -= shared
        marks.append(Mark(start + bisect_left(astral, start), stop + bisect_left(astral, stop), shared))
    return marks


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Find the fixed spans of a text, in its order: blocks that stay as they are, and inline spans elsewhere."""
    if not _MAY_HOLD_BLOCKS.search(text):
        yield from _inline(text, 0)
        return
    document, position = split(text), 0
    for kept, segment in zip(document.template, (*document.segments, ""), strict=True):
        bare = kept.strip()
        if any(character.isalpha() for character in bare):
            start = position + kept.index(bare)
            yield start, start + len(bare)
        position += len(kept)
        yield from _inline(segment, position)
        position += len(segment)


def _inline(text: str, offset: int) -> Iterator[tuple[int, int]]:
    position = 0
    for span in protected_spans(text):
        start = text.find(span, position)
        if start >= 0:
            position = start + len(span)
            yield offset + start, offset + position
