"""Labels and scores made elsewhere: JSONL files of a recipe, matched to the rows by id."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from align.annotations.asking import Unread
from align.annotations.ratings import Rating
from kielo.errors import SourceError, at
from kielo.records import read_jsonl

_NOT_THERE = Unread("not in the file")


def labels_from(path: Path, ids: Sequence[str]) -> list[tuple[str, ...] | Unread]:
    """Read the labels of rows, as they are written but for blanks, which become one.

    Raises:
        SourceError: a row is not {id, labels: [text, ...]}, stands there twice, or none of the rows is there.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name, (row, place) in _by_id(path, ids).items():
        labels = row.get("labels")
        if not isinstance(labels, list) or not all(isinstance(each, str) and _in_one_line(each) for each in labels):
            raise SourceError(f"{place}: labels must be a list of texts of one line each; mend or remove this row.")
        found[name] = tuple(dict.fromkeys(" ".join(each.split()) for each in labels))
    return [found.get(name, _NOT_THERE) for name in ids]


def _in_one_line(text: str) -> bool:
    return len(text.strip().splitlines()) == 1


def scores_from(path: Path, ids: Sequence[str]) -> list[Rating | float | Unread]:
    """Read the scores of rows: `score`, or `quality` times `complexity`.

    Raises:
        SourceError: a row holds neither or no number from 0, stands there twice, or none of the rows is there.
    """
    found: dict[str, Rating | float] = {}
    for name, (row, place) in _by_id(path, ids).items():
        if "score" in row:
            found[name] = _number(row, "score", place)
        else:
            quality, complexity = (_number(row, key, place) for key in ("quality", "complexity"))
            found[name] = Rating(quality, complexity, quality * complexity)
    return [found.get(name, _NOT_THERE) for name in ids]


def _number(row: Mapping[str, Any], key: str, place: str) -> float:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        shown = "missing" if key not in row else f"{str(value)[:40]}"
        raise SourceError(
            f"{place}: {key} is {shown}; a row needs a score, or quality and complexity, as numbers from 0."
        )
    return float(value)


def _by_id(path: Path, ids: Sequence[str]) -> dict[str, tuple[dict[str, Any], str]]:
    """Read a file's rows by id, those of this data set."""
    wanted, seen = set(ids), set[str]()
    found: dict[str, tuple[dict[str, Any], str]] = {}
    for number, row in read_jsonl(path):
        name, place = row.get("id"), at(path, number)
        if not isinstance(name, str):
            raise SourceError(f"{place}: a row needs an id, as in source/<dataset>/rows.jsonl.")
        if name in seen:
            raise SourceError(f"{place}: id '{name}' stands there twice; keep one of the rows.")
        seen.add(name)
        if name in wanted:
            found[name] = row, place
    if not found:
        raise SourceError(
            f"{path}: none of its {len(seen)} ids is one of this data set, whose first is '{ids[0]}'; it belongs to other rows."
        )
    return found
