"""Columns of text for a terminal, as the tools of `kielo eval` print them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def aligned(rows: Sequence[Sequence[str]], texts: int = 1) -> list[str]:
    """Align columns: the first `texts` of them to the left, the others to the right."""
    rows = [[clean(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_padded(row, widths, texts)).rstrip() for row in rows]


def listed(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Set out names and their values, indented."""
    return indented(aligned(list(pairs), texts=2))


def indented(lines: Iterable[str]) -> list[str]:
    """Set lines under their heading."""
    return [f"  {line}" for line in lines]


def _padded(row: Sequence[str], widths: Sequence[int], texts: int) -> list[str]:
    sides = [str.ljust] * texts + [str.rjust] * (len(row) - texts)
    return [pad(cell, width) for pad, cell, width in zip(sides, row, widths, strict=True)]


def counted(followed: int, out_of: int) -> str:
    """Write a count with its share, so that a column of them stays aligned: `292/783  37.29%`."""
    return f"{followed}/{out_of} {100 * followed / out_of:6.2f}%" if out_of else "0/0 -"


def clean(text: str) -> str:
    """Take out what would steer a terminal: names, answers and judgements are written by others."""
    return "".join(char if char.isprintable() else " " for char in text)
