"""Method `instag`: rows with many labels first, in passes that each bring every label once (#InsTag, arXiv 2308.07074)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from align.selection.limits import Limits, limits
from align.selection.pool import Ints, Picks, Pool, RowLabels, Wanted

_BLOCK = 4096


def pick(pool: Pool, wanted: Wanted, _settings: None = None) -> Picks:
    """Go through the rows again and again, those with most labels first; a pass takes what brings a label it has not seen.

    Rows without labels bring none and come last, in their order.

    Raises:
        SourceError: more rows are wanted than there are.
    """
    labels, left = pool.labels, limits(pool, wanted)
    assert labels is not None
    counts = np.diff(labels.starts)
    order = np.argsort(-counts, kind="stable")
    order = order[left.groups[order] >= 0]
    rest, bare = order[counts[order] > 0], order[counts[order] == 0]
    taken: list[int] = []
    passes = 0
    while len(rest := rest[left.free[left.groups[rest]] > 0]):
        brought = _pass(rest, labels, left)
        rest = rest[~np.isin(rest, brought)]
        taken += brought
        passes += 1
    without = left.first(bare)
    return Picks(np.array([*taken, *without], np.int64), {"passes": passes, "without_labels": len(without)})


def _pass(rest: Ints, labels: RowLabels, left: Limits) -> list[int]:
    """Make one pass; what it takes is taken off the limits."""
    seen = np.zeros(len(labels.names), bool)
    taken = []
    for block in np.split(rest, range(_BLOCK, len(rest), _BLOCK)):
        for row in block[_brings(block, labels, seen)].tolist():
            own = labels.numbers[labels.starts[row] : labels.starts[row + 1]]
            if left.free[left.groups[row]] and not seen[own].all():
                seen[own] = True
                left.free[left.groups[row]] -= 1
                taken.append(row)
    return taken


def _brings(rows: Ints, labels: RowLabels, seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which rows have a label that was not seen when their block began: the only ones to be looked at singly."""
    counts = labels.starts[rows + 1] - labels.starts[rows]
    ends = np.cumsum(counts)
    of_rows = labels.numbers[np.arange(ends[-1]) + np.repeat(labels.starts[rows] - (ends - counts), counts)]
    return np.logical_or.reduceat(~seen[of_rows], ends - counts)
