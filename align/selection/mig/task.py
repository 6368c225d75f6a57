"""A selection by MIG as arrays: what both ways to solve it, `scan.py` and `compiled.py`, are handed and give back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from align.selection.limits import Limits
from align.selection.mig.graph import Graph, summed
from align.selection.mig.information import Form
from align.selection.pool import Floats, Ints, RowLabels

_CHUNK = 20_000
_ABOVE = 1 + 1e-9
"""A bound must not fall below a gain by the rounding of sums."""
ROUNDING = 2.0**13 + 1.0
"""Veltkamp's constant: leaves 40 of a number's 53 bits, so that no order of addition decides between equal gains."""


@dataclass(frozen=True)
class Groups:
    """Rows that have the same labels, and the same budget, together: of these the one worth most is always the best.

    Group k has rows[heads[k]:heads[k + 1]], the one worth most first, and labels numbers[starts[k]:starts[k + 1]].
    """

    rows: Ints
    heads: Ints
    starts: Ints
    numbers: Ints
    budgets: Ints
    """Number of each group's budget."""

    def __len__(self) -> int:
        return len(self.heads) - 1


@dataclass(frozen=True)
class Task:
    """Everything that decides which rows are picked."""

    groups: Groups
    worth: Floats
    """N: what a row gives to each of its labels."""
    graph: Graph
    form: Form
    linear: bool
    """Whether a gain is the slope at what is there, or the difference itself."""
    free: Ints
    """Rows that each budget may give, adding up to the size."""

    @property
    def size(self) -> int:
        """How many rows are to be picked."""
        return int(self.free.sum())


def rounded(gains: Floats) -> Floats:
    """Round to 40 bits."""
    large = gains * ROUNDING
    return np.asarray(large - (large - gains))


def spans(starts: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Find the entries of some compressed rows: their positions, and for each which of `rows` it is of (from 0)."""
    counts = starts[rows + 1] - starts[rows]
    owners = np.repeat(np.arange(len(rows)), counts)
    return np.arange(len(owners)) + (starts[rows] - (np.cumsum(counts) - counts))[owners], owners


def make_groups(labels: RowLabels, worth: Floats, limits: Limits) -> Groups:
    """Bring rows together that have the same labels and budget; rows that can gain nothing are in no group."""
    counts = np.diff(labels.starts)
    rows = np.flatnonzero((counts > 0) & (worth > 0) & (limits.groups >= 0))
    same = _same_labels(labels, rows)
    budgets = limits.groups[rows]
    same = same * len(limits.free) + budgets
    order = np.lexsort((-worth[rows], same))  # stable: of equals the first row stays the first
    same, budgets, rows = same[order], budgets[order], rows[order]
    if not len(rows):
        return Groups(rows, np.zeros(1, np.int64), np.zeros(1, np.int64), rows, rows)
    heads = np.flatnonzero(np.concatenate(([True], same[1:] != same[:-1])))
    entries, _ = spans(labels.starts, rows[heads])
    starts = np.concatenate(([0], np.cumsum(counts[rows[heads]])))
    return Groups(rows, np.append(heads, len(rows)), starts, labels.numbers[entries], budgets[heads])


def ordered(groups: Groups, order: Ints) -> Groups:
    """Put groups in another order."""
    rows, _ = spans(groups.heads, order)
    entries, _ = spans(groups.starts, order)
    heads, starts = (np.concatenate(([0], np.cumsum(np.diff(ends)[order]))) for ends in (groups.heads, groups.starts))
    return Groups(groups.rows[rows], heads, starts, groups.numbers[entries], groups.budgets[order])


def _same_labels(labels: RowLabels, rows: Ints) -> Ints:
    """Number the rows so that equal numbers have equal labels: the first row that has them."""
    codes = np.random.default_rng(0).integers(0, 2**63, len(labels.names), np.uint64)
    entries, owners = spans(labels.starts, rows)
    sums = np.zeros(len(rows), np.uint64)
    np.add.at(sums, owners, codes[labels.numbers[entries]])
    _, first, same = np.unique(sums, return_index=True, return_inverse=True)
    like = first[same]
    counts = np.bincount(owners, minlength=len(rows))
    differ = counts != counts[like]
    alike = np.flatnonzero(~differ & (like != np.arange(len(rows))))
    ours, whose = spans(labels.starts, rows[alike])
    theirs, _ = spans(labels.starts, rows[like[alike]])
    differ[alike[whose[labels.numbers[ours] != labels.numbers[theirs]]]] = True
    return np.where(differ, np.arange(len(rows)), like)  # two sets of labels with one sum stay apart


def first_bounds(task: Task) -> Floats:
    """Say for each group what its best row can gain at most: what it would gain if nothing were picked yet."""
    groups, graph = task.groups, task.graph
    best = task.worth[groups.rows[groups.heads[:-1]]]
    bounds = np.empty(len(groups))
    slope = task.form.slopes([0.0])[0]
    at_first = summed(np.repeat(np.arange(graph.size), np.diff(graph.starts)), graph.weights, graph.size) * slope
    for start in range(0, len(groups), _CHUNK):
        chunk = np.arange(start, min(start + _CHUNK, len(groups)))
        entries, owners = spans(groups.starts, chunk)
        labels = groups.numbers[entries]
        if task.linear:
            gains = best[chunk] * summed(owners, at_first[labels], len(chunk))
        else:  # a label that two labels reach counts twice: more than it gains, as phi is concave
            reached, whose = spans(graph.starts, labels)
            adds = best[chunk][owners[whose]] * graph.weights[reached]
            gains = summed(owners[whose], task.form.from_nothing(adds), len(chunk))
        bounds[chunk] = gains * _ABOVE
    return bounds
