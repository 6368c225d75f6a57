"""Writes a table as CSV for programs, with the numbers behind each cell in columns of their own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from eval.report.document import Cell, Number, Table


def write_csv(table: Table) -> str:
    """Write a table for programs; the numbers behind a cell follow it in columns named `<column>: k` and so on."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = [_names(table, at) for at in range(len(table.columns))]
    writer.writerow(
        [part for column, below in zip(table.columns, names, strict=True) for part in _headings(column, below)]
    )
    for row in table.rows:
        writer.writerow([part for cell, below in zip(row, names, strict=True) for part in _values(cell, below)])
    return stream.getvalue()


def _names(table: Table, at: int) -> list[str]:
    """List what stands behind the cells of a column: its numbers by name, or small print alone."""
    names = dict.fromkeys(name for row in table.rows for name, _ in row[at].numbers)
    if any(row[at].small and not row[at].numbers for row in table.rows):
        names["small print"] = None
    return list(names)


def _headings(column: str, names: Sequence[str]) -> Iterator[str]:
    yield column
    yield from (f"{column}: {name}" for name in names)


def _values(cell: Cell, names: Sequence[str]) -> Iterator[Number]:
    numbers: dict[str, Number] = dict(cell.numbers)
    yield cell.text.replace("−", "-") if numbers else _safe(cell.text)
    behind = numbers or {"small print": _safe(cell.small)}
    yield from (behind.get(name, "") for name in names)


def _safe(words: str) -> str:
    """Write thousands as programs do, and keep a spreadsheet from taking text for a formula."""
    plain = words.replace("\u202f", "").replace("\u00a0", " ")
    return f"'{plain}" if plain[:1] in ("=", "+", "-", "@", "\t", "\r") else plain
