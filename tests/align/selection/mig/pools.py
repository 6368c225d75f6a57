"""Small pools for the tests of MIG, and MIG itself by dense matrices, straight from its formula."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from align.selection.pool import Pool, RowLabels
from kielo.schema.selection import Mig


def make_pool(
    labels: Sequence[Sequence[int]], scores: Sequence[float], vectors: np.ndarray, languages: Sequence[str] = ()
) -> Pool:
    starts = np.cumsum([0, *(len(set(row)) for row in labels)])
    numbers = np.array([number for row in labels for number in sorted(set(row))], np.int64)
    names = tuple(f"label {number}" for number in range(len(vectors)))
    found = RowLabels(names, starts, numbers, np.asarray(vectors, np.float32))
    count = range(len(labels))
    return Pool(tuple(f"r{row}" for row in count), tuple(languages or ["fi" for _ in count]), labels=found, scores=np.array(scores, float))  # fmt: skip


def random_pool(rows: int, names: int, seed: int, most: int = 6) -> Pool:
    random = np.random.default_rng(seed)
    labels = [random.integers(0, names, random.integers(0, most + 1)).tolist() for _ in range(rows)]
    return make_pool(labels, random.uniform(0.5, 36, rows).tolist(), random.normal(size=(names, 6)))


def row_labels(pool: Pool) -> list[list[int]]:
    assert pool.labels is not None
    starts = pool.labels.starts
    return [pool.labels.numbers[starts[row] : starts[row + 1]].tolist() for row in range(len(pool.ids))]


class Dense:
    """All gains of every step, with N x L matrices."""

    def __init__(self, pool: Pool, settings: Mig) -> None:
        assert pool.labels is not None and pool.labels.vectors is not None and pool.scores is not None
        unit = pool.labels.vectors.astype(float)
        unit /= np.sqrt((unit**2).sum(axis=1))[:, None]
        cosines = unit @ unit.T
        # Equal vectors have a cosine of 1, but for the last bit: a threshold of 1 joins them.
        joined = np.where(cosines >= settings.threshold - 1e-12, cosines, 0.0) * settings.propagation
        np.fill_diagonal(joined, 1.0)
        each = np.zeros((len(pool.ids), len(unit)))
        for row, labels in enumerate(row_labels(pool)):
            each[row, labels] = pool.scores[row] / (max(len(labels), 1) if settings.norm else 1)
        self.gives = each @ (joined / joined.sum(axis=0))
        self.settings, self.held = settings, np.zeros(len(unit))

    def information(self, held: np.ndarray) -> np.ndarray:
        settings = self.settings
        if settings.information == "power":
            return (held + settings.offset) ** settings.exponent
        return 1 - np.exp(-settings.rate * held)

    def slope(self) -> np.ndarray:
        settings = self.settings
        if settings.information == "power":
            return settings.exponent * (self.held + settings.offset) ** (settings.exponent - 1)
        return settings.rate * np.exp(-settings.rate * self.held)

    def gains(self) -> np.ndarray:
        if self.settings.gain == "linear":
            return self.gives @ self.slope()
        return (self.information(self.held + self.gives) - self.information(self.held)).sum(axis=1)

    def take(self, row: int) -> None:
        self.held = self.held + self.gives[row]

    def picks(self, size: int) -> list[int]:
        """Pick by argmax, which takes the first of equals."""
        picked: list[int] = []
        for _ in range(size):
            gains = self.gains()
            gains[picked] = -1
            picked.append(int(gains.argmax()))
            self.take(picked[-1])
        return picked
