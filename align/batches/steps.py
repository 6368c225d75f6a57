"""Which conversations every optimiser step holds, and in which micro-batches this process sees them.

The order depends on seed, epoch and number of rows alone: any number of processes, packing or not, trains the same steps.
The last step of an epoch holds what is left; nothing is repeated to fill it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

from align.batches.arrange import Arrangement, Layout, Room, arrange, cost, fewest

_STEPS_RECKONED = 16


def epoch_order(seed: int, epoch: int, rows: int) -> list[int]:
    """Shuffle the rows for an epoch."""
    order = list(range(rows))
    random.Random(f"{seed}/{epoch}/{rows}").shuffle(order)
    return order


class MicroBatches:
    """The batch sampler of one process: lists of rows, `accumulation` of them for every step but the last of an epoch.

    `wanted` is the layout that is cheapest or asked for; `layout`, that they are made in, may be set until the first batch
    is asked for. A list that holds the number of rows itself, `blank`, is a
    process's part in a micro-batch for which no conversation is left.
    """

    def __init__(
        self, lengths: Sequence[int], step_rows: int, seed: int, room: Room, processes: int = 1, process: int = 0,
        equal: bool = False,
    ) -> None:  # fmt: skip
        self.lengths, self.step_rows, self.seed, self.room = lengths, step_rows, seed, room
        self.processes, self.process, self.equal = processes, process, equal
        self.layout: Layout = "padded"
        self.wanted: Layout = "padded"
        self.accumulation, self.epoch = 1, 0
        self._order: tuple[int, list[int]] = (-1, [])

    @property
    def blank(self) -> int:
        """The row that stands for none."""
        return len(self.lengths)

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps that go through all rows once."""
        return math.ceil(len(self.lengths) / self.step_rows)

    def fit(self, epochs: int, layout: Layout = "padded") -> int:
        """Set and return the accumulation for so many epochs: enough for every step, packed or not, more if that is cheaper."""
        steps = [self.rows(epoch, step) for epoch in range(epochs) for step in range(self.steps_per_epoch)]
        held = [[self.lengths[row] for row in rows] for rows in steps]
        self.accumulation = max(
            fewest(lengths, self.processes, self.room, taken, self.equal)
            for lengths in held
            for taken in {"padded", layout}  # what is not packed in the end must have room, too
        )
        if layout == "padded":
            self._refine()
        return self.accumulation

    def choose(self, epochs: int, packed: Layout, packing: bool | None) -> None:
        """Set the accumulation and the layout wanted; left open, packed is what takes fewer tokens so."""
        accumulation, self.wanted = self.fit(epochs), "padded"
        if packing is False:
            return
        padded = self.cost("padded")
        self.fit(epochs, packed)
        if packing or self.cost(packed) < padded:
            self.wanted = packed
        else:
            self.accumulation = accumulation

    def _refine(self) -> None:
        """Take more micro-batches of less padding as long as that saves more than their overhead."""
        known = self.cost("padded")
        while self.accumulation * self.processes < self.step_rows:
            self.accumulation += 1
            found = self.cost("padded")
            if found >= known:
                self.accumulation -= 1
                return
            known = found

    def cost(self, layout: Layout) -> int:
        """Reckon the tokens, padding and overhead included, that some steps take of the process that all wait for."""
        total = 0
        for step in range(min(self.steps_per_epoch, _STEPS_RECKONED)):
            lengths = [self.lengths[row] for row in self.rows(0, step)]
            total += cost(self._arranged(lengths, layout), lengths, self.room, layout)
        return total

    def _arranged(self, lengths: Sequence[int], layout: Layout) -> Arrangement:
        return arrange(lengths, self.processes, self.accumulation, self.room, layout, self.equal)

    def set_epoch(self, epoch: int) -> None:
        """Turn to the order of an epoch."""
        self.epoch = epoch

    def rows(self, epoch: int, step: int) -> list[int]:
        """List the rows of an optimiser step, over all processes."""
        if self._order[0] != epoch:
            self._order = (epoch, epoch_order(self.seed, epoch, len(self.lengths)))
        return self._order[1][step * self.step_rows : (step + 1) * self.step_rows]

    def of_step(self, epoch: int, step: int) -> list[list[int]]:
        """List the micro-batches of this process in an optimiser step."""
        rows = self.rows(epoch, step)
        lengths = [self.lengths[row] for row in rows]
        found = self._arranged(lengths, self.layout)[self.process]
        found += [[]] * (self._micro_batches(step) - len(found))
        return [[rows[place] for place in places] or [self.blank] for places in found]

    def weights(self, epoch: int, step: int) -> list[float]:
        """Weigh this process's micro-batches so that a mean over their means is the mean over all rows of the step."""
        rows, found = len(self.rows(epoch, step)), self.of_step(epoch, step)
        real = [0 if micro_batch == [self.blank] else len(micro_batch) for micro_batch in found]
        return [count * self.processes * len(found) / rows for count in real]

    def _micro_batches(self, step: int) -> int:
        rows = min(self.step_rows, len(self.lengths) - step * self.step_rows)
        return min(self.accumulation, math.ceil(rows / self.processes))

    def __len__(self) -> int:
        last = self.steps_per_epoch - 1
        return last * self.accumulation + self._micro_batches(last)

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.steps_per_epoch):
            yield from self.of_step(self.epoch, step)
