"""Pools cut down to some of their rows: every column follows, labels in their compressed form too."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from align.selection.gaps import only
from align.selection.pool import RowLabels
from tests.align.selection.baselines.pools import make_pool


def of_rows(labels: RowLabels) -> list[list[int]]:
    return [labels.numbers[a:b].tolist() for a, b in zip(labels.starts, labels.starts[1:], strict=False)]


@given(st.integers(1, 30), st.integers(0, 99), st.data())
@settings(max_examples=50, deadline=None)
def test_every_column_follows(count, seed, data):
    pool = make_pool(count, seed)
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, count - 1)))), np.int64)
    cut = only(pool, rows)
    assert cut.ids == tuple(pool.ids[row] for row in rows) and cut.languages == tuple(
        pool.languages[row] for row in rows
    )
    for column in ("lengths", "scores", "embeddings", "ifd"):
        np.testing.assert_array_equal(getattr(cut, column), getattr(pool, column)[rows])
    assert of_rows(cut.labels) == [of_rows(pool.labels)[row] for row in rows]
