"""Writes the review page: one HTML file that holds the texts, its own script and style, and reaches for nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import accumulate
from pathlib import Path
from typing import Any

from kielo.html_page import framed
from kielo.languages.pack import Language
from kielo.records import replacing
from translate.review.marks import Mark, compare
from translate.review.rows import Row, read_rows, worst_first
from translate.review.verdicts import NO_VERDICTS, Verdicts

HERE = Path(__file__).parent
SCRIPTS = ("table.js", "verdicts.js", "filters.js", "marks.js", "cards.js", "files.js", "page.js")
LIMIT = 20_000
"""Texts on one page: more are slow to open, and more than anybody judges."""
CHARACTERS = 60_000_000
"""Of texts on one page, about: a browser holds each of them two or three times over."""


def write_review(
    folders: Mapping[str, Path],
    out: Path,
    title: str,
    source: Language,
    target: Language,
    verdicts: Verdicts = NO_VERDICTS,
    limit: int = LIMIT,
) -> int:
    """Write the review page of translated data sets (name -> folder of its translate step); returns the rows shown.

    `verdicts` are those that the run has honoured: they are shown, and exported again with the new ones.

    Raises:
        SourceError: a step's file is missing or damaged.
    """
    rows = [row for dataset, folder in folders.items() for row in read_rows(dataset, folder)]
    order = worst_first(rows)
    room = _room(rows, order, limit)
    shown, left_out = order[:room], order[room:]
    data = {
        "title": title,
        "digest": _digest(part for row in rows for part in (row.id, row.where, row.source)),
        "source": {"code": source.code, "name": source.name},
        "target": {"code": target.code, "name": target.name},
        "facts": _facts(rows, [rows[place] for place in left_out]),
        "rows": [{"place": place, **_shown(rows[place])} for place in shown],
        "verdicts": [asdict(verdict) for verdict in verdicts.by_key.values()],
    }
    with replacing(out) as stream:
        stream.write(framed(HERE, SCRIPTS, "Kielo review", title, data).encode("utf-8"))
    return len(shown)


def _room(rows: Sequence[Row], order: Sequence[int], limit: int) -> int:
    """Count how many rows, worst first, one page holds; at least one."""
    characters = accumulate(len(rows[place].source) + len(rows[place].translation) for place in order[:limit])
    return max(1, sum(total <= CHARACTERS for total in characters))


def _facts(rows: Sequence[Row], left_out: Sequence[Row]) -> dict[str, int]:
    return {
        "records": len({row.id for row in rows}), "rejectedRecords": len({row.id for row in rows if row.cause}),
        "texts": len(rows), "failed": sum(row.judgeable and not row.passed for row in rows),
        "noted": sum(row.accepted and bool(row.findings) for row in rows),
        "leftOut": len(left_out), "leftOutRejected": sum(not row.accepted for row in left_out),
    }  # fmt: skip


def _shown(row: Row) -> dict[str, Any]:
    source_marks, translation_marks = compare(row.source, row.translation) if row.judgeable else ([], [])
    return {
        **asdict(row), "accepted": row.accepted, "digest": _digest([row.translation]),
        "marks": [_numbers(source_marks), _numbers(translation_marks)],
    }  # fmt: skip


def _numbers(marks: Iterable[Mark]) -> list[int]:
    return [number for mark in marks for number in (mark.start, mark.stop, int(mark.shared))]


def _digest(parts: Iterable[str]) -> str:
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return hashed.hexdigest()[:16]
