"""What is missing of a run becomes a chain of sbatch calls: each element waits for exactly the elements that it stands on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kielo.cluster.jobs.job import After
from kielo.cluster.queue.manifest import Entry, Manifest
from kielo.cluster.queue.slurm import write_elements
from kielo.cluster.queue.standing import Element, Look

Holder = str | int
"""Who makes an element: a job that Slurm has already (its number, as text), or a request of this chain (its index)."""

_MOST_WRITTEN = 200
"""Elements of a call that names them: they stand in the job's comment, for which Slurm has 1,024 characters."""


@dataclass(frozen=True)
class Dependency:
    """One condition of Slurm's: afterok on a job or some elements of it, aftercorr on a job array, afterany where one is ending."""

    kind: str
    holder: Holder
    elements: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Request:
    """One sbatch call to make: a job, or some elements of it."""

    entry: Entry
    elements: tuple[int, ...] | None
    dependencies: tuple[Dependency, ...]

    def options(self, manifest: Manifest) -> list[str]:
        """List what stands on sbatch's command line, except for the dependencies."""
        options = [f"--comment={manifest.comment(self.entry, self.elements)}"]
        if self.elements is not None:
            throttle = f"%{self.entry.at_once}" if self.entry.at_once else ""
            options.append(f"--array={write_elements(self.elements)}{throttle}")
        return options


def conditions(dependencies: Sequence[Dependency]) -> Iterator[str | int]:
    """Yield the pieces of `afterok:12:13_2,aftercorr:14`; a number stands for the job of that request of the chain."""
    for place, kind in enumerate(dict.fromkeys(each.kind for each in dependencies)):
        yield f",{kind}" if place else kind
        for each in dependencies:
            for element in (None,) if each.elements is None else each.elements:
                if each.kind == kind:
                    yield from (":", each.holder, "" if element is None else f"_{element}")


def requests(look: Look) -> list[Request]:
    """List the sbatch calls that bring what is missing and is not on its way."""
    holders: dict[Element, Holder] = {element: number.partition("_")[0] for element, number in look.alive()}
    held: dict[Holder, set[int]] = {
        each.id: set(entry.held(each)) for entry in look.manifest.jobs for each in entry.submissions
    }
    found: list[Request] = []
    for entry in look.manifest.jobs:
        groups: dict[tuple[Dependency, ...], list[int]] = {}
        for number, standing in enumerate(look.of(entry)):
            if standing.is_missing:
                groups.setdefault(_dependencies(entry, number, look, holders, held), []).append(number)
        for dependencies, numbers in groups.items():
            whole = len(numbers) == len(entry.elements)
            most = len(numbers) if whole else _MOST_WRITTEN
            for first in range(0, len(numbers), most):
                part = numbers[first : first + most]
                holders |= {(entry.name, number): len(found) for number in part}
                held[len(found)] = set(part)
                found.append(Request(entry, None if whole else tuple(part), dependencies))
    return found


def doomed(look: Look) -> list[str]:
    """List the numbers of waiting elements that can never start: something they stand on is neither done nor on its way."""
    lost: set[Element] = set()
    numbers = []
    for entry in look.manifest.jobs:
        for number, standing in enumerate(look.of(entry)):
            if standing.is_missing:
                lost.add((entry.name, number))
            elif standing.state == "waiting" and standing.id and lost & set(_needed(entry, number, look.manifest)):
                lost.add((entry.name, number))
                numbers.append(standing.id)
    return numbers


def _needed(entry: Entry, number: int, manifest: Manifest) -> Iterator[Element]:
    for after in entry.after:
        for element in _elements(after, number, manifest):
            yield after.job, element


def _elements(after: After, number: int, manifest: Manifest) -> tuple[int, ...]:
    """List the elements of an earlier job that one element waits for."""
    if after.matching:
        return (number,)
    return tuple(range(len(manifest.job(after.job).elements))) if after.elements is None else after.elements


def _dependencies(
    entry: Entry, number: int, look: Look, holders: Mapping[Element, Holder], held: Mapping[Holder, set[int]]
) -> tuple[Dependency, ...]:
    found: list[Dependency] = []
    standing = look.elements[entry.name, number]
    if standing.is_ending and standing.id:
        found.append(Dependency("afterany", standing.id))
    for after in entry.after:
        earlier = look.manifest.job(after.job)
        by_holder: dict[Holder, list[int]] = {}
        for element in _elements(after, number, look.manifest):
            if look.elements[after.job, element].state != "done":
                by_holder.setdefault(holders[after.job, element], []).append(element)
        for holder, elements in by_holder.items():
            whole = not earlier.is_array or set(elements) == held[holder]
            if after.matching and earlier.is_array:
                found.append(Dependency("aftercorr", holder))
            else:
                found.append(Dependency("afterok", holder, None if whole else tuple(elements)))
    return tuple(found)
