"""Times MIG beside dense references written from its formula: 20,000 rows, 1,000 picks, the same rows in the same order."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from align.selection.mig import pick
from align.selection.pool import Pool, Wanted
from benchmarks.selection.tag_pool import LABELS, THRESHOLD, tag_pool
from kielo.schema.selection import Mig

_ROWS, _SIZE = 20_000, 1_000
_AIM = 1_000
_SETTINGS = Mig(threshold=THRESHOLD)
Matrix = NDArray[np.float64]


def main() -> bool:
    """Print the table; tells whether the aim was met."""
    pool = tag_pool(_ROWS)
    pick(tag_pool(2_000), Wanted(50), _SETTINGS, path="numba")
    seconds: dict[str, float] = {}
    picks: dict[str, list[int]] = {}
    contenders: dict[str, Callable[[], list[int]]] = {
        "numba": lambda: pick(pool, Wanted(_SIZE), _SETTINGS, path="numba").rows.tolist(),
        "numpy": lambda: pick(pool, Wanted(_SIZE), _SETTINGS, path="numpy").rows.tolist(),
        "dense, the rows left taken out at every step": lambda: _dense(pool, _of_those_left),
        "dense, all rows, those picked passed over": lambda: _dense(pool, _of_all),
    }
    for name, select in contenders.items():
        started = time.process_time()
        picks[name] = select()
        seconds[name] = time.process_time() - started
    best, published = seconds["numba"], picks["dense, the rows left taken out at every step"]
    print(f"MIG, {_ROWS:,} rows, {LABELS:,} labels, {_SIZE:,} picks; graph, selection and report.\n")
    print("| way | CPU s | / numba | same rows, same order |\n|---|---:|---:|---|")
    for name, each in seconds.items():
        print(f"| {name} | {each:,.2f} | {each / best:,.0f} | {'yes' if picks[name] == published else 'no'} |")
    ratio = seconds["dense, the rows left taken out at every step"] / best
    met = ratio >= _AIM and all(each == published for each in picks.values())
    print(
        f"\n{ratio:,.0f} times less CPU than the first dense one; the aim, {_AIM:,}, is {'' if met else 'not '}met.\n"
    )
    return met


def _dense(pool: Pool, best: Callable[[Matrix, Any, Matrix], int]) -> list[int]:
    """Select with N x L matrices, as the formula stands: A from the label graph, v_i A of every row, gain (v_i A) phi'(x)."""
    assert pool.labels is not None and pool.labels.vectors is not None and pool.scores is not None
    vectors = pool.labels.vectors.astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    weights = vectors @ vectors.T
    weights[weights < _SETTINGS.threshold] = 0.0
    np.fill_diagonal(weights, 1.0)
    rows = np.zeros((len(pool.ids), len(vectors)))
    for row, score in enumerate(pool.scores):
        rows[row, pool.labels.numbers[pool.labels.starts[row] : pool.labels.starts[row + 1]]] = score
    rows = rows @ (weights / weights.sum(axis=0))
    held, left, picks = np.zeros(len(vectors)), np.ones(len(rows), bool), list[int]()
    for _ in range(_SIZE):
        slope = _SETTINGS.exponent * (held + _SETTINGS.offset) ** (_SETTINGS.exponent - 1)
        picks.append(best(rows, left, slope))
        left[picks[-1]] = False
        held += rows[picks[-1]]
    return picks


def _of_those_left(rows: Matrix, left: NDArray[np.bool_], slope: Matrix) -> int:
    """Find the best row as the published sampler does, which copies the rows that are left."""
    return int(np.flatnonzero(left)[np.argmax(rows[left] @ slope)])


def _of_all(rows: Matrix, left: NDArray[np.bool_], slope: Matrix) -> int:
    return int(np.argmax(np.where(left, rows @ slope, -np.inf)))
