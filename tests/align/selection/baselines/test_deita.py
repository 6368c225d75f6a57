"""DEITA in blocks against one row after the other, and what the published batch mode loses."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings

from align.selection.baselines import deita
from align.selection.pool import Pool, Wanted
from kielo.errors import SourceError
from kielo.schema.selection import Deita
from tests.align.selection.baselines.pools import Free, make_pool, tasks


def row_by_row(pool: Pool, wanted: Wanted, threshold: float) -> list[int]:
    free, kept = Free(pool, wanted), []
    for row in sorted(range(len(pool.ids)), key=lambda row: (-pool.scores[row], row)):
        near = any(float(pool.embeddings[row] @ pool.embeddings[other]) > threshold for other in kept)
        if free.may(row) and not near:
            free.take(row)
            kept.append(row)
    return kept


@given(tasks())
@settings(max_examples=60, deadline=None)
def test_the_picks_are_those_of_one_row_after_the_other(task):
    pool, wanted = task
    expected = row_by_row(pool, wanted, 0.95)
    if len(expected) == wanted.size:
        assert deita.pick(pool, wanted, Deita(threshold=0.95)).rows.tolist() == expected
    else:
        with pytest.raises(SourceError, match=f"only {len(expected)} are apart from each other"):
            deita.pick(pool, wanted, Deita(threshold=0.95))


@pytest.mark.parametrize("block", [1, 16, 512])
def test_blocks_change_nothing(monkeypatch, block):
    pool, budgets = make_pool(600, 5, dimensions=8), {"en": 30, "fi": 12}
    monkeypatch.setattr(deita, "_BLOCK", block)
    picks = deita.pick(pool, Wanted(42, budgets), Deita(threshold=0.9))
    assert picks.rows.tolist() == row_by_row(pool, Wanted(42, budgets), 0.9)
    assert picks.counts["too_near"] > 0


def test_a_row_near_to_a_dropped_one_alone_is_kept():
    angles = np.radians([0, 20, 40])  # the second is near the first, the third near the second alone
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    pool = Pool(("a", "b", "c"), ("fi",) * 3, scores=np.array([3.0, 2.0, 1.0]), embeddings=vectors)
    assert deita.pick(pool, Wanted(2), Deita(threshold=0.9)).rows.tolist() == [0, 2]


def test_threshold_1_keeps_copies_and_the_refusal_names_what_lacks():
    pool = make_pool(12, 2)
    copies = dataclasses.replace(
        pool, scores=np.arange(12.0, 0, -1), embeddings=np.repeat(pool.embeddings[:1], 12, axis=0),
        languages=("en",) * 6 + ("fi",) * 6,
    )  # fmt: skip
    assert len(deita.pick(copies, Wanted(12), Deita(threshold=1)).rows) == 12
    with pytest.raises(SourceError, match=r"only 1 are apart .*\(6 have a cosine above 0.9 .*, 2 of 'fi' are lacking"):
        deita.pick(copies, Wanted(3, {"en": 1, "fi": 2}), Deita())
