"""Texts as sets of character 5-grams, in any script: what near-duplicates are found and measured by."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from align.selection.pool import Floats, Ints

LENGTH = 5
"""Characters of a shingle. A shorter text is one shingle, which only the same text has."""
Codes = NDArray[np.uint64]
_CODE_BITS = 63  # a sparse matrix counts its columns in signed numbers
_LETTERS_AT_ONCE = 1 << 22
_BLANK = "\0"


def plain(text: str) -> str:
    """Write a text as it is compared: compatible characters as one, no case, single blanks."""
    # The null character fills up short texts.
    return " ".join(unicodedata.normalize("NFKC", text).casefold().replace(_BLANK, " ").split())


def pieces(text: str) -> list[str]:
    """Cut one text into its shingles, as texts."""
    written = plain(text)
    return [written[start : start + LENGTH] for start in range(max(1, len(written) - LENGTH + 1))]


def jaccard(text: str, other: str) -> float:
    """Measure two texts as written."""
    these, those = set(pieces(text)), set(pieces(other))
    return len(these & those) / len(these | those)


class Shingles:
    """The shingles of some plain texts, as numbers; made anew whenever they are asked for, for they are large.

    With fewer than 6,208 different characters no two shingles have one number; with more it is a hash of 63 bits.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        seen = np.zeros(0x110000, bool)
        for rows in blocks([len(text) for text in texts], _LETTERS_AT_ONCE):
            seen[_letters("".join(texts[row] for row in rows))] = True
        seen[ord(_BLANK)] = False
        self._ranks = np.cumsum(seen, dtype=np.uint64)
        self._ranks[ord(_BLANK)] = 0
        self._base = np.uint64(
            int(self._ranks[-1]) + 1 | 1
        )  # odd: with an even base the first letters would overflow away

    def codes(self, rows: Sequence[int] | range | Ints) -> tuple[Codes, Ints]:
        """Number the shingles of some rows, one text behind the other, repeated as in the text; also where each text starts."""
        texts = [self._texts[row].ljust(LENGTH, _BLANK) for row in rows]
        letters = self._ranks[_letters("".join(texts))]
        windows = len(letters) - LENGTH + 1
        codes = letters[:windows].copy()
        for place in range(1, LENGTH):
            codes *= self._base
            codes += letters[place : windows + place]
        codes &= np.uint64((1 << _CODE_BITS) - 1)
        ends = np.cumsum([len(text) for text in texts])
        within = np.ones(len(letters), bool)
        within[(ends[:, None] - np.arange(1, LENGTH)).ravel()] = False
        starts = np.concatenate([[0], ends - (LENGTH - 1) * np.arange(1, len(texts) + 1)])
        return codes[within[:windows]], starts

    def jaccard(self, left: Ints, right: Ints) -> Floats:
        """Measure pairs of rows: the shingles that both texts have, of all that either has."""
        lengths = [len(self._texts[a]) + len(self._texts[b]) for a, b in zip(left, right, strict=True)]
        measured = [
            self._jaccard(left[pairs], right[pairs]) for pairs in map(np.array, blocks(lengths, _LETTERS_AT_ONCE))
        ]
        return np.concatenate([np.zeros(0), *measured])

    def _jaccard(self, left: Ints, right: Ints) -> Floats:
        rows, places = np.unique(np.concatenate([left, right]), return_inverse=True)
        codes, starts = self.codes(rows)
        shape = (len(rows), (1 << _CODE_BITS) - 1)
        sets = csr_array((np.ones(len(codes), bool), codes.astype(np.int64), starts), shape=shape)
        sets.sum_duplicates()
        sizes = np.diff(sets.indptr)
        both = np.diff(sets[places[: len(left)]].multiply(sets[places[len(left) :]]).tocsr().indptr)
        measured: Floats = both / (sizes[places[: len(left)]] + sizes[places[len(left) :]] - both)
        return measured


def blocks(lengths: Sequence[int], at_once: int) -> Iterator[range]:
    """Cut rows into stretches of so many letters (or other things) at most, a row of more by itself."""
    start = letters = 0
    for row, length in enumerate(lengths):
        if letters and letters + length > at_once:
            yield range(start, row)
            start, letters = row, 0
        letters += max(length, LENGTH)
    if start < len(lengths):
        yield range(start, len(lengths))


def _letters(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
