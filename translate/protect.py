"""Mask what a translator must not touch (code, links, formulas, placeholders) by sentinels, and verify each on its way back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_SENTINEL = re.compile(r"⟦\s*(\d+)\s*⟧")
_QUOTES = "\"'“”„‟‘’‚«»‹›「」『』"
_BRACKETS = re.compile("[⟦⟧]")

# In order: what stands first wins where two could begin at one place. Lengths are bounded, so that no row can stall a run.
_PATTERNS = (
    r"[⟦⟧]",  # the source's own brackets, so that restoring cannot mistake them
    r"(?<!`)(?P<ticks>`{1,9})(?!`).{1,2000}?(?<!`)(?P=ticks)(?!`)",
    r"\$\$.{1,2000}?\$\$",
    r"\\\(.{1,2000}?\\\)",
    r"\\\[.{1,2000}?\\\]",
    # one dollar is a formula if it holds a sign of mathematics or next to nothing: `US$5 or A$ 6` is money
    r"\$(?=\S)(?=[^$\n]{1,3}\$|[^$\n]*[\\^_=+<>{}*/])(?:\\.|[^$\\\n])*?(?<=\S)\$(?!\d)",
    r"\\begin\{[^}\n]{1,40}\}.{0,2000}?\\end\{[^}\n]{1,40}\}",
    r"<<|>>",
    r"<(?:https?|mailto):[^<>\s]+>",
    r"</?[A-Za-z][^<>\n]*>|<!--.{0,2000}?-->",
    r"(?<=\]\()[^()\s]+(?:\([^()\s]*\)[^()\s]*)*(?=[)\s])",
    r"(?:https?|ftp)://[^\s<>\"”]*[^\s<>\"”.,;:!?)\]'*_]|\bwww\.[^\s<>\"”]*[^\s<>\"”.,;:!?)\]'*_]",
    r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+",
    r"\{\{[^{}\n]*\}\}|\{[A-Za-z_][\w.]*\}|\$\{[^{}\n]*\}",
    r"%(?:\(\w+\))?[sdif]\b",
    r"\[[A-Z][A-Z0-9_ ]+\]",
)
_SPAN = re.compile("|".join(_PATTERNS))


@dataclass(frozen=True)
class Protected:
    """A text with sentinels ⟦1⟧, ⟦2⟧, ... and what stands behind them."""

    text: str
    spans: tuple[str, ...]

    @property
    def bare(self) -> str:
        """The text without its sentinels."""
        return _SENTINEL.sub("", self.text)


def protect(text: str, literals: Sequence[str] = ()) -> Protected:
    """Mask the spans of a text that must come through untouched, and further `literals`: where quoted, or else as whole words."""
    pattern = _SPAN
    if literals:
        written = "|".join(_literal(literal, text) for literal in sorted(literals, key=len, reverse=True))
        pattern = re.compile(f"{written}|{_SPAN.pattern}")
    spans: list[str] = []

    def mask(match: re.Match[str]) -> str:
        spans.append(match.group())
        return f"⟦{len(spans)}⟧"

    return Protected(pattern.sub(mask, text), tuple(spans))


def literal_patterns(literal: str) -> tuple[str, str]:
    """Give the patterns that find a literal between quotation marks, and as a whole word anywhere."""
    before, after = (r"\b" if re.match(r"\w", edge) else "" for edge in (literal[:1], literal[-1:]))
    word = before + re.escape(literal) + after
    return f"(?<=[{_QUOTES}]){word}(?=[.,;:!?]?[{_QUOTES}])", word


def _literal(literal: str, text: str) -> str:
    """Choose how to find a literal: where a line quotes it, its other occurrences are words to be inflected."""
    quoted, word = literal_patterns(literal)
    return quoted if re.search(quoted, text) else word


def restore(text: str, spans: Sequence[str]) -> str | None:
    """Put the spans back; None unless every sentinel is there exactly once and no bracket is left over."""
    found = [int(number) for number in _SENTINEL.findall(text)]
    if sorted(found) != list(range(1, len(spans) + 1)) or _BRACKETS.search(_SENTINEL.sub("", text)):
        return None
    return _SENTINEL.sub(lambda match: spans[int(match.group(1)) - 1], text)


def protected_spans(text: str) -> tuple[str, ...]:
    """List the spans of a text that a translation must hold, too."""
    return protect(text).spans


def mask_all(text: str) -> str:
    """Blank out every protected span, for checks that look at the words alone."""
    return protect(text).bare
