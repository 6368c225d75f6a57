"""The graph of near rows that `qdit` stands on: of each row only the nearest ones, instead of all N x N cosines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from align.selection.pool import Floats, Ints

_BLOCK = 512
_SAME = 1e-6
"""Products of equal float32 vectors differ by less, depending on where in the matrix they stand."""


@dataclass(frozen=True)
class NearGraph:
    """For each row a: the rows v that have a among their nearest (`rows`), and how near they are (`cosines`, over 0 to 1)."""

    starts: Ints
    rows: Ints
    cosines: Floats

    def gain(self, row: int, nearest: Floats) -> float:
        """Sum up by how much a row is nearer to the others than what was taken; `nearest` is N, the cosine to that."""
        own = slice(self.starts[row], self.starts[row + 1])
        return float(np.maximum(self.cosines[own] - nearest[self.rows[own]], 0).sum())

    def take(self, row: int, nearest: Floats) -> None:
        """Note in `nearest` that a row was taken."""
        own = slice(self.starts[row], self.starts[row + 1])
        nearest[self.rows[own]] = np.maximum(nearest[self.rows[own]], self.cosines[own])


def near_graph(vectors: NDArray[np.float32], neighbours: int) -> NearGraph:
    """Find each row's nearest rows, itself among them; those as near as the last one count too.

    Compares every row with every other, 512 rows at once: the cost grows with the square of the rows.
    """
    count = len(vectors)
    kept = max(0, count - neighbours)
    found: list[tuple[Ints, Ints, Floats]] = []
    for start in range(0, count, _BLOCK):
        cosines = vectors[start : start + _BLOCK] @ vectors.T
        least = np.partition(cosines, kept, axis=1)[:, kept, None] - _SAME
        by, of = np.nonzero(cosines > np.maximum(least, _SAME))
        found.append((by + start, of, np.minimum(np.round(cosines[by, of].astype(np.float64), 6), 1)))
    by, of, near = (np.concatenate(part) for part in zip(*found, strict=True))
    columns = coo_array((near, (by, of)), shape=(count, count)).tocsc()
    columns.sort_indices()
    return NearGraph(columns.indptr.astype(np.int64), columns.indices.astype(np.int64), columns.data)
