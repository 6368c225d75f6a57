"""Pools as files, for the tools of `kielo select`: a row of JSON each, names of labels, vectors; read into what methods are handed."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from align.selection.label_names import LabelNames, own_names
from align.selection.pool import Floats, Ints, Pool, RowLabels
from align.selection.vector_file import of_length_1, read_vectors
from kielo.errors import SourceError, at
from kielo.records import read_jsonl, refuse_half_characters

Needed = Literal["labels", "scores", "ifd", "lengths"]
Missing = Literal["refuse", "skip", "minimum"]
MISSING: tuple[Missing, ...] = ("refuse", "skip", "minimum")
_KEYS: Mapping[Needed, str] = {"labels": "labels", "scores": "score", "ifd": "ifd", "lengths": "length"}


@dataclass(frozen=True)
class PoolFile:
    """A pool and what its file says beyond it."""

    pool: Pool
    ids: tuple[str | int, ...]
    """As the file writes them."""
    labels_written: Ints | None
    """N: known labels of each row, each as often as it is written."""
    missing: Mapping[str, int]
    """Rows by the key they lack: "labels", "score", ...; left out or given the minimum."""
    unknown_labels: tuple[tuple[str, int], ...]
    """Labels that are not among the names, and in how many rows each stands; the most frequent first."""


@dataclass
class _Columns:
    """What was read so far, a list for each key."""

    ids: list[str | int] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    labels: list[list[str] | None] = field(default_factory=list)
    numbers: dict[Needed, list[float]] = field(default_factory=dict)
    kept: list[int] = field(default_factory=list)
    """Numbers of the rows that were kept, of all rows."""
    rows: int = 0


def read_pool(
    path: Path,
    needs: Collection[Needed],
    missing: Missing = "refuse",
    names: LabelNames | None = None,
    embeddings: Path | None = None,
) -> PoolFile:
    """Read the rows of a pool and what a method needs of them: {"id", "labels", "score", "length", "ifd", "language"}.

    `names` are the labels that count, by default those of the pool itself; `embeddings` is a .npy file with a vector for each row.
    A row lacks what is absent or null. With `missing` "skip" it is left out; with "minimum" it has no labels, the
    lowest number of the pool.

    Raises:
        SourceError: a row or a file cannot be used; the sentence names the place.
    """
    needed = [need for need in _KEYS if need in needs]
    columns, lacking = _read(path, needed, missing)
    if not columns.ids:
        why = f"all {columns.rows} rows lack {', '.join(lacking)}" if columns.rows else "it holds no rows"
        raise SourceError(f"{path}: {why}; there is nothing to select from.")
    labels, written, unknown = None, None, Counter[str]()
    if "labels" in needed:
        labels, written, unknown = _labels(path, columns, names)
    vectors = None
    if embeddings is not None:
        vectors = of_length_1(read_vectors(embeddings, columns.rows, f"rows in {path}")[columns.kept])
    numbers = {need: np.array(_filled(path, need, values)) for need, values in columns.numbers.items()}
    pool = Pool(
        tuple(map(str, columns.ids)), tuple(columns.languages), labels=labels, scores=numbers.get("scores"),
        ifd=numbers.get("ifd"), embeddings=vectors, lengths=_whole(numbers.get("lengths")),
    )  # fmt: skip
    return PoolFile(pool, tuple(columns.ids), written, dict(lacking), tuple(unknown.most_common()))


def _read(path: Path, needed: list[Needed], missing: Missing) -> tuple[_Columns, Counter[str]]:
    columns, lacking = _Columns(numbers={need: [] for need in needed if need != "labels"}), Counter[str]()
    seen: dict[str, int] = {}
    for line, row in read_jsonl(path):
        place = at(path, line)
        own_id = _id(row, place)
        first = seen.setdefault(str(own_id), line)
        if first != line:
            raise SourceError(f"{place}: the id '{own_id}' stands in line {first} already; ids must differ.")
        lacks = [_KEYS[need] for need in needed if row.get(_KEYS[need]) is None]
        if lacks and missing == "refuse":
            raise SourceError(
                f"{place}: row '{own_id}' has no {' and no '.join(lacks)}; give it, or say --missing skip or minimum."
            )
        lacking.update(lacks)
        columns.rows += 1
        if not (lacks and missing == "skip"):
            _add(columns, own_id, row, place)
    return columns, lacking


def _add(columns: _Columns, own_id: str | int, row: Mapping[str, Any], place: str) -> None:
    columns.kept.append(columns.rows - 1)
    columns.ids.append(own_id)
    columns.languages.append(_language(row, place))
    columns.labels.append(_row_labels(row, place))
    for need, values in columns.numbers.items():
        values.append(_number(row, _KEYS[need], place))


def _id(row: Mapping[str, Any], place: str) -> str | int:
    value = row.get("id")
    refuse_half_characters({key: row.get(key) for key in ("id", "language")}, place)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise SourceError(f'{place}: "id" must be a text or a whole number that names the row.')
    return value


def _language(row: Mapping[str, Any], place: str) -> str:
    value = row.get("language")
    if value is None:
        return ""
    if not isinstance(value, str):
        raise SourceError(f'{place}: "language" must be a code such as "fi".')
    return value


def _row_labels(row: Mapping[str, Any], place: str) -> list[str] | None:
    value = row.get("labels")
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        raise SourceError(f'{place}: "labels" must be a list of texts.')
    return [label if label.isascii() else unicodedata.normalize("NFC", label) for label in value]


def _number(row: Mapping[str, Any], key: str, place: str) -> float:
    """Read a number from 0; NaN stands for one that is absent, which JSON's own NaN never is."""
    value = row.get(key)
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SourceError(f'{place}: "{key}" must be a number, this is {type(value).__name__}.')
    if not 0 <= value < _LARGEST:
        raise SourceError(f'{place}: "{key}" is {value!s:.20}; it must be a finite number from 0 (below {_LARGEST:g}).')
    return float(value)


_LARGEST = 1e12


def _filled(path: Path, need: Needed, values: list[float]) -> Floats:
    """Give rows that lack a number the lowest one there is."""
    column = np.array(values)
    absent = np.isnan(column)
    if absent.all():
        raise SourceError(f'{path}: no row has a "{_KEYS[need]}", so there is no lowest one to give.')
    column[absent] = column[~absent].min()
    return column


def _whole(column: Floats | None) -> Ints | None:
    return None if column is None else column.astype(np.int64)


def _labels(path: Path, columns: _Columns, names: LabelNames | None) -> tuple[RowLabels, Ints, Counter[str]]:
    names = names or own_names(columns.labels)
    number = {name: index for index, name in enumerate(names.names)}
    starts, numbers, written, unknown = [0], [], [], Counter[str]()
    for row in columns.labels:
        known = [number[label] for label in row or () if label in number]
        if len(known) < len(row or ()):
            unknown.update({label for label in row or () if label not in number})
        numbers += sorted(set(known))
        starts.append(len(numbers))
        written.append(len(known))
    if unknown and not numbers:
        raise SourceError(
            f"{path}: none of its {len(unknown)} labels stands in {names.file}, which looks like the names of another pool."
        )
    found = RowLabels(names.names, np.array(starts), np.array(numbers, np.int64), names.vectors)
    return found, np.array(written), unknown
