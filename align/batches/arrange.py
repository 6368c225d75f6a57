"""How the conversations of one optimiser step lie over processes and micro-batches: each once, balanced, least padded; pure arithmetic."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Layout = Literal["padded", "packed", "flat"]
"""padded: a row each; packed: rows that hold several, as long as the longest; flat: one row that holds all."""

Arrangement = list[list[list[int]]]
"""By process and micro-batch, the places of conversations in the list of lengths; a micro-batch may be empty."""


@dataclass(frozen=True)
class Room:
    """What one process takes at once: tokens with their padding, and conversations. A single one is always taken."""

    tokens: int
    rows: int
    overhead: int = 0
    """What a forward and backward pass takes besides its tokens, in tokens."""


def arrange(
    lengths: Sequence[int], processes: int, micro_batches: int, room: Room, layout: Layout = "padded",
    equal: bool = False,
) -> Arrangement:  # fmt: skip
    """Spread conversations of these lengths over the processes, in at most so many micro-batches for each.

    All processes get the same number of micro-batches. `equal`: and equally large ones, except that the processes
    without a part of the last one get none of it (what is left of it is then a single conversation for each other).

    Raises:
        ValueError: they do not fit into so many micro-batches; `fewest` tells how many it takes.
    """
    for count in range(min(micro_batches, math.ceil(len(lengths) / processes)), 0, -1):
        found = (
            _grouped(lengths, processes, count, room, equal)
            if layout == "padded"
            else _packed(lengths, processes, count, room, layout)
        )
        if found is not None:
            return found
    raise ValueError(f"{len(lengths)} conversations do not fit into {micro_batches} micro-batches of {room}")


def fewest(
    lengths: Sequence[int], processes: int, room: Room, layout: Layout = "padded", equal: bool = False
) -> int:  # fmt: skip
    """Count the micro-batches that a step takes of each process."""
    if layout == "padded":
        columns = _columns(lengths, processes)
        alone = equal and len(columns[-1]) < processes
        widths = [lengths[column[0]] for column in (columns[:-1] if alone else columns)]
        return _fewest_groups(widths, room) + alone
    least = max(1, math.ceil(sum(lengths) / (processes * room.tokens)))
    counts = range(least, math.ceil(len(lengths) / processes))
    fitting = (count for count in counts if _packed(lengths, processes, count, room, layout) is not None)
    return next(fitting, math.ceil(len(lengths) / processes))


def cost(arrangement: Arrangement, lengths: Sequence[int], room: Room, layout: Layout) -> int:
    """Add up what the micro-batches take, of each that of the process that the others wait for."""
    turns = zip(*arrangement, strict=True)
    held = ([footprint([lengths[place] for place in places], layout) for places in turn] for turn in turns)
    return sum(max(tokens) + room.overhead for tokens in held)


def footprint(lengths: Sequence[int], layout: Layout) -> int:
    """Count the tokens of a micro-batch, padding included."""
    if not lengths:
        return 0
    if layout == "flat":
        return sum(lengths)
    rows = len(lengths) if layout == "padded" else len(pack(lengths, max(lengths)))
    return rows * max(lengths)


def pack(lengths: Sequence[int], width: int) -> list[list[int]]:
    """Fill rows of a width, the longest first, each into the fullest row that still has room (best-fit decreasing)."""
    rows: list[list[int]] = []
    left: list[int] = []
    for place in _longest_first(lengths):
        fitting = [row for row, room in enumerate(left) if room >= lengths[place]]
        if fitting:
            row = min(fitting, key=left.__getitem__)
            rows[row].append(place)
            left[row] -= lengths[place]
        else:
            rows.append([place])
            left.append(width - lengths[place])
    return rows


def _longest_first(lengths: Sequence[int]) -> list[int]:
    return sorted(range(len(lengths)), key=lambda place: (-lengths[place], place))


def _columns(lengths: Sequence[int], processes: int) -> list[list[int]]:
    """Deal conversations of nearly equal length to the processes, one each at a time."""
    order = _longest_first(lengths)
    return [order[start : start + processes] for start in range(0, len(order), processes)]


def _grouped(lengths: Sequence[int], processes: int, count: int, room: Room, equal: bool) -> Arrangement | None:
    """Cut the columns, the longest first, into so many groups that the padding is least; None where they do not fit."""
    columns = _columns(lengths, processes)
    alone = equal and len(columns[-1]) < processes
    whole = columns[:-1] if alone else columns
    cuts = _cheapest_cuts([lengths[column[0]] for column in whole], count - alone, room)
    if cuts is None:
        return None
    groups = [whole[start:end] for start, end in pairwise(cuts)] + ([columns[-1:]] if alone else [])
    return [
        [[column[process] for column in group if process < len(column)] for group in groups]
        for process in range(processes)
    ]


def _fewest_groups(widths: Sequence[int], room: Room) -> int:
    groups = start = 0
    while start < len(widths):
        start += max(1, min(room.rows, room.tokens // widths[start]))
        groups += 1
    return groups


def _cheapest_cuts(widths: Sequence[int], groups: int, room: Room) -> list[int] | None:
    """Cut falling widths into contiguous groups, exactly so many, with the least sum of size times widest (exact)."""
    import numpy as np

    if not widths:
        return [0] if groups == 0 else None
    most = max(1, min(room.rows, room.tokens // widths[-1], len(widths)))
    size = np.arange(1, most + 1)[None, :]
    start = np.arange(1, len(widths) + 1)[:, None] - size  # by end of a group and its size
    cost = size * np.array(widths, dtype=float)[start]
    cost[(start < 0) | ((size > 1) & (cost > room.tokens))] = math.inf
    best = np.full(len(widths) + 1, math.inf)  # of the first so many columns
    best[0] = 0
    sizes = []
    for _ in range(groups):
        total = best[start] + cost
        sizes.append(total.argmin(axis=1) + 1)
        best = np.concatenate([[math.inf], total.min(axis=1)])
    if math.isinf(best[-1]):
        return None
    cuts = [len(widths)]
    for chosen in reversed(sizes):
        cuts.append(cuts[-1] - int(chosen[cuts[-1] - 1]))
    return cuts[::-1]


def _packed(lengths: Sequence[int], processes: int, count: int, room: Room, layout: Layout) -> Arrangement | None:
    """Give the longest left to the micro-batch that has the fewest tokens, then deal the micro-batches out by size."""
    bins: list[list[int]] = [[] for _ in range(processes * count)]
    open_bins = [(0, number) for number in range(len(bins))]
    for place in _longest_first(lengths):
        if not open_bins:
            return None
        load, number = heapq.heappop(open_bins)
        bins[number].append(place)
        if len(bins[number]) < room.rows:
            heapq.heappush(open_bins, (load + lengths[place], number))
    held = [[lengths[place] for place in places] for places in bins]
    if any(len(each) > 1 and footprint(each, layout) > room.tokens for each in held):
        return None
    by_size = sorted(range(len(bins)), key=lambda number: (-sum(held[number]), number))
    return [[bins[by_size[slot * processes + process]] for slot in range(count)] for process in range(processes)]
