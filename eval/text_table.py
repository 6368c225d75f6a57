"""Columns of text for a terminal, as the tools of `kielo eval` print them."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]], texts: int = 1) -> list[str]:
    """Align columns: the first `texts` of them to the left, the others to the right."""
    rows = [[clean(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_padded(row, widths, texts)).rstrip() for row in rows]


def _padded(row: Sequence[str], widths: Sequence[int], texts: int) -> list[str]:
    sides = [str.ljust] * texts + [str.rjust] * (len(row) - texts)
    return [pad(cell, width) for pad, cell, width in zip(sides, row, widths, strict=True)]


def clean(text: str) -> str:
    """Take out what would steer a terminal: names, answers and judgements are written by others."""
    return "".join(char if char.isprintable() else " " for char in text)
