"""The result tables as plain text, for the terminal."""

from __future__ import annotations

from dataclasses import replace

from eval.report.document import MARKS, Cell, Report, Table
from kielo.text_table import aligned

SHOWN = ("Table ", "Judge")
"""How the titles of the tables begin that a terminal gets."""
MOST_COLUMNS = 6  # what further ones there are stands in report.md
HEADINGS = (" accuracy", ""), (", %", " %"), ("Answers in ", "in ")


def plain(table: Table) -> str:
    """Write a table as aligned plain text under shorter column names, without its small print."""
    rows = [tuple(map(_shorter, table.columns)), *(tuple(map(_words, row)) for row in table.rows)]
    ruled = [rows[0], tuple("-" * max(map(len, column)) for column in zip(*rows, strict=True)), *rows[1:]]
    return "\n".join([table.title, *aligned(ruled, table.text_columns)])


def _shorter(column: str) -> str:
    for words, instead in HEADINGS:
        column = column.replace(words, instead)
    return column


def _words(cell: Cell) -> str:
    return f"{cell.text} {cell.mark or ' '}" if cell.numbers else cell.text


def _narrow(table: Table) -> Table:
    if len(table.columns) <= MOST_COLUMNS:
        return table
    rows = tuple(row[:MOST_COLUMNS] for row in table.rows)
    return replace(table, columns=table.columns[:MOST_COLUMNS], rows=rows)


def summary_text(report: Report) -> str:
    """Write the result tables for the terminal, with what their marks mean; empty if nothing was evaluated."""
    shown = [plain(_narrow(table)) for table in report.tables if table.title.startswith(SHOWN) and not table.folded]
    if not shown:
        return ""
    marks = ", ".join(f"{mark} {verdict}" for verdict, mark in MARKS.items())
    small = f"Marks: {marks}; p < 0.05 after Holm's correction. Counts, intervals and what each row is compared with: report.md."
    return "\n\n".join([*shown, small])
