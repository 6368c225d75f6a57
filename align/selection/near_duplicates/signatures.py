"""MinHash: short signatures of texts that agree about as often as the texts' shingles do, and the buckets they fall into."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from align.selection.near_duplicates.shingles import Codes, Shingles, blocks
from align.selection.pool import Ints

HASHES = 128
_MISSED = 1e-3
_DEVIATIONS = 4
_LETTERS_AT_ONCE = 1 << 16  # their hashes stay in the processor's cache
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio
_SEED = 5

Signatures = NDArray[np.uint32]
"""N x HASHES"""


def sign(shingles: Shingles, lengths: list[int]) -> Signatures:
    """Sign texts of these lengths."""
    signatures = np.empty((len(lengths), HASHES), np.uint32)
    generator = np.random.default_rng(_SEED)
    factors = generator.integers(1 << 32, size=HASHES, dtype=np.uint32) | np.uint32(1)
    shifts = generator.integers(1 << 32, size=HASHES, dtype=np.uint32)
    for rows in blocks(lengths, _LETTERS_AT_ONCE):
        codes, starts = shingles.codes(rows)
        hashed, shuffled = _hash(codes), np.empty(len(codes), np.uint32)
        for number in range(HASHES):
            np.multiply(hashed, factors[number], out=shuffled)
            np.add(shuffled, shifts[number], out=shuffled)
            signatures[rows.start : rows.stop, number] = np.minimum.reduceat(shuffled, starts[:-1])
    return signatures


def _hash(codes: Codes) -> NDArray[np.uint32]:
    """Spread codes over 32 bits; two of a text seldom meet, and only a signature would suffer."""
    mixed = codes ^ (codes >> np.uint64(29))
    mixed *= _MIX
    return (mixed >> np.uint64(32)).astype(np.uint32)


def rows_of_a_band(threshold: float) -> int:
    """Choose how many hashes must agree for two texts to meet: as many as miss less than 1 in 1,000 pairs at the threshold."""
    fits = [rows for rows in (1, 2, 4, 8, 16) if (1 - threshold**rows) ** (HASHES // rows) <= _MISSED]
    return max(fits, default=1)


def bucket_keys(signatures: Signatures, band: int, rows: int) -> NDArray[np.uint64]:
    """Give every text the key of its bucket in one band."""
    keys = np.zeros(len(signatures), np.uint64)
    for column in range(band * rows, (band + 1) * rows):
        keys = (keys ^ signatures[:, column]) * _MIX
        keys ^= keys >> np.uint64(32)
    return keys


def worth_measuring(
    signatures: Signatures, left: Ints, right: Ints, band: int, rows: int, threshold: float
) -> NDArray[np.bool_]:
    """Tell which pairs that met in a band have not met in an earlier one, and agree often enough to reach the threshold."""
    equal = signatures[left] == signatures[right]
    met = equal[:, : band * rows].reshape(len(left), band, rows).all(axis=2).any(axis=1)
    least = threshold - _DEVIATIONS * np.sqrt(threshold * (1 - threshold) / HASHES)
    worth: NDArray[np.bool_] = ~met & (equal.mean(axis=1) >= least)
    return worth
