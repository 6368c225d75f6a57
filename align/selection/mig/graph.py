"""The label graph of MIG: what a label gives to those that are near it, as a sparse matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from align.selection.pool import Floats, Ints
from kielo.errors import SourceError

_BLOCK = 1024
_ROUNDING = 1e-12
"""Vectors that are the same have a cosine of 1 but for this."""
_SINGLE = 1e-3
"""More than a cosine in single precision is ever wrong by."""


def summed(places: Ints, numbers: Floats, size: int) -> Floats:
    """Add up the numbers of each place, from 0 to `size`, one after the other: never pairwise, as numpy's other sums."""
    return np.asarray(np.bincount(places, numbers, size), np.float64)


@dataclass(frozen=True)
class Graph:
    """The propagation matrix A over L labels, as compressed rows: label l gives `weights[k]` to `columns[k]`, k from starts[l] to starts[l + 1].

    Its pattern is symmetric; its columns add up to 1.
    """

    starts: Ints
    columns: Ints
    weights: Floats

    @property
    def size(self) -> int:
        """The number of labels."""
        return len(self.starts) - 1

    def spread(self, mass: Floats) -> Floats:
        """Multiply a row vector by A: how much information every label has when labels are given `mass` (L)."""
        given = np.repeat(mass, np.diff(self.starts)) * self.weights
        return summed(self.columns, given, self.size)

    @property
    def edges(self) -> int:
        """The number of pairs of labels that are joined."""
        return (len(self.columns) - self.size) // 2


def label_graph(vectors: NDArray[np.float32], threshold: float, propagation: float) -> Graph:
    """Join labels whose vectors (L x D) have at least a cosine of `threshold`, by that cosine times `propagation`, 0 < `threshold` <= 1.

    Raises:
        SourceError: a vector is not finite or has no direction.
    """
    size = len(vectors)
    if propagation == 0:  # no label gives anything away
        return Graph(np.arange(size + 1), np.arange(size), np.ones(size))
    rows, columns, cosines = _near(_of_length_1(vectors), threshold)
    every = np.arange(size)
    rows, columns = np.concatenate((every, rows, columns)), np.concatenate((every, columns, rows))
    weights: Floats = np.concatenate((np.ones(size), propagation * cosines, propagation * cosines))
    order = np.lexsort((columns, rows))
    columns, weights = columns[order], weights[order]
    totals = summed(columns, weights, size)
    starts = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=size))))
    return Graph(starts, columns, np.asarray(weights / totals[columns]))


def _of_length_1(vectors: NDArray[np.float32]) -> Floats:
    wide = vectors.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    wrong = ~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0))
    if wrong.any():
        raise SourceError(f"the vector of label {int(np.flatnonzero(wrong)[0])} (from 0) is zero or not finite.")
    return np.asarray(wide / lengths)


def _near(vectors: Floats, threshold: float) -> tuple[Ints, Ints, Floats]:
    """Find pairs of labels, the smaller number first; block by block, as L x L cosines may be more than memory holds.

    Single precision finds all that may be near; what they are is added up in double precision and in one order, whatever
    library multiplies matrices here.
    """
    small = vectors.astype(np.float32)
    found: list[tuple[Ints, Ints, Floats]] = []
    for first in range(0, len(vectors), _BLOCK):
        for second in range(first, len(vectors), _BLOCK):
            block = small[first : first + _BLOCK] @ small[second : second + _BLOCK].T
            rows, columns = np.divmod(np.flatnonzero(block >= threshold - _SINGLE), block.shape[1])
            upper = rows + first < columns + second
            rows, columns = rows[upper] + first, columns[upper] + second
            cosines = _cosines(vectors, rows, columns)
            near = cosines >= threshold - _ROUNDING
            found.append((rows[near], columns[near], np.minimum(cosines[near], 1.0)))
    rows, columns, cosines = (np.concatenate(part) for part in zip(*found, strict=True))
    return rows, columns, cosines


def _cosines(vectors: Floats, rows: Ints, columns: Ints) -> Floats:
    cosines = np.empty(len(rows))
    for start in range(0, len(rows), _BLOCK):
        part = slice(start, start + _BLOCK)
        cosines[part] = np.einsum("ij,ij->i", vectors[rows[part]], vectors[columns[part]])
    return cosines
