"""Selects rows by the information that they bring to a label graph (MIG); one of the methods in `align/selection/methods.py`."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Literal

import numpy as np

from align.selection.limits import limits
from align.selection.mig.graph import Graph, label_graph
from align.selection.mig.information import form_of
from align.selection.mig.measures import measures
from align.selection.mig.scan import scan
from align.selection.mig.task import Task, make_groups
from align.selection.pool import Floats, Ints, Picks, Pool, RowLabels, Wanted
from kielo.errors import SourceError, UsageError
from kielo.progress import progress
from kielo.schema.selection import Mig

Path = Literal["numpy", "numba"]
_WORTH_COMPILING = {"linear": 20_000, "true": 2_000}
"""Picks from which numba saves more than the seconds that it takes to compile, by the kind of gain."""


def pick(
    pool: Pool, wanted: Wanted, settings: Mig, labels_written: Ints | None = None, path: Path | None = None
) -> Picks:
    """Pick rows by information gain, and measure what was picked.

    With `norm`, a row's score is divided by the number of its labels: by `labels_written` (N), where a label may stand
    more than once, else by its distinct ones. `path` says which code does it, which changes nothing but the time.
    Rows that gain nothing come last, by their number.

    Raises:
        SourceError: the pool has no labels, a score cannot be used, or there are fewer rows than wanted.
    """
    labels, scores = _checked(pool)
    free = limits(pool, wanted)
    graph = _graph(labels, settings)
    worth = scores
    if settings.norm:
        worth = scores / np.maximum(np.diff(labels.starts) if labels_written is None else labels_written, 1)
    task = Task(make_groups(labels, worth, free), worth, graph, form_of(settings), settings.gain == "linear", free.free)
    picked = _solve(task, path or _best_path(task))
    rest = np.ones(len(pool.ids), bool)
    rest[picked] = False
    rows = free.first(np.concatenate((picked, np.flatnonzero(rest))))
    return Picks(rows, measures(pool, wanted, free, task, settings, rows, len(picked)))


def _checked(pool: Pool) -> tuple[RowLabels, Floats]:
    labels, scores = pool.labels, pool.scores
    assert labels is not None and scores is not None  # the plan had them annotated
    if not labels.names:
        raise SourceError("there are no label names, so the label graph is empty; MIG needs labels.")
    if not len(labels.numbers):
        raise SourceError("no row of the pool has a label that is known; MIG needs rows with labels.")
    wrong = np.flatnonzero(~(np.isfinite(scores) & (scores >= 0) & (scores < _LARGEST)))
    if len(wrong):
        row = wrong[0]
        raise SourceError(
            f"row '{pool.ids[row]}' has the score {scores[row]:g}; it must be a finite number from 0 (below {_LARGEST:g})."
        )
    return labels, scores


_LARGEST = 1e12


def _graph(labels: RowLabels, settings: Mig) -> Graph:
    vectors = labels.vectors
    if vectors is None and settings.propagation:
        raise UsageError(
            "labels are joined by their vectors, and there are none; give them, or set the propagation to 0."
        )
    if vectors is None:
        vectors = np.ones((len(labels.names), 1), np.float32)
    return label_graph(vectors, settings.threshold, settings.propagation)


def _best_path(task: Task) -> Path:
    least = _WORTH_COMPILING["linear" if task.linear else "true"]
    return "numba" if task.size >= least and find_spec("numba") else "numpy"


def _solve(task: Task, path: Path) -> Ints:
    solve: Callable[[Task, Callable[[int], object]], Ints] = scan
    if path == "numba":
        from align.selection.mig.compiled import heap

        solve = heap
    with progress(task.size, "selecting by MIG", "rows") as bar:
        return solve(task, bar.update)
