"""What MIG has to say of its picks: their information beside that of the pool and of random rows, and what of the labels they cover."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from align.selection.limits import Limits
from align.selection.mig.graph import summed
from align.selection.mig.task import Task, spans
from align.selection.pool import Floats, Ints, Pool, RowLabels, Wanted
from kielo.schema.selection import Mig

_RANDOM_SELECTIONS = 5


def measures(
    pool: Pool, wanted: Wanted, limits: Limits, task: Task, settings: Mig, rows: Ints, gained: int
) -> Mapping[str, Any]:
    """Measure a selection; `gained` of its rows brought information, the others were taken by their number.

    Random selections have the same size and budgets.
    """
    assert pool.labels is not None
    labels, every = pool.labels, np.arange(len(pool.ids))
    random = [
        limits.first(np.random.default_rng([wanted.seed, number]).permutation(every))
        for number in range(_RANDOM_SELECTIONS)
    ]
    held, all_held = _held(task, labels, rows), _held(task, labels, every)
    touched, all_touched = (_touched(labels, chosen) for chosen in (rows, every))
    picked = np.isin(every, rows)
    counts = np.diff(labels.starts)
    return {
        "settings": settings.model_dump(exclude={"rate"} if task.form.power else {"exponent", "offset"}),
        "information": {
            "picks": task.form.value(held),
            "pool": task.form.value(all_held),
            "random": float(np.mean([task.form.value(_held(task, labels, chosen)) for chosen in random])),
        },
        "random_selections": _RANDOM_SELECTIONS,
        "overlap_with_random": float(np.mean([picked[chosen].mean() for chosen in random])),
        "labels": {
            "names": len(labels.names), "joined_pairs": task.graph.edges,
            "in_pool": all_touched, "in_picks": touched, "covered": touched / all_touched,
            "reached_by_pool": _count(all_held), "reached_by_picks": _count(held),
            "reached": _count(held) / max(_count(all_held), 1),
        },
        "labels_per_row": {"pool": float(counts.mean()), "picks": float(counts[rows].mean())},
        "languages": _languages(pool, rows),
        "rows_without_labels": {"pool": int((counts == 0).sum()), "picks": int((counts[rows] == 0).sum())},
        "picks_without_gain": len(rows) - gained,
    }  # fmt: skip


def _touched(labels: RowLabels, rows: Ints) -> int:
    """Count the labels that rows have."""
    entries, _ = spans(labels.starts, rows)
    return int(np.count_nonzero(np.bincount(labels.numbers[entries], minlength=len(labels.names))))


def _held(task: Task, labels: RowLabels, rows: Ints) -> Floats:
    """Find what every label holds when some rows are selected."""
    entries, owners = spans(labels.starts, rows)
    mass = summed(labels.numbers[entries], task.worth[rows][owners], len(labels.names))
    return task.graph.spread(mass)


def _count(held: NDArray[np.float64]) -> int:
    return int((held > 0).sum())


def _languages(pool: Pool, rows: Ints) -> dict[str, dict[str, float]]:
    """Count the rows of every language, and how large its part of the picks is."""
    codes, numbers = np.unique(np.array(pool.languages), return_inverse=True)
    there, picked = (np.bincount(chosen, minlength=len(codes)).tolist() for chosen in (numbers, numbers[rows]))
    return {
        str(code): {"pool": of_pool, "picks": of_picks, "share": of_picks / len(rows)}
        for code, of_pool, of_picks in zip(codes, there, picked, strict=True)
    }
