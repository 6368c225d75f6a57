"""A pool of tagged rows for the benchmarks of MIG: tags by Zipf's law, rows of tags that are near each other, real-valued scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from align.selection.pool import Pool, RowLabels

LABELS = 4_531
"""Of the published label list."""
THRESHOLD = 0.6
"""Joins about six neighbours to every label of these vectors."""
_CLUSTER, _DIMENSIONS = 7, 64


def tag_pool(rows: int, seed: int = 0) -> Pool:
    """Draw a pool; its labels have 4.25 tags a row on average."""
    random = np.random.default_rng(seed)
    starts, numbers = _tags(rows, random)
    quality, complexity = random.uniform(1, 6, (2, rows))
    names = tuple(f"tag {number}" for number in range(LABELS))
    labels = RowLabels(names, starts, numbers, _vectors(random))
    return Pool(tuple(map(str, range(rows))), ("en",) * rows, labels=labels, scores=quality * complexity)


def _vectors(random: np.random.Generator) -> NDArray[np.float32]:
    """Draw vectors in clusters of seven, whose members are near each other and far from the rest."""
    centres = random.normal(size=(-(-LABELS // _CLUSTER), _DIMENSIONS))
    near = centres[np.arange(LABELS) // _CLUSTER] + random.normal(scale=0.55, size=(LABELS, _DIMENSIONS))
    return near.astype(np.float32)


def _tags(rows: int, random: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw 2 to 8 tags a row by Zipf's law, of which every second tag is of the cluster of the one before it."""
    counts = random.choice(np.arange(2, 9), rows, p=[0.11, 0.2, 0.23, 0.21, 0.13, 0.08, 0.04])
    owners = np.repeat(np.arange(rows), counts)
    shares = 1.0 / np.arange(1, LABELS + 1)
    frequent = random.permutation(LABELS)
    tags = frequent[np.searchsorted(np.cumsum(shares / shares.sum()), random.uniform(size=len(owners)))]
    follows = np.flatnonzero((random.uniform(size=len(tags)) < 0.5) & (np.diff(owners, prepend=-1) == 0))
    sibling = tags[follows - 1] // _CLUSTER * _CLUSTER + random.integers(0, _CLUSTER, len(follows))
    tags[follows] = np.minimum(sibling, LABELS - 1)
    keys = np.unique(owners * LABELS + tags)
    starts = np.concatenate(([0], np.cumsum(np.bincount(keys // LABELS, minlength=rows))))
    return starts, keys % LABELS
