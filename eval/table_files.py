"""Tables of the tools as CSV files for programs and spreadsheets: one row a number, with what it is of."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from kielo.records import replacing

Value = str | int | float | None


def write_csv_file(path: Path, headings: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
    """Write rows under their headings, with all digits; None is an empty cell."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows([_safe(value) for value in row] for row in rows)
    with replacing(path) as out:
        out.write(stream.getvalue().encode("utf-8"))


def _safe(value: Value) -> Value:
    """Keep a spreadsheet from taking a model's name for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
