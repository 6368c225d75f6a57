"""Random small pools with ties, two languages and rows without labels, for the baselines' tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from align.selection.pool import Pool, RowLabels, Wanted

LANGUAGES = ("en", "fi")


def row_labels(rows: Sequence[Sequence[int]], names: int) -> RowLabels:
    """Compress rows of label numbers."""
    starts = np.cumsum([0, *map(len, rows)])
    numbers = np.array([number for row in rows for number in row], np.int64)
    return RowLabels(tuple(f"label {number}" for number in range(names)), starts, numbers)


def make_pool(count: int, seed: int, labels: int = 6, dimensions: int = 5) -> Pool:
    """Make a pool: scores and lengths of few values, so that there are ties, and vectors that are partly near."""
    draw = np.random.default_rng(seed)
    rows = [sorted(draw.choice(labels, draw.integers(0, 4), replace=False).tolist()) for _ in range(count)]
    centres = draw.normal(size=(4, dimensions))
    vectors = centres[draw.integers(0, 4, count)] + draw.normal(scale=0.4, size=(count, dimensions))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Pool(
        ids=tuple(f"set/{number:04d}" for number in range(count)),
        languages=tuple(LANGUAGES[number] for number in draw.integers(0, 2, count)),
        lengths=draw.integers(0, 9, count),
        labels=row_labels(rows, labels),
        scores=draw.integers(0, 7, count) / 2,
        embeddings=vectors.astype(np.float32),
        ifd=draw.integers(1, 14, count) / 10,
    )


@st.composite
def tasks(draw: st.DrawFn) -> tuple[Pool, Wanted]:
    """Draw a pool and what is wanted of it, half of the times with budgets."""
    pool = make_pool(draw(st.integers(2, 40)), draw(st.integers(0, 1 << 30)))
    if draw(st.booleans()):
        there = [pool.languages.count(code) for code in LANGUAGES]
        english, finnish = (draw(st.integers(0, count)) for count in there)
        if english + finnish:
            return pool, Wanted(english + finnish, {"en": english, "fi": finnish})
    return pool, Wanted(draw(st.integers(1, len(pool.ids))))


class Free:
    """What may still be taken, told row by row: the slow and plain twin of `Limits`."""

    def __init__(self, pool: Pool, wanted: Wanted) -> None:
        self.languages, self.left = pool.languages, dict(wanted.budgets) or {"": wanted.size}

    def take(self, row: int) -> bool:
        """Take a row if it may be taken."""
        code = self.languages[row] if "" not in self.left else ""
        if not self.left.get(code, 0):
            return False
        self.left[code] -= 1
        return True

    def may(self, row: int) -> bool:
        """Tell whether a row may be taken."""
        return bool(self.left.get(self.languages[row] if "" not in self.left else "", 0))
