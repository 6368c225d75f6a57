"""Solves a selection by MIG with numpy alone: the few best groups are looked at anew after every pick, all others by what they could gain at most.

A gain only falls while rows are picked (phi is concave), so an old gain is a bound, and a new one above all bounds is the best.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from align.selection.mig.graph import summed
from align.selection.mig.task import Task, first_bounds, rounded, spans
from align.selection.pool import Floats, Ints

_NEAR, _HOT = 16_384, 512
"""Groups that may get among the hot ones without a look at all of them, and those that are hot."""
_AT_ONCE = 16
"""Hot groups whose true gain is found together; linear ones cost next to nothing and are found for all."""
_GONE = -1.0


def scan(task: Task, done: Callable[[int], object]) -> Ints:
    """Pick rows while there is something to gain, at most the task's size; `done` hears how many were picked since last."""
    state = _State.begin(task)
    picks: list[int] = []
    while len(picks) < task.size:
        row = state.next_row()
        if row is None:
            break
        picks.append(row)
        if len(picks) % 1000 == 0:
            done(1000)
    done(len(picks) % 1000)
    return np.array(picks, np.int64)


@dataclass
class _Hot:
    """The groups that are looked at after every pick."""

    groups: Ints
    bounds: Floats
    fresh: NDArray[np.bool_]
    rows: Ints
    """The best row of each that is left."""
    starts: Ints
    labels: Ints
    """As compressed rows: of each group its labels or, for true gains, all that they reach."""
    units: Floats
    """True gains: what one unit of worth gives to each of them."""
    owners: Ints

    def best(self) -> int:
        """Find the highest bound; of equals the first row."""
        ties = np.flatnonzero(self.bounds == self.bounds.max())
        return int(ties[self.rows[ties].argmin()])


@dataclass
class _State:
    """Where a selection stands."""

    task: Task
    x: Floats
    """L: what every label holds."""
    slopes: Floats
    worths: Floats
    """L, linear gains: what a row gains by one unit of worth at each label."""
    bounds: Floats
    at: Ints
    """Of each group the place of its best row that is left."""
    free: Ints
    near: Ints
    hot: _Hot
    near_floor: tuple[float, int]
    hot_floor: tuple[float, int]
    """The highest bound, and its row, outside the near and outside the hot groups."""

    @classmethod
    def begin(cls, task: Task) -> _State:
        graph, none = task.graph, np.zeros(0, np.int64)
        slopes = np.full(graph.size, task.form.slopes([0.0])[0])
        nothing = _Hot(none, np.zeros(0), none.astype(bool), none, np.zeros(1, np.int64), none, np.zeros(0), none)
        bounds, at = first_bounds(task), task.groups.heads[:-1].copy()
        state = cls(task, np.zeros(graph.size), slopes, np.zeros(graph.size), bounds, at, task.free.copy(),
                    none, nothing, (_GONE, 0), (_GONE, 0))  # fmt: skip
        state._weigh(np.arange(graph.size))
        for budget in np.flatnonzero(state.free == 0):
            state.bounds[task.groups.budgets == budget] = _GONE
        state._choose_near()
        return state

    def next_row(self) -> int | None:
        """Pick the row that gains most; None when nothing is left to gain."""
        while len(self.hot.groups):
            k = self.hot.best()
            key = (float(self.hot.bounds[k]), int(self.hot.rows[k]))
            if not _before(key, self.hot_floor) or not _before(key, self.near_floor):
                self._choose_again()
            elif key[0] <= 0:
                return None
            elif self.hot.fresh[k]:
                self._take(k)
                return key[1]
            else:
                self._look(k)
        return None

    def _look(self, k: int) -> None:
        """Find the gains of hot groups as they are now: of all, or of those with the highest bounds."""
        hot = self.hot
        if self.task.linear:
            sums = summed(hot.owners, self.worths[hot.labels], len(hot.groups))
            gains = rounded(self.task.worth[hot.rows] * sums)
            hot.bounds = np.where(hot.bounds == _GONE, _GONE, gains)
            hot.fresh[:] = True
            return
        stale = np.flatnonzero(~hot.fresh)
        if len(stale) > _AT_ONCE:
            stale = stale[np.argpartition(-hot.bounds[stale], _AT_ONCE - 1)[:_AT_ONCE]]
            stale[0] = stale[0] if k in stale else k  # of equals another one may have come along
        entries, owners = spans(hot.starts, stale)
        adds = self.task.worth[hot.rows[stale]][owners] * hot.units[entries]
        more = self.task.form.differences(self.x[hot.labels[entries]].tolist(), adds.tolist())
        gains = rounded(summed(owners, np.array(more), len(stale)))
        hot.bounds[stale] = np.where(hot.bounds[stale] == _GONE, _GONE, gains)
        hot.fresh[stale] = True

    def _take(self, k: int) -> None:
        task, hot = self.task, self.hot
        group, row = int(hot.groups[k]), int(hot.rows[k])
        self._add(group, float(task.worth[row]))
        hot.fresh[:] = False
        if self.at[group] + 1 == task.groups.heads[group + 1]:
            hot.bounds[k] = _GONE
        else:
            self.at[group] += 1
            hot.rows[k] = task.groups.rows[self.at[group]]
        budget = task.groups.budgets[group]
        self.free[budget] -= 1
        if not self.free[budget]:
            self.bounds[hot.groups] = hot.bounds
            self.bounds[task.groups.budgets == budget] = _GONE
            self._choose_near()

    def _add(self, group: int, worth: float) -> None:
        """Give a row's information to its labels and those near them."""
        graph, groups = self.task.graph, self.task.groups
        labels = groups.numbers[groups.starts[group] : groups.starts[group + 1]]
        entries, _ = spans(graph.starts, labels)
        units = summed(graph.columns[entries], graph.weights[entries], graph.size)
        reached = np.flatnonzero(units)
        self.x[reached] += worth * units[reached]
        if self.task.linear:
            self.slopes[reached] = self.task.form.slopes(self.x[reached].tolist())
            around, _ = spans(graph.starts, reached)
            self._weigh(np.flatnonzero(np.bincount(graph.columns[around], minlength=graph.size)))

    def _weigh(self, labels: Ints) -> None:
        """Find anew, not by adding changes, what a unit of worth gains at some labels: sums of one order stay comparable."""
        graph = self.task.graph
        entries, owners = spans(graph.starts, labels)
        self.worths[labels] = summed(owners, graph.weights[entries] * self.slopes[graph.columns[entries]], len(labels))

    def _choose_again(self) -> None:
        self.bounds[self.hot.groups] = self.hot.bounds
        near = self.bounds[self.near]
        highest = near.max()
        row = int(self._rows(self.near[near == highest]).min())
        if _before((float(highest), row), self.near_floor):
            self._choose_hot()
        else:
            self._choose_near()

    def _choose_near(self) -> None:
        left = np.flatnonzero(self.bounds != _GONE)
        self.near, self.near_floor = self._highest(left, _NEAR)
        self._choose_hot()

    def _choose_hot(self) -> None:
        chosen, self.hot_floor = self._highest(self.near, _HOT)
        starts, labels, units = _reach(self.task, chosen)
        owners = np.repeat(np.arange(len(chosen)), np.diff(starts))
        fresh = np.zeros(len(chosen), bool)
        self.hot = _Hot(chosen, self.bounds[chosen], fresh, self._rows(chosen), starts, labels, units, owners)

    def _rows(self, groups: Ints) -> Ints:
        return self.task.groups.rows[self.at[groups]]

    def _highest(self, groups: Ints, count: int) -> tuple[Ints, tuple[float, int]]:
        """Choose the groups with the highest bounds, of equals those whose best rows come first; and tell the next one."""
        if len(groups) <= count:
            return groups, (_GONE, 0)
        bounds = self.bounds[groups]
        least = np.partition(bounds, -count)[-count]
        above, ties = groups[bounds > least], groups[bounds == least]
        ties = ties[np.argsort(self._rows(ties))]
        chosen, rest = np.concatenate((above, ties[: count - len(above)])), ties[count - len(above) :]
        if not len(rest):
            below = bounds < least
            least = bounds[below].max()
            rest = groups[bounds == least]
        return chosen, (float(least), int(self._rows(rest).min()))


def _before(key: tuple[float, int], other: tuple[float, int]) -> bool:
    """Tell whether a bound is above another one, or comes first of equals."""
    return key[0] > other[0] or (key[0] == other[0] and key[1] < other[1])


def _reach(task: Task, groups: Ints) -> tuple[Ints, Ints, Floats]:
    """Find, as compressed rows, the groups' labels or, for true gains, all labels that they reach and what each gets."""
    graph = task.graph
    entries, owners = spans(task.groups.starts, groups)
    labels, units = task.groups.numbers[entries], np.zeros(0)
    if not task.linear:
        reached, whose = spans(graph.starts, labels)
        keys = owners[whose] * graph.size + graph.columns[reached]
        merged, places = np.unique(keys, return_inverse=True)
        units = summed(places, graph.weights[reached], len(merged))
        owners, labels = merged // graph.size, merged % graph.size
    return np.concatenate(([0], np.cumsum(np.bincount(owners, minlength=len(groups))))), labels, units
