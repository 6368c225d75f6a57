"""Columns of text for a terminal, as every verb and tool prints its tables."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Sequence

_JOINERS = "\u200c\u200d"
"""Persian and the scripts of India spell with them."""


def aligned(rows: Sequence[Sequence[str]], texts: int | Collection[int] = 1, at_most: int | None = None) -> list[str]:
    """Align columns: `texts` of them, the first so many or those of these places, to the left, the others to the right.

    Columns stand two blanks apart, or one where a line would be longer than `at_most` letters.
    """
    rows = [[clean(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = range(texts) if isinstance(texts, int) else texts
    pads = [str.ljust if place in left else str.rjust for place in range(len(widths))]
    too_wide = at_most is not None and sum(widths) + 2 * (len(widths) - 1) > at_most
    gap = " " if too_wide else "  "
    return [
        gap.join(pad(*cell) for pad, cell in zip(pads, zip(row, widths, strict=True), strict=True)).rstrip()
        for row in rows
    ]


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Write rows of words, the first one the headings, as one text."""
    return "\n".join(aligned(rows, texts=len(rows[0])))


def listed(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Set out names and their values, indented."""
    return indented(aligned(list(pairs), texts=2))


def indented(lines: Iterable[str]) -> list[str]:
    """Set lines under their heading."""
    return [f"  {line}" for line in lines]


def counted(followed: int, out_of: int) -> str:
    """Write a count with its share, so that a column of them stays aligned: `292/783  37.29%`."""
    return f"{followed}/{out_of} {100 * followed / out_of:6.2f}%" if out_of else "0/0 -"


def clean(text: str) -> str:
    """Take out what would steer a terminal: names, answers and judgements are written by others."""
    return "".join(char if is_harmless(char) else " " for char in text)


def is_harmless(char: str) -> bool:
    """Tell whether a letter steers no terminal; blanks of all widths and the joiners within words and emoji steer none."""
    return char.isprintable() or char in _JOINERS or unicodedata.category(char) == "Zs"
