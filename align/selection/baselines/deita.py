"""Method `deita`: the best rows that are not too near to one taken already (DEITA, arXiv 2312.15685)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from align.selection.limits import Limits, limits
from align.selection.pool import Ints, Picks, Pool, Wanted
from kielo.errors import SourceError
from kielo.schema.selection import Deita

_BLOCK = 512


def pick(pool: Pool, wanted: Wanted, settings: Deita) -> Picks:
    """Go through the rows from the best score down, and keep one when its cosine to all that were kept is at most the threshold.

    Rows are compared in blocks, and what is kept is what one after the other would be: the published batch mode also
    drops rows for being near to some that were dropped themselves. A row and its translation have one vector.

    Raises:
        SourceError: more rows are wanted than there are, or than are apart from each other.
    """
    assert pool.scores is not None
    left = limits(pool, wanted)
    order = np.argsort(-pool.scores, kind="stable")
    kept = _Kept(pool, wanted.size, settings.threshold)
    for block in _blocks(order[left.groups[order] >= 0], left):
        kept.add(block, left)
        if kept.count == wanted.size:
            return Picks(kept.rows, {"scanned": kept.count + kept.too_near, "too_near": kept.too_near})
    raise SourceError(
        f"{wanted.size} rows are to be selected and only {kept.count} are apart from each other "
        f"({kept.too_near} have a cosine above {settings.threshold:g} to a better one){_short(left)}; ask for fewer, or raise deita's threshold."
    )


def _blocks(order: Ints, left: Limits) -> Iterator[Ints]:
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        yield block[left.free[left.groups[block]] > 0]


def _short(left: Limits) -> str:
    lacking = [
        f"{free} of '{name}'" for name, free in zip(left.names, left.free.tolist(), strict=True) if name and free
    ]
    return f", {', '.join(lacking)} are lacking" if lacking else ""


class _Kept:
    """The rows kept so far, with their vectors side by side for one multiplication a block."""

    def __init__(self, pool: Pool, size: int, threshold: float) -> None:
        assert pool.embeddings is not None
        self._all, self._threshold = pool.embeddings, threshold
        self._vectors = np.empty((size, self._all.shape[1]), np.float32)
        self._rows = np.empty(size, np.int64)
        self.count = self.too_near = 0

    @property
    def rows(self) -> Ints:
        return self._rows[: self.count]

    def add(self, block: Ints, left: Limits) -> None:
        """Keep what is far enough of a block; what is kept is taken off the limits."""
        vectors = self._all[block]
        far: NDArray[np.bool_] = np.logical_not(self._near(vectors, self._vectors[: self.count]).any(axis=1))
        among = self._near(vectors, vectors)
        for number, row in enumerate(block.tolist()):
            group = left.groups[row]
            if not left.free[group]:
                continue
            if not far[number]:
                self.too_near += 1
                continue
            far &= ~among[number]
            left.free[group] -= 1
            self._vectors[self.count], self._rows[self.count] = vectors[number], row
            self.count += 1

    def _near(self, some: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.bool_]:
        # A cosine is at most 1, whatever float32 makes of a vector and itself: threshold 1 keeps every row.
        cosines: NDArray[np.float32] = some @ others.T
        return np.minimum(cosines, 1) > self._threshold
