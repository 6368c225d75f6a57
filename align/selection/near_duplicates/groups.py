"""Rows joined to groups, pair by pair, with the pairs that hold each group together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from align.selection.pool import Floats, Ints

How = Literal["text", "vector"]


@dataclass(frozen=True, slots=True)
class Link:
    """Two rows that were measured and found near: by the Jaccard similarity of their shingles, or the cosine of their vectors."""

    first: int
    second: int
    similarity: float
    how: How


class Groups:
    """Groups of N rows; at first each row is one by itself. A group's label is its first row."""

    def __init__(self, count: int) -> None:
        self.labels: Ints = np.arange(count)
        self.links: list[Link] = []
        """As many as there are rows less groups; other pairs of a group are not measured, or not kept."""

    def join(self, left: Ints, right: Ints, similarity: Floats, how: How) -> None:
        """Join the groups of pairs of rows."""
        joined = False
        for first, second, value in zip(left.tolist(), right.tolist(), similarity.tolist(), strict=True):
            a, b = sorted((self._root(first), self._root(second)))
            if a != b:
                self.labels[b], joined = a, True
                self.links.append(Link(first, second, value, how))
        while joined:
            flat = self.labels[self.labels]
            joined = not np.array_equal(flat, self.labels)
            self.labels = flat

    def _root(self, row: int) -> int:
        while (above := int(self.labels[row])) != row:
            row = above
        return row

    def members(self) -> list[tuple[int, ...]]:
        """List the groups of two rows or more, each in the rows' order, by their first rows."""
        order = np.argsort(self.labels, kind="stable")
        starts = np.flatnonzero(np.diff(self.labels[order], prepend=-1))
        return [tuple(rows.tolist()) for rows in np.split(order, starts[1:]) if len(rows) > 1]
