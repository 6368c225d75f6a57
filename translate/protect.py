"""Mask what a translator must not touch (code, links, formulas, placeholders) by sentinels, and verify each on its way back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from translate.protected_patterns import DESTINATION, EMAIL, MAY_HOLD_SPAN, NUMBER, QUOTES, SPAN, URL
from translate.sentinels import BRACKETS, STYLES, Style

__all__ = [
    "BRACKETS",
    "STYLES",
    "Protected",
    "Style",
    "literal_patterns",
    "mask_all",
    "protect",
    "protected_spans",
    "restore",
    "spans_survive",
    "split_around",
]


@dataclass(frozen=True)
class Protected:
    """A text with sentinels numbered 1, 2, ... and what is to stand in their places."""

    text: str
    spans: tuple[str, ...]
    style: Style = BRACKETS

    @property
    def bare(self) -> str:
        """The text without its sentinels."""
        return self.style.found.sub("", self.text)


def protect(text: str, literals: Sequence[str] = (), style: Style = BRACKETS, numbers: bool = False) -> Protected:
    """Mask the spans of a text that must come through untouched, and further `literals`: where quoted, or else as whole words.

    `numbers`: also numbers, with the units behind them. A sentinel that stands in the text by itself is masked, too, so
    that restoring cannot mistake it.
    """
    patterns = list(_patterns(text, literals, style, numbers))
    if not patterns:
        return Protected(text, (), style)
    pieces: list[str] = []
    spans: list[str] = []
    end = 0
    for match in _leftmost(text, patterns):
        spans.append(match.group())
        pieces += (text[end : match.start()], style.sentinel(len(spans)))
        end = match.end()
    return Protected("".join((*pieces, text[end:])), tuple(spans), style)


def _patterns(text: str, literals: Sequence[str], style: Style, numbers: bool) -> Iterator[re.Pattern[str]]:
    """Choose the patterns that can match in a text at all; where two match at one place, the first is taken."""
    if style.may_stand_in(text):
        yield style.look_alike
    if any(literals):
        yield _literals(text, tuple(literals))
    if MAY_HOLD_SPAN.search(text):
        yield SPAN
    if "](" in text:
        yield DESTINATION
    if "://" in text or "www." in text:
        yield URL
    if "@" in text:
        yield EMAIL
    if numbers:
        yield NUMBER


def _leftmost(text: str, patterns: Sequence[re.Pattern[str]]) -> Iterator[re.Match[str]]:
    """Find what any of the patterns matches, from left to right, as one pattern of alternatives would."""
    if len(patterns) == 1:
        yield from patterns[0].finditer(text)
        return
    end = 0
    following = [pattern.search(text) for pattern in patterns]
    while True:
        for number, match in enumerate(following):
            if match is not None and match.start() < end:
                following[number] = patterns[number].search(text, end)
        first = min((match for match in following if match is not None), key=re.Match.start, default=None)
        if first is None:
            return
        yield first
        end = first.end()


@lru_cache(maxsize=64)
def _literals(text: str, literals: tuple[str, ...]) -> re.Pattern[str]:
    """Write a pattern of literals: where a text quotes one, its other occurrences are words to be inflected."""
    written = []
    for literal in sorted(filter(None, literals), key=len, reverse=True):
        quoted, word = literal_patterns(literal)
        written.append(quoted if re.search(quoted, text) else word)
    return re.compile("|".join(written))


def literal_patterns(literal: str) -> tuple[str, str]:
    """Give the patterns that find a literal between quotation marks, and as a whole word anywhere."""
    before, after = (r"\b" if re.match(r"\w", edge) else "" for edge in (literal[:1], literal[-1:]))
    word = before + re.escape(literal) + after
    return f"(?<=[{QUOTES}]){word}(?=[.,;:!?]?[{QUOTES}])", word


def restore(text: str, protected: Protected) -> str | None:
    """Put the spans back; None unless every sentinel is there exactly once, none is invented and no part of one is left over."""
    style, spans = protected.style, protected.spans
    if not style.may_stand_in(text):
        return None if spans else text
    found = sorted(map(style.number, style.found.finditer(text)))
    if found != list(range(1, len(spans) + 1)) or style.torn.search(style.found.sub("\0", text)):
        return None
    return style.found.sub(lambda match: spans[style.number(match) - 1], text)


def split_around(protected: Protected) -> tuple[tuple[str, bool], ...]:
    """Cut a masked text into (stretch, False) and (span, True) as they follow each other, for translators that copy no sentinel.

    Translate the stretches one by one and join everything; blanks stand in the stretches.
    """
    pieces, end = [], 0
    for match in protected.style.found.finditer(protected.text):
        pieces += [
            (protected.text[end : match.start()], False),
            (protected.spans[protected.style.number(match) - 1], True),
        ]
        end = match.end()
    pieces.append((protected.text[end:], False))
    return tuple(piece for piece in pieces if piece[0])


def spans_survive(spans: Sequence[str], translation: str) -> tuple[str, ...]:
    """List the spans, as often as they are missing, that a translation made without sentinels does not hold; none: all survive."""
    missing, rest = [], translation
    for span in sorted(spans, key=len, reverse=True):  # so that no short span is found inside a longer one
        before, found, after = rest.partition(span)
        if found:
            rest = f"{before}\0{after}"
        else:
            missing.append(span)
    return tuple(missing)


def protected_spans(text: str) -> tuple[str, ...]:
    """List the spans of a text that a translation must hold, too."""
    return protect(text).spans


def mask_all(text: str) -> str:
    """Blank out every protected span, for checks that look at the words alone."""
    return protect(text).bare
