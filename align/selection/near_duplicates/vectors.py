"""Joins rows whose vectors are near: every pair is compared, block by block; an addition to what the texts themselves say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from align.selection.near_duplicates.groups import Groups
from align.selection.pool import Ints

_ROWS_AT_ONCE = 1 << 11
_COLUMNS_AT_ONCE = 1 << 13


def join_near_vectors(groups: Groups, vectors: NDArray[np.float32], threshold: float, rows: Ints | None = None) -> None:
    """Join the groups of rows whose vectors (N x D, of length 1) have at least this cosine; `rows`: among these alone."""
    among = np.arange(len(vectors)) if rows is None else rows
    for start in range(0, len(among), _ROWS_AT_ONCE):
        left = among[start : start + _ROWS_AT_ONCE]
        for begin in range(start, len(among), _COLUMNS_AT_ONCE):
            right = among[begin : begin + _COLUMNS_AT_ONCE]
            _join(groups, left, right, vectors[left] @ vectors[right].T, threshold)


def _join(groups: Groups, left: Ints, right: Ints, cosines: NDArray[np.float32], threshold: float) -> None:
    """Join what is near: of every row and every column the first that is in another group, until none is."""
    near = cosines >= threshold
    while True:
        near &= groups.labels[left][:, None] != groups.labels[right]
        if not near.any():
            return
        rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
        a = np.concatenate([rows, near[:, columns].argmax(axis=0)])
        b = np.concatenate([near[rows].argmax(axis=1), columns])
        groups.join(left[a], right[b], cosines[a, b].astype(np.float64), "vector")
