"""What is known of the rows that a selection chooses from, brought to one pool: annotations by id, scores weighted by the translation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from align.annotations.known import Known
from align.selection.candidates import Candidate
from align.selection.pool import Floats, Pool, RowLabels
from kielo.schema.selection import Knowledge

Gaps = tuple[str | None, ...]
"""Of each row why something that is needed of it is not known; None: all is."""


@dataclass(frozen=True)
class Sources:
    """What is known of each data set's rows, and whether data sets have labels and vectors in common."""

    known: Mapping[str, Known]
    same_labels: bool = True
    """False: clusters, which are each data set's own."""
    same_space: bool = True
    """False: rows' vectors of n-grams, whose dimensions are each data set's own."""
    same_label_space: bool = True
    """False: centroids of such rows. Names of tags compare in every case."""
    quality: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Step that translates -> id -> how good the translation is, from 0 to 1."""


def describe(rows: Sequence[Candidate], sources: Sources, needs: frozenset[Knowledge]) -> tuple[Pool, Gaps]:
    """Make a pool of rows with what is needed of them: no labels, NaN and zeros where something is missing."""
    found = [_find(row, sources) for row in rows]
    lacking: dict[Knowledge, NDArray[np.bool_]] = {}
    scores, ifd, labels, vectors = None, None, None, None
    if "scores" in needs:
        scores = _numbers([each.known.scores[each.number] if each else None for each in found]) * _quality(
            rows, sources
        )
        lacking["scores"] = ~np.isfinite(scores)
    if "ifd" in needs:
        ifd = _numbers([each.known.ifd[each.number] if each else None for each in found])
        lacking["ifd"] = ~np.isfinite(ifd)
    if "labels" in needs:
        labels = _labels(found, sources)
        lacking["labels"] = np.array([not each or each.known.labels[each.number] is None for each in found], bool)
    if "embeddings" in needs:
        vectors = _row_vectors(found, sources)
        lacking["embeddings"] = np.logical_not(vectors.any(axis=1))
    ids, languages = tuple(row.id for row in rows), tuple(row.language for row in rows)
    lengths = np.array([row.length for row in rows], np.int64)
    return Pool(ids, languages, lengths, labels, scores, vectors, ifd), _gaps(found, lacking)


@dataclass(frozen=True, slots=True)
class _Found:
    """Where a row stands among the annotated rows of its data set."""

    dataset: str
    known: Known
    number: int


def _find(row: Candidate, sources: Sources) -> _Found | None:
    known = sources.known.get(row.dataset)
    number = None if known is None else known.numbers.get(row.id)
    return None if known is None or number is None else _Found(row.dataset, known, number)


def _numbers(values: Iterable[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _quality(rows: Sequence[Candidate], sources: Sources) -> Floats:
    """Weigh the source row's score by its translation; 1 for a row that is none, and for one that holds nothing to translate."""
    return np.array([sources.quality.get(row.step, {}).get(row.id, 1.0) for row in rows], np.float64)


def _gaps(found: Sequence[_Found | None], lacking: Mapping[Knowledge, NDArray[np.bool_]]) -> Gaps:
    def why(each: _Found | None, row: int) -> str | None:
        missing = [what for what, of_rows in lacking.items() if of_rows[row]]
        if not missing:
            return None
        if each is None:
            return "not annotated"
        return each.known.failed[each.number] or f"no {' and no '.join(missing)}"

    return tuple(why(each, row) for row, each in enumerate(found))


def _labels(found: Sequence[_Found | None], sources: Sources) -> RowLabels:
    prefixed = not sources.same_labels and len(sources.known) > 1
    number: dict[str, int] = {}
    of_names = {
        dataset: {
            label: number.setdefault(f"{dataset}/{label}" if prefixed else label, len(number))
            for label in known.label_names
        }
        for dataset, known in sources.known.items()
    }
    own = [
        sorted({of_names[each.dataset][label] for label in each.known.labels[each.number] or ()}) if each else []
        for each in found
    ]
    starts = np.cumsum([0, *map(len, own)])
    parts = [(list(of_names[dataset].values()), known.label_vectors) for dataset, known in sources.known.items()]
    return RowLabels(
        tuple(number), starts, np.array([label for labels in own for label in labels], np.int64),
        _laid_out(parts, len(number), sources.same_label_space),
    )  # fmt: skip


def _row_vectors(found: Sequence[_Found | None], sources: Sources) -> NDArray[np.float32]:
    places: dict[str, list[tuple[int, int]]] = {dataset: [] for dataset in sources.known}
    for row, each in enumerate(found):
        if each is not None:
            places[each.dataset].append((row, each.number))
    parts = []
    for dataset, known in sources.known.items():
        assert known.embeddings is not None
        rows, numbers = np.array(places[dataset], np.int64).reshape(-1, 2).T
        parts.append((rows.tolist(), known.embeddings[numbers]))
    vectors = _laid_out(parts, len(found), sources.same_space)
    assert vectors is not None
    return vectors


def _laid_out(
    parts: Iterable[tuple[list[int], NDArray[np.float32] | None]], count: int, same_space: bool
) -> NDArray[np.float32] | None:
    """Lay the data sets' vectors into one matrix, those of own spaces side by side, where their cosine is 0.

    Each part: the rows of the matrix, and their vectors. Rows that several own spaces have are brought back to length 1.
    """
    there = [(rows, vectors) for rows, vectors in parts if vectors is not None]
    if not there:
        return None
    widths = [vectors.shape[1] for _, vectors in there]
    laid_out = np.zeros((count, max(widths) if same_space else sum(widths)), np.float32)
    start = 0
    for (rows, vectors), width in zip(there, widths, strict=True):
        laid_out[rows, start : start + width] = vectors
        start += 0 if same_space else width
    if not same_space and len(there) > 1:
        lengths = np.linalg.norm(laid_out, axis=1, keepdims=True)
        np.divide(laid_out, lengths, out=laid_out, where=lengths > 0)
    return laid_out
