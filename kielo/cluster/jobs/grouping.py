"""From units to groups: what waits for the same device jobs becomes one array, or on CPU one job; and what each waits for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from kielo.cluster.jobs.job import After, Body, Task
from kielo.cluster.jobs.units import Unit, needs_of
from kielo.cluster.profiles.profile import UseName
from kielo.plan import Step


@dataclass(frozen=True)
class Group:
    """What becomes one job: the tasks of each element of its array."""

    family: str
    use: UseName
    body: Body
    elements: tuple[tuple[Task, ...], ...]

    @property
    def steps(self) -> tuple[str, ...]:
        """Name the steps it makes, each once."""
        return tuple(dict.fromkeys(task.step for element in self.elements for task in element))


def groups_of(units: Sequence[Unit], steps: Sequence[Step], models: int) -> list[Group]:
    """Put units into groups, every group after those it waits for; `models` of a recipe are answered for by one element."""
    alike: dict[tuple[str, frozenset[int]], list[Unit]] = {}
    for unit, before in zip(units, _device_groups_before(units, steps), strict=True):
        alike.setdefault((unit.family, before), []).append(unit)
    order = {step.name: place for place, step in enumerate(steps)}
    groups = [_group(members, models, order) for members in alike.values()]
    return _in_order(_sunk(groups, steps, order), steps)


def _device_groups_before(units: Sequence[Unit], steps: Sequence[Step]) -> list[frozenset[int]]:
    """Number the groups on devices that each unit waits for, directly or through others."""
    holder = {task: place for place, unit in enumerate(units) for task in unit.tasks}
    needs = needs_of([unit.tasks for unit in units], steps)
    numbers: dict[tuple[str, frozenset[int]], int] = {}

    @cache
    def before(place: int) -> frozenset[int]:
        found: set[int] = set()
        for other in {holder[task] for task in needs[place]}:
            found |= before(other)
            if units[other].on_device:
                found.add(numbers.setdefault((units[other].family, before(other)), len(numbers)))
        return frozenset(found)

    return [before(place) for place in range(len(units))]


def _group(members: Sequence[Unit], models: int, order: Mapping[str, int]) -> Group:
    first = members[0]
    elements = [unit.tasks for unit in members]
    if first.family == "cpu":
        elements = [_merged(elements, order)]
    elif first.family == "responses":
        chunks = (elements[start : start + models] for start in range(0, len(elements), models))
        elements = [tuple(task for tasks in chunk for task in tasks) for chunk in chunks]
    return Group(first.family, first.use, first.body, tuple(elements))


def _merged(elements: Sequence[tuple[Task, ...]], order: Mapping[str, int]) -> tuple[Task, ...]:
    return tuple(sorted((task for tasks in elements for task in tasks), key=lambda task: order[task.step]))


def _sunk(groups: list[Group], steps: Sequence[Step], order: Mapping[str, int]) -> list[Group]:
    """Lay a CPU group into the one CPU group that all who need it are or wait for: no job on devices starts later for it.

    The report does not count: everything would sink into it, and what is known early is worth seeing early.
    """
    while True:
        before = _groups_before(groups, steps)
        found = next(((low, high) for low, high in _sinking(groups, before)), None)
        if found is None:
            return groups
        low, high = found
        tasks = _merged([*groups[low].elements, *groups[high].elements], order)
        groups = [replace(group, elements=(tasks,)) if place == high else group for place, group in enumerate(groups)]
        del groups[low]


def _sinking(groups: Sequence[Group], before: Sequence[frozenset[int]]) -> list[tuple[int, int]]:
    """List (CPU group, CPU group that it can be laid into)."""
    found = []
    cpu = [place for place, group in enumerate(groups) if group.family == "cpu" and "report" not in group.steps]
    for low in cpu:
        users = {place for place in range(len(groups)) if low in before[place] and "report" not in groups[place].steps}
        found += [(low, high) for high in cpu if high in users and all(high in before[u] for u in users - {high})]
    return found


def _groups_before(groups: Sequence[Group], steps: Sequence[Step]) -> list[frozenset[int]]:
    """List the groups that each group waits for, directly or through others."""
    needs = [frozenset().union(*(each.keys() for each in of_group)) for of_group in _needs(groups, steps)]

    @cache
    def before(place: int) -> frozenset[int]:
        return needs[place].union(*(before(other) for other in needs[place]))

    return [before(place) for place in range(len(groups))]


def _needs(groups: Sequence[Group], steps: Sequence[Step]) -> list[list[dict[int, set[int]]]]:
    """List for every element of every group: other group -> its elements that must be complete before."""
    holder = {
        task: (place, number)
        for place, group in enumerate(groups)
        for number, tasks in enumerate(group.elements)
        for task in tasks
    }
    needs = iter(needs_of([tasks for group in groups for tasks in group.elements], steps))
    found = []
    for group in groups:
        of_elements: list[dict[int, set[int]]] = []
        for _ in group.elements:
            of_element: dict[int, set[int]] = {}
            for place, number in (holder[task] for task in next(needs)):
                of_element.setdefault(place, set()).add(number)
            of_elements.append(of_element)
        found.append(of_elements)
    return found


def _in_order(groups: Sequence[Group], steps: Sequence[Step]) -> list[Group]:
    """Sort groups so that each stands after those it waits for, else as they are."""
    before, placed = _groups_before(groups, steps), list[int]()
    while len(placed) < len(groups):
        placed.append(
            next(place for place in range(len(groups)) if place not in placed and before[place] <= set(placed))
        )
    return [groups[place] for place in placed]


def afters(groups: Sequence[Group], names: Sequence[str], steps: Sequence[Step]) -> list[tuple[After, ...]]:
    """Say for each group which others it waits for, and which of their elements."""
    return [
        tuple(_after(of_elements, other, groups[other], names[other]) for other in sorted(set().union(*of_elements)))
        for of_elements in _needs(groups, steps)
    ]


def _after(of_elements: Sequence[Mapping[int, set[int]]], other: int, group: Group, name: str) -> After:
    needed = [each.get(other, set()) for each in of_elements]
    if len(needed) == len(group.elements) > 1 and all(each == {place} for place, each in enumerate(needed)):
        return After(name, matching=True)
    every = set().union(*needed)
    return After(name, None if len(every) == len(group.elements) else tuple(sorted(every)))
