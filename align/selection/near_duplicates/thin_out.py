"""Leaves one row of every group of near-duplicates in a pool: the step `select` does this before it selects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from align.selection.near_duplicates.find import find_groups
from align.selection.near_duplicates.groups import Link
from align.selection.near_duplicates.vectors import join_near_vectors
from align.selection.pool import Floats, Ints, Pool
from kielo.schema.selection import NearDuplicates


@dataclass(frozen=True)
class Thinned:
    """What is left of a pool, and what was found in it."""

    kept: Ints
    """Numbers of the rows that stay, ascending."""
    groups: tuple[tuple[int, ...], ...]
    """Rows that are near-duplicates of each other, the one that stays first."""
    links: tuple[Link, ...]
    """The measured pairs that hold the groups together."""
    counts: Mapping[str, Any]
    """What was left out, as JSON values."""


def thin_out(pool: Pool, prompts: Sequence[str], settings: NearDuplicates) -> Thinned:
    """Leave one row of every group; only rows of one language are compared, for a row and its translation share a vector.

    `prompts` are all that the user says in each row. The pool must know what the settings stand on: scores to keep
    the best (one that is not a number counts as the lowest), lengths to keep the longest, embeddings for the semantic pass.
    """
    worth = _worth(pool, settings)
    groups: list[tuple[int, ...]] = []
    links: list[Link] = []
    for code in dict.fromkeys(pool.languages):
        rows = np.flatnonzero(np.array([language == code for language in pool.languages]))
        found = find_groups([prompts[row] for row in rows.tolist()], settings.threshold)
        if settings.semantic is not None:
            assert pool.embeddings is not None
            join_near_vectors(found, pool.embeddings[rows], settings.semantic)
        links += [Link(int(rows[a.first]), int(rows[a.second]), a.similarity, a.how) for a in found.links]
        groups += [_best_first(rows[list(members)], worth) for members in found.members()]
    out = [row for members in groups for row in members[1:]]
    counts = {"rows": len(prompts), "groups": len(groups), "left_out": _by_language(pool, out)}
    return Thinned(np.delete(np.arange(len(prompts)), out), tuple(groups), tuple(links), counts)


def _worth(pool: Pool, settings: NearDuplicates) -> Floats | Ints:
    if settings.keep == "best":
        assert pool.scores is not None
        return np.nan_to_num(pool.scores, nan=-np.inf)
    if settings.keep == "longest":
        assert pool.lengths is not None
        return pool.lengths
    return np.zeros(len(pool.ids))


def _best_first(rows: Ints, worth: Floats | Ints) -> tuple[int, ...]:
    best = int(rows[np.argmax(worth[rows])])
    return (best, *(row for row in rows.tolist() if row != best))


def _by_language(pool: Pool, rows: list[int]) -> dict[str, int]:
    languages = [pool.languages[row] for row in rows]
    return {code: languages.count(code) for code in dict.fromkeys(languages)}
