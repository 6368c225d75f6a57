"""Finds near-duplicates: candidates by MinHash, each measured exactly; among texts, and between texts and others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from align.selection.near_duplicates.groups import Groups
from align.selection.near_duplicates.shingles import Shingles, blocks, plain
from align.selection.near_duplicates.signatures import (
    HASHES,
    Signatures,
    bucket_keys,
    rows_of_a_band,
    sign,
    worth_measuring,
)
from align.selection.pool import Floats, Ints

_PAIRS_AT_ONCE = 1 << 14


@dataclass(frozen=True, slots=True)
class Match:
    """A text and the one of the others that it is nearest to."""

    row: int
    other: int
    similarity: float


def find_groups(texts: Sequence[str], threshold: float) -> Groups:
    """Join texts whose shingles have at least this Jaccard similarity; what hangs together in several steps is one group.

    No pair below the threshold joins, and of those that reach it fewer than 1 in 1,000 are missed, from a threshold of 0.06 on. Memory: the plain texts,
    and half a kB for each (a million prompts of 230 characters: 1.2 GB in all).
    """
    written = [plain(text) for text in texts]
    first: dict[str, int] = {}
    whole = np.array([first.setdefault(text, row) for row, text in enumerate(written)], np.int64)
    groups, copies = Groups(len(texts)), np.flatnonzero(whole != np.arange(len(texts)))
    groups.join(whole[copies], copies, np.ones(len(copies)), "text")
    rows = np.fromiter(first.values(), np.int64, len(first))
    search = _Search(list(first), threshold)
    for band in search.bands:
        for left, right in search.neighbours(band, rows, groups):
            near, similarity = search.near(band, left, right)
            groups.join(rows[left[near]], rows[right[near]], similarity, "text")
    return groups


def against(texts: Sequence[str], others: Sequence[str], threshold: float) -> list[Match]:
    """Find the texts that are near-duplicates of one of the others, each with the nearest of them."""
    if not (texts and others):
        return []
    search = _Search([plain(text) for text in (*texts, *others)], threshold)
    best: dict[int, Match] = {}
    for band in search.bands:
        for left, right in search.meetings(band, len(texts)):
            near, similarity = search.near(band, left, right)
            for row, other, value in zip(left[near].tolist(), right[near].tolist(), similarity.tolist(), strict=True):
                match = Match(row, other - len(texts), value)
                best[row] = min(best.get(row, match), match, key=lambda each: (-each.similarity, each.other))
    return [best[row] for row in sorted(best)]


class _Search:
    """Plain texts with their signatures; pairs of them that share a bucket, and how near they are."""

    def __init__(self, texts: list[str], threshold: float) -> None:
        self._shingles, self._threshold = Shingles(texts), threshold
        self._signatures: Signatures = sign(self._shingles, [len(text) for text in texts])
        self._rows = rows_of_a_band(threshold)
        self.bands = range(HASHES // self._rows)

    def neighbours(self, band: int, rows: Ints, groups: Groups) -> Iterator[tuple[Ints, Ints]]:
        """Go through the pairs of a band's buckets that are not in one group yet.

        First those that lie next to each other, then those farther apart: a large group is whole before most of its pairs come.
        """
        keys = bucket_keys(self._signatures, band, self._rows)
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        places, distance = np.arange(len(keys)), 0
        while places.size:
            distance += 1
            places = places[places + distance < len(keys)]
            places = places[keys[places] == keys[places + distance]]
            if distance.bit_count() == 1:
                places = _in_open_buckets(places, keys, groups.labels[rows[order]])
            for part in _parts(places):
                left, right = order[part], order[part + distance]
                apart = groups.labels[rows[left]] != groups.labels[rows[right]]
                yield left[apart], right[apart]

    def meetings(self, band: int, count: int) -> Iterator[tuple[Ints, Ints]]:
        """Go through the pairs of a band's buckets that have one of the first `count` texts and one of the rest."""
        keys = bucket_keys(self._signatures, band, self._rows)
        order = np.argsort(keys[count:], kind="stable") + count
        begin = np.searchsorted(keys[order], keys[:count], "left")
        many = np.searchsorted(keys[order], keys[:count], "right") - begin
        met = np.flatnonzero(many)
        for some in blocks(many[met].tolist(), _PAIRS_AT_ONCE):
            part = met[some.start : some.stop]
            ends = np.cumsum(many[part])
            within = np.arange(ends[-1]) - np.repeat(ends - many[part], many[part])
            yield np.repeat(part, many[part]), order[np.repeat(begin[part], many[part]) + within]

    def near(self, band: int, left: Ints, right: Ints) -> tuple[Ints, Floats]:
        """Tell which of some pairs reach the threshold, and measure them; pairs of an earlier band were measured then."""
        worth = np.flatnonzero(worth_measuring(self._signatures, left, right, band, self._rows, self._threshold))
        similarity = self._shingles.jaccard(left[worth], right[worth])
        reached = similarity >= self._threshold
        return worth[reached], similarity[reached]


def _parts(places: Ints) -> Iterator[Ints]:
    for start in range(0, len(places), _PAIRS_AT_ONCE):
        yield places[start : start + _PAIRS_AT_ONCE]


def _in_open_buckets(places: Ints, keys: NDArray[np.uint64], labels: Ints) -> Ints:
    """Keep the places whose buckets still hold several groups."""
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    several = np.maximum.reduceat(labels, starts) != np.minimum.reduceat(labels, starts)
    still: Ints = places[several[np.searchsorted(starts, places, "right") - 1]]
    return still
