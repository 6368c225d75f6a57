"""Method `qdit`: rows that are good and stand for many others (QDIT, arXiv 2311.14736), on a sparse graph of near rows."""

from __future__ import annotations

import heapq

import numpy as np

from align.selection.baselines.near_graph import NearGraph, near_graph
from align.selection.limits import Limits, limits
from align.selection.pool import Floats, Ints, Picks, Pool, Wanted
from kielo.schema.selection import Qdit


def pick(pool: Pool, wanted: Wanted, settings: Qdit) -> Picks:
    """Take again and again the row with the greatest (1 - alpha) * diversity + alpha * quality.

    Diversity is what the row adds to the sum over all rows of the cosine to the nearest one taken (facility location),
    over the most that any row adds when nothing is taken; quality is the score, from 0 at the worst to 1 at the best.
    So both are shares of the best there is, and alpha means the same whatever the size of the pool and the scale of its scores.

    Raises:
        SourceError: more rows are wanted than there are.
    """
    assert pool.scores is not None and pool.embeddings is not None
    left = limits(pool, wanted)
    graph = near_graph(pool.embeddings, settings.neighbours)
    rows, gain = lazily(graph, settings.alpha * share_of_range(pool.scores), 1 - settings.alpha, left)
    return Picks(rows, {"represented": round(gain / len(pool.ids), 4)})


def share_of_range(scores: Floats) -> Floats:
    """Map scores to 0..1, the worst and the best of them; all alike: 0."""
    span = scores.max() - scores.min()
    return (scores - scores.min()) / span if span else np.zeros(len(scores))


def lazily(graph: NearGraph, quality: Floats, weight: float, left: Limits) -> tuple[Ints, float]:
    """Make the greedy choice exactly, with old values as upper bounds, as gains only shrink; also sum up the gains.

    `quality` is N, weighted; `weight` is that of diversity. What is taken is taken off the limits.
    """
    nearest = np.zeros(len(quality))
    alone = [graph.gain(row, nearest) for row in range(len(quality))]
    weight /= max(alone) or 1
    heap = [(-(weight * alone[row] + quality[row]), row) for row in np.flatnonzero(left.groups >= 0).tolist()]
    heapq.heapify(heap)
    taken: list[int] = []
    while left.free.any():
        row = heap[0][1]
        if not left.free[left.groups[row]]:
            heapq.heappop(heap)
            continue
        now = (-(weight * graph.gain(row, nearest) + quality[row]), row)
        if now > heap[0]:  # it is worth less by now
            heapq.heapreplace(heap, now)
            continue
        heapq.heappop(heap)
        graph.take(row, nearest)
        left.free[left.groups[row]] -= 1
        taken.append(row)
    return np.array(taken, np.int64), float(nearest.sum())
