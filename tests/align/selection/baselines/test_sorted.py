"""Baselines that sort: random, longest, score and difficulty, each against a plain sort, with budgets and what is refused."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import pytest
from hypothesis import given, settings

from align.selection.baselines import ifd, longest, random_rows, top_score
from align.selection.pool import Pool, Wanted
from kielo.errors import SourceError
from tests.align.selection.baselines.pools import Free, make_pool, tasks


def first(order: list[int], pool: Pool, wanted: Wanted) -> list[int]:
    free = Free(pool, wanted)
    return [row for row in order if free.take(row)]


@given(tasks())
@settings(max_examples=60, deadline=None)
def test_the_best_rows_in_their_order(task):
    pool, wanted = task
    rows = range(len(pool.ids))
    by_score = sorted(rows, key=lambda row: (-pool.scores[row], row))
    by_length = sorted(rows, key=lambda row: (-pool.lengths[row], row))
    assert top_score.pick(pool, wanted).rows.tolist() == first(by_score, pool, wanted)
    assert longest.pick(pool, wanted).rows.tolist() == first(by_length, pool, wanted)


def test_random_rows_are_the_first_of_the_order_that_mixes_draw():
    pool = make_pool(50, 1)
    order = sorted(range(50), key=lambda row: hashlib.sha256(f"7\0{pool.ids[row]}".encode()).digest())
    few, many = (random_rows.pick(pool, Wanted(size, seed=7)).rows.tolist() for size in (10, 30))
    assert many == order[:30] and few == order[:10]
    assert random_rows.pick(pool, Wanted(10, seed=8)).rows.tolist() != few
    fewer, more = (random_rows.pick(pool, Wanted(2 * n, {"en": n, "fi": n}, 7)).rows.tolist() for n in (4, 9))
    assert set(fewer) < set(more), "nested with budgets too"


def test_random_rows_are_the_same_ids_in_both_languages():
    ids = tuple(f"set/{number}" for number in range(20))
    pool = Pool(ids * 2, ("en",) * 20 + ("fi",) * 20)
    rows = random_rows.pick(pool, Wanted(10, {"en": 5, "fi": 5})).rows
    assert {row % 20 for row in rows if row < 20} == {row % 20 for row in rows if row >= 20}


def test_difficulties_above_1_are_dropped_and_counted():
    pool = dataclasses.replace(make_pool(5, 0), ifd=np.array([0.5, 1.2, 1.0, 0.9, 1.1]))
    picks = ifd.pick(pool, Wanted(3))
    assert picks.rows.tolist() == [2, 3, 0] and picks.counts == {"above_1": 2}
    with pytest.raises(SourceError, match="4 rows are to be selected and there are 3 with a difficulty of at most 1"):
        ifd.pick(pool, Wanted(4))


@pytest.mark.parametrize("method", [random_rows, longest, top_score])
def test_more_than_there_is_is_refused_with_both_numbers(method):
    pool = dataclasses.replace(make_pool(6, 0), languages=("en", "en", "en", "en", "fi", "fi"))
    with pytest.raises(SourceError, match="7 rows are to be selected and there are 6; ask for fewer"):
        method.pick(pool, Wanted(7))
    with pytest.raises(SourceError, match="3 'fi' rows are to be selected and there are 2.*lower the budget of 'fi'"):
        method.pick(pool, Wanted(5, {"en": 2, "fi": 3}))
    with pytest.raises(SourceError, match="1 'sv' rows are to be selected and there are 0"):
        method.pick(pool, Wanted(3, {"en": 2, "sv": 1}))
