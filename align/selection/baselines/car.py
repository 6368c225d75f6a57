"""Method `car`: the best rows of all, then the best of every cluster in turns (Clustering and Ranking, arXiv 2402.18191)."""

from __future__ import annotations

import warnings
from collections import deque

import numpy as np
from numpy.typing import NDArray

from align.selection.limits import Limits, limits
from align.selection.pool import Ints, Picks, Pool, Wanted
from kielo.schema.selection import Car


def pick(pool: Pool, wanted: Wanted, settings: Car) -> Picks:
    """Take a share of the size by score alone; the clusters give the rest in rounds, one row each, the best scores first.

    Published are 1,000 of all and one of each cluster; here the size decides how many rounds there are.

    Raises:
        SourceError: more rows are wanted than there are.
    """
    assert pool.scores is not None and pool.embeddings is not None
    left = limits(pool, wanted)
    order = np.argsort(-pool.scores, kind="stable")
    of_all = left.first(order)[: int(settings.of_all * wanted.size + 0.5)]
    np.subtract.at(left.free, left.groups[of_all], 1)
    clusters = _clusters(pool.embeddings, settings, wanted.seed)
    rest = order[~np.isin(order, of_all)]
    taken, rounds = _in_turns(rest, clusters, left)
    counts = {"of_all": len(of_all), "clusters": len(np.unique(clusters)), "rounds": rounds}
    return Picks(np.concatenate([of_all, taken]), counts)


def _clusters(vectors: NDArray[np.float32], settings: Car, seed: int) -> Ints:
    """Give every row the number of its cluster: principal components, then k-means; on one thread, so that sums are the same everywhere."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    count = min(settings.clusters or max(1, int((len(vectors) / 2) ** 0.5)), len(vectors))
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different rows than clusters: fewer clusters
        if len(vectors) > 1:
            share = None if settings.variance == 1 else settings.variance
            vectors = PCA(share, svd_solver="full", random_state=seed).fit_transform(vectors)
        found = KMeans(count, n_init=1, random_state=seed).fit_predict(vectors)
    return np.asarray(found, np.int64)


def _in_turns(order: Ints, clusters: Ints, left: Limits) -> tuple[Ints, int]:
    """Go round the clusters, each giving its best row that the limits let through, those with the best rows first."""
    queues: dict[int, deque[int]] = {}
    for row in order[left.groups[order] >= 0].tolist():
        queues.setdefault(int(clusters[row]), deque()).append(row)
    place = {row: number for number, row in enumerate(order.tolist())}
    taken: list[int] = []
    rounds = 0
    while left.free.any():
        rounds += 1
        heads = [(place[queue[0]], queue) for queue in queues.values() if _skip_full(queue, left)]
        for _, queue in sorted(heads, key=lambda head: head[0]):
            if _skip_full(queue, left):
                row = queue.popleft()
                left.free[left.groups[row]] -= 1
                taken.append(row)
    return np.array(taken, np.int64), rounds


def _skip_full(queue: deque[int], left: Limits) -> bool:
    """Pass over rows of languages that have given all they may; tell whether a row is left."""
    while queue and not left.free[left.groups[queue[0]]]:
        queue.popleft()
    return bool(queue)
