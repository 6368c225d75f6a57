"""Labels without any model: the k-means centroids that a row's vector is nearest to, at one or more granularities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from align.annotations.embedder import Vectors, unit
from kielo.errors import RecipeError
from kielo.progress import progress

_ROUNDS = 50  # of k-means, at most


@dataclass(frozen=True)
class Labelled:
    """What rows are labelled with: the names of each, None where it could not be, and all names with their vectors."""

    rows: tuple[tuple[str, ...] | None, ...]
    names: tuple[str, ...]
    vectors: Vectors


def granularities(rows: int, asked: Sequence[int]) -> tuple[int, ...]:
    """Give the numbers of clusters: as asked, else the square root of half the rows and its double.

    Raises:
        RecipeError: there are fewer rows than clusters.
    """
    usual = max(1, math.isqrt(rows // 2))
    counts = tuple(asked) or tuple(dict.fromkeys((usual, min(rows, 2 * usual))))
    if max(counts) > rows:
        raise RecipeError(
            f"annotate.labels.clusters: {max(counts)} clusters of {rows} rows with different prompts; ask for {rows} or fewer."
        )
    return counts


def by_clusters(vectors: Vectors, asked: Sequence[int], nearest: int, seed: int) -> Labelled:
    """Label rows by their nearest centroids of each granularity, named such as c46-013; a row of zeros has no labels.

    Raises:
        RecipeError: there are fewer different rows than clusters.
    """
    there = np.flatnonzero(np.abs(vectors).sum(axis=1))
    counts = granularities(len(np.unique(vectors[there], axis=0)), asked)
    labels: list[list[str]] = [[] for _ in vectors]
    names: list[str] = []
    centroids: list[Vectors] = []
    with progress(len(counts), "clusters", "granularities") as bar:
        for count in counts:
            found = _centroids(vectors[there], count, seed)
            own = [f"c{count}-{number:0{len(str(count - 1))}}" for number in range(count)]
            for row, near in zip(there, _nearest(vectors[there], found, nearest), strict=True):
                labels[row] += [own[number] for number in near]
            names, centroids = [*names, *own], [*centroids, found]
            bar.update()
    kept = set(there.tolist())
    return Labelled(
        tuple(tuple(each) if row in kept else None for row, each in enumerate(labels)),
        tuple(names), np.concatenate(centroids),
    )  # fmt: skip


def _centroids(vectors: Vectors, count: int, seed: int) -> Vectors:
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    # Threads add up their parts of a centroid in the order in which they end: another sum every time.
    with threadpool_limits(limits=1, user_api="openmp"):
        found = KMeans(count, max_iter=_ROUNDS, random_state=seed).fit(vectors)
    return unit(found.cluster_centers_)


def _nearest(vectors: Vectors, centroids: Vectors, nearest: int, block: int = 4096) -> list[list[int]]:
    """Find the centroids of highest cosine of every row, the first of equals; ascending."""
    kept = min(nearest, len(centroids))
    found: list[list[int]] = []
    for start in range(0, len(vectors), block):
        near = np.argsort(-(vectors[start : start + block] @ centroids.T), axis=1, kind="stable")[:, :kept]
        found += np.sort(near, axis=1).tolist()
    return found
