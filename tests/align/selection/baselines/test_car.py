"""CaR: the share of the best, then clusters in turns, against a plain walk over the same clusters."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.selection.baselines import car
from align.selection.pool import Pool, Wanted
from kielo.schema.selection import Car
from tests.align.selection.baselines.pools import Free, make_pool, tasks

pytest.importorskip("sklearn", reason="extra select: scikit-learn")


def walk(pool: Pool, wanted: Wanted, clusters: list[int], of_all: float) -> list[int]:
    order = sorted(range(len(pool.ids)), key=lambda row: (-pool.scores[row], row))
    free, taken = Free(pool, wanted), []
    best = int(of_all * wanted.size + 0.5)
    for row in order:
        if len(taken) < best and free.take(row):
            taken.append(row)
    while any(free.left.values()):
        heads = {}
        for row in order:
            if row not in taken and free.may(row):
                heads.setdefault(clusters[row], row)
        for cluster, _ in sorted(heads.items(), key=lambda head: order.index(head[1])):
            row = next((r for r in order if r not in taken and clusters[r] == cluster and free.may(r)), None)
            if row is not None and free.take(row):
                taken.append(row)
    return taken


@given(tasks(), st.sampled_from([0.0, 0.3, 1.0]))
@settings(max_examples=60, deadline=None)
def test_turns_are_those_of_a_plain_walk(task, of_all):
    pool, wanted = task
    clusters = np.random.default_rng(len(pool.ids)).integers(0, 4, len(pool.ids))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(car, "_clusters", lambda *_: clusters)
        rows = car.pick(pool, wanted, Car(of_all=of_all)).rows.tolist()
    assert rows == walk(pool, wanted, clusters.tolist(), of_all)


def test_clusters_are_found_and_each_gives_a_row():
    angles = np.repeat([0.0, 1.0, 2.0], [30, 10, 2]) + np.random.default_rng(0).normal(scale=0.01, size=42)
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    pool = Pool(tuple(map(str, range(42))), ("fi",) * 42, scores=np.arange(42, 0, -1.0), embeddings=vectors)
    picks = car.pick(pool, Wanted(5), Car(of_all=0.4, clusters=3))
    assert picks.rows.tolist() == [0, 1, 2, 30, 40], "the two best, then the best left of each cluster"
    assert picks.counts == {"of_all": 2, "clusters": 3, "rounds": 1}
    by_default = car.pick(pool, Wanted(5), Car())
    assert by_default.counts["clusters"] == 4, "the square root of half of 42 rows"
    assert by_default.rows.tolist() == car.pick(pool, Wanted(5), Car()).rows.tolist()


@pytest.mark.parametrize("variance", [0.95, 1.0])
def test_rows_that_are_all_alike_and_pools_smaller_than_clusters(variance):
    pool = dataclasses.replace(make_pool(6, 1), embeddings=np.tile(np.float32([0.6, 0.8]), (6, 1)))
    rows = car.pick(pool, Wanted(6), Car(clusters=50, variance=variance)).rows.tolist()
    assert sorted(rows) == list(range(6))
    one = Pool(("a",), ("fi",), scores=np.ones(1), embeddings=np.ones((1, 1), np.float32))
    assert car.pick(one, Wanted(1), Car(variance=variance)).rows.tolist() == [0]
