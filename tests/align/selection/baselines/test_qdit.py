"""QDIT: the lazy greedy choice on the sparse graph against the dense one, and the graph against all cosines."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.selection.baselines import near_graph as graphs
from align.selection.baselines import qdit
from align.selection.baselines.near_graph import near_graph
from align.selection.pool import Floats, Pool, Wanted
from kielo.schema.selection import Qdit
from tests.align.selection.baselines.pools import Free, make_pool, tasks


def dense(vectors: np.ndarray, neighbours: int) -> Floats:
    """All cosines, row by row those of the nearest rows, as near as the last one included; the others 0."""
    cosines = np.minimum(np.round((vectors @ vectors.T).astype(np.float64), 6), 1)
    last = np.sort(cosines, axis=1)[:, ::-1][:, min(neighbours, len(vectors)) - 1]
    return np.where((cosines >= last[:, None] - 1e-6) & (cosines > 0), cosines, 0)


def greedy(pool: Pool, wanted: Wanted, cosines: Floats, alpha: float) -> list[int]:
    """The choice written from the formula: every row's value anew at every step."""
    scores, free = pool.scores, Free(pool, wanted)
    span = scores.max() - scores.min()
    quality = (scores - scores.min()) / span if span else np.zeros(len(scores))
    most = cosines.sum(axis=0).max()
    taken: list[int] = []
    while len(taken) < wanted.size:
        nearest = cosines[:, taken].max(axis=1) if taken else np.zeros(len(cosines))
        gains = np.maximum(cosines - nearest[:, None], 0).sum(axis=0) / most
        values = (1 - alpha) * gains + alpha * quality
        may = [row for row in range(len(scores)) if row not in taken and free.may(row)]
        best = max(values[may])
        row = next(row for row in may if values[row] >= best - 1e-12)
        free.take(row)
        taken.append(row)
    return taken


@given(tasks(), st.sampled_from([0.0, 0.3, 0.5, 1.0]), st.sampled_from([1, 3, 10, 100]))
@settings(max_examples=80, deadline=None)
def test_the_picks_are_those_of_the_dense_choice(task, alpha, neighbours):
    pool, wanted = task
    picks = qdit.pick(pool, wanted, Qdit(alpha=alpha, neighbours=neighbours))
    assert picks.rows.tolist() == greedy(pool, wanted, dense(pool.embeddings, neighbours), alpha)


@pytest.mark.parametrize("neighbours", [1, 5, 40, 400])
def test_the_graph_holds_the_nearest_rows(monkeypatch, neighbours):
    vectors = make_pool(90, 4).embeddings
    monkeypatch.setattr(graphs, "_BLOCK", 32)
    graph = near_graph(vectors, neighbours)
    found = np.zeros((90, 90))
    for row in range(90):
        own = slice(graph.starts[row], graph.starts[row + 1])
        found[graph.rows[own], row] = graph.cosines[own]
    np.testing.assert_array_equal(found, dense(vectors, neighbours))


def test_quality_alone_and_diversity_alone():
    pool = make_pool(30, 8)
    by_score = sorted(range(30), key=lambda row: (-pool.scores[row], row))
    assert qdit.pick(pool, Wanted(9), Qdit(alpha=1)).rows.tolist() == by_score[:9]
    other_scores = dataclasses.replace(pool, scores=pool.scores[::-1] + 3)
    diverse = [qdit.pick(each, Wanted(9), Qdit(alpha=0)).rows.tolist() for each in (pool, other_scores)]
    assert diverse[0] == diverse[1]


def test_the_scale_of_the_scores_does_not_matter():
    pool = make_pool(40, 9)
    scaled = dataclasses.replace(pool, scores=4 * pool.scores)
    picked = [qdit.pick(each, Wanted(20), Qdit()).rows.tolist() for each in (pool, scaled)]
    assert picked[0] == picked[1]
    alike = dataclasses.replace(pool, scores=np.ones(40))
    assert len(qdit.pick(alike, Wanted(40), Qdit()).rows) == 40


def test_what_is_represented_grows_with_the_size_up_to_1():
    pool = make_pool(60, 10)
    shares = [qdit.pick(pool, Wanted(size), Qdit(alpha=0)).counts["represented"] for size in (1, 5, 60)]
    assert shares[0] < shares[1] < shares[2] == 1
