"""Rows of which something that the method needs is not known: refused, left out or given the minimum, and counted in every case."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from align.selection.knowledge import Gaps
from align.selection.pool import Floats, Ints, Pool, RowLabels
from align.selection.pool_file import Missing
from kielo.errors import SourceError

Number = TypeVar("Number", bound=np.generic)


def closed(pool: Pool, gaps: Gaps, policy: Missing) -> tuple[Pool, Ints]:
    """Make a pool in which nothing is missing, and say which rows it is made of.

    Raises:
        SourceError: something is missing and that is to be refused, or nothing is left.
    """
    incomplete = np.array([gap is not None for gap in gaps], bool)
    everything = np.arange(len(gaps))
    if not incomplete.any():
        return pool, everything
    if policy == "refuse":
        raise SourceError(_refusal(pool, gaps))
    if policy == "minimum":
        return dataclasses.replace(pool, scores=_filled(pool.scores), ifd=_filled(pool.ifd)), everything
    rows = everything[~incomplete]
    return only(pool, rows), rows


def _refusal(pool: Pool, gaps: Gaps) -> str:
    reasons = Counter(gap for gap in gaps if gap is not None)
    first = next(number for number, gap in enumerate(gaps) if gap is not None)
    shown = ", ".join(f"{count} x {reason}" for reason, count in reasons.most_common(3))
    return (
        f"too little is known of {reasons.total()} of {len(gaps)} rows ({shown}; the first is {pool.ids[first]}); look into "
        f"annotate/*/annotations.jsonl, or say `missing: skip` (leave them out) or `missing: minimum` (lowest score, no labels)."
    )


def _filled(values: Floats | None) -> Floats | None:
    """Put the lowest value of the pool where none is known; 0 where none is known at all."""
    if values is None:
        return None
    known = values[np.isfinite(values)]
    return np.where(np.isfinite(values), values, known.min() if len(known) else 0.0)


def only(pool: Pool, rows: Ints) -> Pool:
    """Make a pool of some rows of another, in their order."""
    return dataclasses.replace(
        pool, ids=_at(pool.ids, rows), languages=_at(pool.languages, rows), labels=pool.labels and _labels(pool.labels, rows),
        lengths=_of(pool.lengths, rows), scores=_of(pool.scores, rows), embeddings=_of(pool.embeddings, rows), ifd=_of(pool.ifd, rows),
    )  # fmt: skip


def _of(values: NDArray[Number] | None, rows: Ints) -> NDArray[Number] | None:
    return None if values is None else values[rows]


def _at(texts: Sequence[str], rows: Ints) -> tuple[str, ...]:
    return tuple(texts[row] for row in rows.tolist())


def _labels(labels: RowLabels, rows: Ints) -> RowLabels:
    counts = np.diff(labels.starts)[rows]
    ends = np.cumsum(counts)
    places = np.arange(counts.sum()) + np.repeat(labels.starts[rows] - (ends - counts), counts)
    return dataclasses.replace(labels, starts=np.concatenate([[0], ends]), numbers=labels.numbers[places])
