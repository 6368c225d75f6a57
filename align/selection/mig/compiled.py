"""Solves a selection by MIG with numba: a heap of groups by what they could gain at most, the top looked at anew until it stays on top.

Everything that is compiled stands in this file, as numba's cache looks at no other; sums and formulas are those of `scan.py`
and `information.py` to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

from align.selection.mig.task import ROUNDING, Task, first_bounds, ordered
from align.selection.pool import Ints

_AT_ONCE = 2000
"""Picks between two reports of progress, and two chances for Ctrl-C."""
_F = TypeVar("_F", bound=Callable[..., Any])


def heap(task: Task, done: Callable[[int], object]) -> Ints:
    """Pick rows while there is something to gain, at most the task's size; `done` hears how many were picked since last."""
    graph, form, free = task.graph, task.form, task.free.copy()
    keys = first_bounds(task)
    order = np.lexsort((task.groups.rows[task.groups.heads[:-1]], -keys))
    keys, groups = keys[order], ordered(task.groups, order)  # what is looked at together lies together in memory
    order = np.arange(len(groups))  # sorted, it is a heap
    at, worth, looked = groups.heads[:-1].copy(), task.worth[groups.rows], np.full(len(groups), -1)
    best = worth[at]
    x, slopes, worths, units = (np.zeros(graph.size) for _ in range(4))
    reached, marks = np.zeros(graph.size, np.int64), np.full(graph.size, -1)
    label_graph = (graph.starts, graph.columns, graph.weights)
    phi = (form.power, form.exponent, form.offset, form.rate)
    _begin(label_graph, phi, slopes, worths)
    picks = np.empty(task.size, np.int64)
    count, left = 0, len(order)
    while count < task.size:
        before = count
        count, left = _pick(
            picks, count, min(count + _AT_ONCE, task.size), (order, keys), left, at, best, looked, free,
            (groups.rows, groups.heads, groups.starts, groups.numbers, groups.budgets), worth, label_graph, phi,
            task.linear, (x, slopes, worths, units, reached, marks),
        )  # fmt: skip
        done(count - before)
        if count < min(before + _AT_ONCE, task.size):
            break
    return picks[:count].copy()


def _compiled(function: _F) -> _F:
    try:
        return cast(_F, numba.njit(cache=True)(function))
    except RuntimeError:  # no folder that numba could keep it in: it is compiled anew by every process
        return cast(_F, numba.njit(function))


@_compiled
def _slope(phi: Any, x: float) -> float:
    power, exponent, offset, rate = phi
    if power:
        return float(exponent * math.pow(x + offset, exponent - 1.0))
    return float(rate * math.exp(-(rate * x)))


@_compiled
def _difference(phi: Any, x: float, more: float) -> float:
    power, exponent, offset, rate = phi
    if power:
        return math.pow(x + offset, exponent) * math.expm1(exponent * math.log1p(more / (x + offset)))
    return -(math.exp(-(rate * x)) * math.expm1(-(rate * more)))


@_compiled
def _weigh(graph: Any, slopes: Any, worths: Any, label: int) -> None:
    starts, columns, weights = graph
    total = 0.0
    for k in range(starts[label], starts[label + 1]):
        total += weights[k] * slopes[columns[k]]
    worths[label] = total


@_compiled
def _begin(graph: Any, phi: Any, slopes: Any, worths: Any) -> None:
    for label in range(len(slopes)):
        slopes[label] = _slope(phi, 0.0)
    for label in range(len(slopes)):
        _weigh(graph, slopes, worths, label)


@_compiled
def _spread(groups: Any, group: int, graph: Any, units: Any, reached: Any) -> int:
    """Find what a unit of worth gives to each label that a group reaches; returns how many these are."""
    _, _, starts, numbers, _ = groups
    graph_starts, columns, weights = graph
    count = 0
    for entry in range(starts[group], starts[group + 1]):
        label = numbers[entry]
        for k in range(graph_starts[label], graph_starts[label + 1]):
            if units[columns[k]] == 0.0:
                reached[count] = columns[k]
                count += 1
            units[columns[k]] += weights[k]
    return count


@_compiled
def _gain(groups: Any, group: int, worth: float, graph: Any, phi: Any, linear: bool, labels: Any) -> float:
    x, _, worths, units, reached, _ = labels
    _, _, starts, numbers, _ = groups
    gain = 0.0
    if linear:
        for entry in range(starts[group], starts[group + 1]):
            gain += worths[numbers[entry]]
        gain = worth * gain
    else:
        count = _spread(groups, group, graph, units, reached)
        reached[:count].sort()
        for k in range(count):
            label = reached[k]
            gain += _difference(phi, x[label], worth * units[label])
            units[label] = 0.0
    large = gain * ROUNDING
    return large - (large - gain)


@_compiled
def _add(groups: Any, group: int, worth: float, graph: Any, phi: Any, linear: bool, labels: Any, count: int) -> None:
    """Give a row's information to the labels it reaches, and find anew what depends on them."""
    x, slopes, worths, units, reached, marks = labels
    starts, columns, _ = graph
    found = _spread(groups, group, graph, units, reached)
    for k in range(found):
        label = reached[k]
        x[label] += worth * units[label]
        units[label] = 0.0
        if linear:
            slopes[label] = _slope(phi, x[label])
    if linear:
        for k in range(found):
            for entry in range(starts[reached[k]], starts[reached[k] + 1]):
                if marks[columns[entry]] != count:
                    marks[columns[entry]] = count
                    _weigh(graph, slopes, worths, columns[entry])


@_compiled
def _sink(order: Any, keys: Any, left: int, group: int, key: float, rows: Any, at: Any) -> None:
    """Put a group in the place of the top and let it down: below higher bounds, and of equals below earlier rows."""
    place = 0
    while 2 * place + 1 < left:
        child = 2 * place + 1
        if child + 1 < left and (
            keys[child + 1] > keys[child]
            or (keys[child + 1] == keys[child] and rows[at[order[child + 1]]] < rows[at[order[child]]])
        ):
            child += 1
        if key > keys[child] or (key == keys[child] and rows[at[group]] < rows[at[order[child]]]):
            break
        order[place], keys[place] = order[child], keys[child]
        place = child
    order[place], keys[place] = group, key


@_compiled
def _pick(picks: Any, count: int, until: int, heap: Any, left: int, at: Any, best: Any, looked: Any, free: Any,
          groups: Any, worth: Any, graph: Any, phi: Any, linear: bool, labels: Any) -> tuple[int, int]:  # fmt: skip
    """Pick until so many rows are picked, or nothing is left to gain; returns how many are, and how many groups are left."""
    order, keys = heap
    rows, heads, _, _, budgets = groups
    closed = not free.all()
    while count < until and left:
        group = order[0]
        if looked[group] != count and not (closed and free[budgets[group]] == 0):
            gain = _gain(groups, group, best[group], graph, phi, linear, labels)
            looked[group] = count
            _sink(order, keys, left, group, gain, rows, at)
            continue
        last = closed and free[budgets[group]] == 0
        if not last:
            if keys[0] <= 0.0:
                break
            _add(groups, group, best[group], graph, phi, linear, labels, count)
            picks[count] = rows[at[group]]
            count += 1
            free[budgets[group]] -= 1
            closed = closed or free[budgets[group]] == 0
            last = at[group] + 1 == heads[group + 1]
        if last:
            left -= 1
            group = order[left]
            if left:
                _sink(order, keys, left, group, keys[left], rows, at)
        else:
            at[group] += 1
            best[group] = worth[at[group]]
            _sink(order, keys, left, group, keys[0], rows, at)
    return count, left
